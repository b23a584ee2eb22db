"""Ask for the analysis of a sample, all of whose files are with the partner: once, and again only across a crash."""

from shared.dicom.tagging.mapping import request_type_of
from shared.errors import PermanentError
from shared.flows._upload_log import tries_text
from shared.flows._upload_phases import close, close_decided, reason_of
from shared.flows._upload_records import kept_metadata
from shared.flows._upload_request import ANALYTICS, TRIGGERING, UploadPorts, request_of
from shared.ports.jobs import DONE, FAILED, Job
from shared.ports.partner import PartnerError
from shared.telemetry.tracing import flow

__all__ = ["UploadPorts", "run_analytics"]


@flow
async def run_analytics(job_id: str, ports: UploadPorts, *, message_id: str) -> None:
    """Ask for the analysis, if this message is the one that may.

    Of several messages the first one takes the run by a conditional change. If it comes again, its first delivery was cut short,
    and nobody knows whether the partner heard it: it asks again, and the log of the run says so.

    Args:
        job_id: Of the run.
        ports: What it needs.
        message_id: Of the message, the same whenever it is delivered.

    Raises:
        JobNotFoundError: There is no such run.
        TransientError: Trying again may help.
    """
    job = await ports.jobs.get(job_id)
    if job.phase == ANALYTICS:
        taken = {"trigger": message_id}
        if not await ports.jobs.advance(job_id, expected=ANALYTICS, phase=TRIGGERING, facts=taken):
            return
    elif job.facts.get("trigger") != message_id:
        return
    elif job.phase != TRIGGERING:
        await close_decided(job, ports)
        return
    else:
        again = str(int(job.facts.get("analytics_again", "0")) + 1)
        await ports.jobs.advance(
            job_id, expected=TRIGGERING, phase=TRIGGERING, facts={"analytics_again": again}
        )
    await _ask(await ports.jobs.get(job_id), ports)


async def _ask(job: Job, ports: UploadPorts) -> None:
    request = request_of(job)
    try:
        request_type = request_type_of(await kept_metadata(ports, job.job_id) or {})
        answer = await ports.partner.analytics(request.sample_id, request_type, max_retry=request.max_retry)
    except PermanentError as error:
        tries = error.tries if isinstance(error, PartnerError) else ()
        facts = {"analytics_tries": tries_text(tries)}
        await close(job, ports, end=FAILED, phase_name="analytics", error=reason_of(error), facts=facts)
        return
    facts = {"analytics_tries": tries_text(answer.tries), "analytics_status": str(answer.status)}
    await close(job, ports, end=DONE, facts=facts)
