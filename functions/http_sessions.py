"""HTTP trigger: upload sessions, whose files clients put straight to storage, and which are published at once or never."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._access import check_partition
from functions._http import answers_errors, json_response
from functions._job_status import progress_of
from functions._public_url import public_base_url
from functions._session_ports import session_ports
from functions._streaming import limited_body
from shared.access.callers import Role
from shared.dicom.partition_names import validate_partition_name
from shared.errors import InvalidRequestError, JobNotFoundError
from shared.flows._session_ports import EXPIRES_AT, KIND, THERE, SessionPorts
from shared.flows.abandon_session import abandon_session as abandon
from shared.flows.commit_session import commit_session as commit
from shared.flows.extend_session import extend_session
from shared.flows.start_session import start_session as start
from shared.ports.jobs import DONE, FAILED, ItemState, Job, JobItem
from shared.ports.sessions import UploadTarget
from shared.services.services import Services

bp = func.Blueprint()

_SESSION_ID: Final = re.compile(r"[0-9a-f]{32}")
_MAX_BODY: Final = 8 * 1024 * 1024
_MAX_LISTED: Final = 1000


@bp.function_name("start_session")
@bp.route("sessions", methods=["POST"])
@answers_errors
async def start_session(req: Request) -> Response:
    """Begin a session, and answer where to put the files that the body names."""
    services = await _wiring.services()
    if name := req.query_params.get("partition"):
        services = await services.in_partition(validate_partition_name(name))
    names = await _names(req)
    if services.partition != services.settings.partition:
        await services.partitions.add(services.partition)
    job, targets = await start(names, session_ports(services))
    url = _url(req, job, services)
    content = _status(job, [], url) | {"targets": _told(targets)}
    return json_response(content, status=HTTPStatus.CREATED, headers={"Location": url})


@bp.function_name("session_targets")
@bp.route("sessions/{job}/targets", methods=["POST"])
@answers_errors
async def session_targets(req: Request) -> Response:
    """Answer where to put further files."""
    job, ports, _ = await _session(req, Role.WRITER)
    return json_response({"targets": _told(await extend_session(job, await _names(req), ports))})


@bp.function_name("commit_session")
@bp.route("sessions/{job}/commit", methods=["POST"])
@answers_errors
async def commit_session(req: Request) -> Response:
    """Publish all files or none: 200 if they are, 202 while they are looked at, 409 if one of them cannot be."""
    job, ports, services = await _session(req, Role.WRITER)
    job = await commit(job.job_id, await _names(req), ports)
    status = {DONE: HTTPStatus.OK, FAILED: HTTPStatus.CONFLICT}.get(job.phase, HTTPStatus.ACCEPTED)
    return json_response(await _whole_status(req, job, services), status=status)


@bp.function_name("session_status")
@bp.route("sessions/{job}", methods=["GET"])
@answers_errors
async def session_status(req: Request) -> Response:
    """Answer how far a session is, and which files cannot be published and why."""
    job, _, services = await _session(req, Role.READER)
    return json_response(await _whole_status(req, job, services))


@bp.function_name("abandon_session")
@bp.route("sessions/{job}", methods=["DELETE"])
@answers_errors
async def abandon_session(req: Request) -> Response:
    """Remove what was put; nothing of it is published."""
    job, ports, _ = await _session(req, Role.WRITER)
    await abandon(job.job_id, ports)
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _session(req: Request, role: Role) -> tuple[Job, SessionPorts, Services]:
    """Return a session, and the ports of its data partition, in which the caller has *role*."""
    services = await _wiring.services()
    job_id = str(req.path_params["job"])
    job = await services.jobs.get(job_id) if _SESSION_ID.fullmatch(job_id) else None
    if job is None or job.kind != KIND:
        raise JobNotFoundError("there is no such session")
    check_partition(req, role, job.partition)
    services = await services.in_partition(job.partition)
    return job, session_ports(services), services


async def _names(req: Request) -> list[str]:
    """Return the names in the body, `{"files": [...]}`; none if there is no body."""
    import orjson

    body = b"".join([chunk async for chunk in limited_body(req, _MAX_BODY)])
    try:
        said = orjson.loads(body) if body.strip() else {}
        names = said.get("files", []) if isinstance(said, dict) else None
    except orjson.JSONDecodeError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidRequestError('send {"files": ["name", ...]} as JSON, or no body')
    return names


async def _whole_status(req: Request, job: Job, services: Services) -> dict[str, Any]:
    items = [item async for item in services.jobs.items(job.job_id)]
    return _status(job, items, _url(req, job, services))


def _status(job: Job, items: Sequence[JobItem], url: str) -> dict[str, Any]:
    failed = [item for item in items if item.state is ItemState.FAILED]
    return {
        "session": job.job_id,
        "status": job.phase,
        "error": job.error,
        "url": url,
        "createdAt": job.created_at.isoformat(),
        "expiresAt": job.facts[EXPIRES_AT],
        **progress_of(job, items, datetime.now(UTC)),
        "alreadyThere": sum(THERE in item.facts for item in items),
        "failures": [{"file": item.source, "reason": item.error} for item in failed[:_MAX_LISTED]],
    }


def _told(targets: Sequence[UploadTarget]) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "method": "PUT", "url": one.url, "headers": dict(one.headers)} for one in targets
    ]


def _url(req: Request, job: Job, services: Services) -> str:
    base = services.settings.public_url.rstrip("/") or public_base_url(req.headers, req.url.scheme)
    return f"{base}/sessions/{job.job_id}"
