"""Say of a run what was tried too often, so that its status tells the truth and the rest goes on."""

from dataclasses import replace

from shared.flows._upload_phases import close, settle
from shared.flows._upload_request import PREPARING, QUEUED, UPLOADING, UploadPorts
from shared.ports.jobs import DONE, FAILED, ItemState
from shared.telemetry.tracing import flow

__all__ = ["UploadPorts", "give_up_upload"]

_GIVEN_UP = "given up after several attempts"
_UNSAID = "it ended without saying why; the app's log has more"
_PHASES = {QUEUED: "metadata", PREPARING: "metadata", UPLOADING: "upload"}


@flow
async def give_up_upload(job_id: str, ports: UploadPorts, *, item: int = 0) -> None:
    """Fail one file of a run, or the run.

    Raises:
        JobNotFoundError: There is no such run or file.
        TransientError: Trying again may help.
    """
    job = await ports.jobs.get(job_id)
    if item:
        found = await ports.jobs.item(job_id, item)
        if found.state is ItemState.PENDING:
            error = f"{_GIVEN_UP}: {found.error or _UNSAID}"
            await ports.jobs.put_item(job_id, replace(found, state=ItemState.FAILED, error=error))
        await settle(job_id, ports)
    elif job.phase not in (DONE, FAILED):
        phase = _PHASES.get(job.phase, "analytics")
        await close(job, ports, end=FAILED, phase_name=phase, error=f"{_GIVEN_UP}; {_UNSAID}")
