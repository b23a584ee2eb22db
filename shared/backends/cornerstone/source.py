"""ImportSource on `studyList.json` and `studies/{patientId}.json`, with the files of `{orthanc}/instances/{imageId}`."""

import re
from collections.abc import AsyncIterator
from typing import Any, Final

from shared.backends.source_http.answers import listed, mapping
from shared.backends.source_http.client import SourceHttp, pieces_of
from shared.dicom.orthanc_ids import is_orthanc_id, orthanc_id
from shared.dicom.references import InstanceRef
from shared.errors import SourceRefusedError, UnsupportedQueryError
from shared.ports.imports import FoundStudies, ImportFilter, SourceInstance

PAGE: Final = 100
_ANY: Final = "*/*"
_DATE: Final = re.compile(r"[0-9]{8}")


class StudyListSource:
    """One list of studies, and the Orthanc that it points to."""

    lists_uids: Final = False

    def __init__(self, lists: SourceHttp, files: SourceHttp, *, page: int = PAGE) -> None:
        self._lists = lists
        self._files = files
        self._page = page
        self._entries: list[dict[str, Any]] | None = None

    async def discover(self, wanted: ImportFilter, after: str = "") -> FoundStudies:
        """Return a page of the list: patient ids, under which it keeps its studies."""
        if wanted.study_instance_uid or wanted.accession_number:
            raise UnsupportedQueryError(
                "a study list knows neither UIDs nor accession numbers: filter by patient, date or modality"
            )
        start = int(after or "0")
        if not start or self._entries is None:
            answer = mapping(await self._lists.json(self._lists.url("studyList.json")))
            self._entries = [_object(entry) for entry in listed(answer.get("studyList"))]
        end = start + self._page
        found = [_patient(entry) for entry in self._entries[start:end] if _is_wanted(entry, wanted)]
        return FoundStudies(found, str(end), more=end < len(self._entries))

    async def changes(self, after: str = "") -> FoundStudies:
        """Refuse: there is no list of changes."""
        raise UnsupportedQueryError("a study list says nothing of changes: import it again")

    async def instances(self, study: str) -> AsyncIterator[SourceInstance]:
        """Yield what the file of a study lists; what is no id of Orthanc's is listed too, and cannot be fetched."""
        answer = mapping(await self._lists.json(self._lists.url("studies", f"{study}.json")))
        number = 0
        for series in listed(answer.get("seriesList")):
            entries = _object(series).get("instanceList")
            for entry in entries if isinstance(entries, list) else [None]:
                number += 1
                image_id = _object(entry).get("imageId")
                named = image_id.removesuffix("/file") if isinstance(image_id, str) else ""
                yield SourceInstance(named if is_orthanc_id(named) else f"invalid-{number}")

    async def fetch(self, instance: SourceInstance) -> AsyncIterator[bytes]:
        """Yield the file of an instance."""
        if not is_orthanc_id(instance.source_id):
            raise SourceRefusedError("its imageId in the study list does not look like an id of Orthanc's")
        url = self._files.url("instances", instance.source_id, "file")

        async def read() -> AsyncIterator[bytes]:
            async with self._files.open(url, _ANY) as answer:
                async for piece in pieces_of(answer):
                    yield piece

        async for piece in self._files.held(read):
            yield piece

    def mismatch(self, instance: SourceInstance, ref: InstanceRef, patient_id: str) -> str:
        """Compare the id that was asked for with that of what came."""
        if orthanc_id(ref, patient_id) == instance.source_id:
            return ""
        return "the id that its UIDs and PatientID give is not the one it was asked for by"


def _object(entry: Any) -> dict[str, Any]:
    """Return an entry of a list; one that is none is empty, so that it fails by itself."""
    return entry if isinstance(entry, dict) else {}


def _patient(entry: dict[str, Any]) -> str:
    """Return under which name a study is kept; some lists have it as a number."""
    patient = entry.get("patientId", "")
    if isinstance(patient, bool) or not isinstance(patient, str | int):
        return ""
    return str(patient)


def _is_wanted(entry: dict[str, Any], wanted: ImportFilter) -> bool:
    if wanted.patient_id and _patient(entry) != wanted.patient_id:
        return False
    if wanted.modality and entry.get("modality") != wanted.modality:
        return False
    if not wanted.study_date:
        return True
    date = str(entry.get("studyDate", "")).replace("-", "").replace("/", "")
    first, dash, last = wanted.study_date.partition("-")
    if _DATE.fullmatch(date) is None:
        return False
    return (first or "0") <= date <= (last or "9" * 8) if dash else date == first
