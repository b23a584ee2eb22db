"""Queue triggers: an upload session is to be published, or was tried too often."""

from typing import Final

import azure.functions as func

from functions import _wiring
from functions._events import acknowledges_permanent_errors
from functions._session_ports import ports_of
from shared.errors import InvalidRequestError, ObjectExistsError
from shared.flows.abandon_session import abandon_session
from shared.flows.run_session import run_session
from shared.telemetry import metrics

bp = func.Blueprint()

_SECONDS: Final = 180
"""A commit goes on in another invocation after so long: those of a consumption plan end after five minutes."""


@bp.function_name("commit_uploads")
@bp.queue_trigger(arg_name="msg", queue_name="sessions", connection="DicomStorage")
@acknowledges_permanent_errors
async def commit_uploads(msg: func.QueueMessage) -> None:
    """Take in the files of a session that are still to be looked at, and publish all of them or none."""
    services = await _wiring.services()
    job = await services.jobs.get(_read(msg.get_body()))
    await run_session(job.job_id, await ports_of(job, services), seconds=_SECONDS)


@bp.function_name("commit_given_up")
@bp.queue_trigger(arg_name="msg", queue_name="sessions-poison", connection="DicomStorage")
@acknowledges_permanent_errors
async def commit_given_up(msg: func.QueueMessage) -> None:
    """Publish nothing of a session that failed too often; one that is committed is finished."""
    await give_up(msg.get_body(), msg.id or "")


async def give_up(message: bytes, _message_id: str) -> None:
    """Do so; again is no harm."""
    services = await _wiring.services()
    job = await services.jobs.get(_read(message))
    ports = await ports_of(job, services)
    try:
        await abandon_session(job.job_id, ports, why="nothing was published: the commit failed too often")
    except ObjectExistsError:
        await run_session(job.job_id, ports, seconds=_SECONDS)
    metrics.job_given_up()


def _read(message: bytes) -> str:
    import orjson

    try:
        return str(orjson.loads(message)["job"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise InvalidRequestError("the message is not {job}") from None
