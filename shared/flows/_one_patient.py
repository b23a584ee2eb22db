"""Tell whether the files of a run are of one patient, before the first of them is made a file of the sample's. It sends nothing."""

from typing import Final

from shared.dicom.header import read_header
from shared.errors import PermanentError
from shared.flows._file_source import StoredFile
from shared.flows._in_parallel import in_parallel
from shared.flows._upload_files import location_of
from shared.flows._upload_request import UploadPorts, request_of
from shared.ports.jobs import Job, JobItem

_PATIENT_ID: Final = 0x0010_0020
_READ_AT_ONCE: Final = 16
_BATCH: Final = 1024


class SeveralPatientsError(PermanentError):
    """The files name more than one patient, and all would become the sample's."""


async def check_one_patient(job: Job, ports: UploadPorts) -> None:
    """Refuse files whose PatientIDs differ, unless the run was told that they may.

    A file without one, or with one that an attempt of the same sample has set, goes with any other. What cannot be read is passed
    over: it fails by itself.

    Raises:
        SeveralPatientsError: There are files of more than one patient.
        TransientError: Trying again may help.
    """
    request = request_of(job)
    if request.several_patients:
        return
    own = f"{request.sample_id}-"

    async def patient_of(item: JobItem) -> str:
        try:
            file = StoredFile(ports.objects, await location_of(item, ports))
            said = ((await read_header(file.fetch, file.size)).text(_PATIENT_ID) or "").strip(" \0")
        except PermanentError:
            return ""
        return "" if said.startswith(own) else said

    found: dict[str, int] = {}
    batch: list[JobItem] = []

    async def look() -> None:
        for item, said in zip(batch, await in_parallel(patient_of, batch, limit=_READ_AT_ONCE), strict=True):
            if said:
                found.setdefault(said, item.number)
        batch.clear()
        if len(found) > 1:
            first, other = list(found.values())[:2]
            raise SeveralPatientsError(
                f"files {first} and {other} are of different patients, and both would become the sample's: send them apart,"
                " or say several_patients"
            )

    async for item in ports.jobs.items(job.job_id):
        batch.append(item)
        if len(batch) == _BATCH:
            await look()
    await look()
