"""HTTP trigger: begin a run that sends files to the partner, and tell how far it is."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._access import check_partition
from functions._http import answers_errors, json_response
from functions._public_url import public_base_url
from functions._upload_body import chosen, idempotency_key, read_body, upload_request
from functions._upload_ports import upload_ports
from shared.access.callers import Role
from shared.dicom.partition_names import validate_partition_name
from shared.errors import JobNotFoundError
from shared.flows.read_upload_log import KIND, read_upload_log
from shared.flows.start_upload import CasePorts, StartUploadPorts, start_upload
from shared.ports.jobs import ItemState, Job, JobItem
from shared.progress import progress
from shared.services.services import Services

bp = func.Blueprint()

_JOB_ID: Final = re.compile(r"[0-9a-f]{32}")
_MAX_LISTED: Final = 1000


@bp.function_name("begin_upload")
@bp.route("uploads", methods=["POST"])
@answers_errors
async def begin_upload(req: Request) -> Response:
    """Begin a run and answer 202 with where its status is; the same request again is the same run while it goes on."""
    services = await _wiring.services()
    body = await read_body(req)
    if name := req.query_params.get("partition"):
        services = await services.in_partition(validate_partition_name(name))
    upload_ports(services)
    ports = StartUploadPorts(
        CasePorts(services.cases, services.reports, services.index),
        services.jobs,
        services.sending.uploads,
        services.partition,
    )
    request = upload_request(body, services.settings, partition=services.partition)
    job = await start_upload(chosen(body), request, ports, idempotency_key=idempotency_key(req))
    url = _url(req, job, services)
    return json_response(_status(job, [], url), status=202, headers={"Location": url})


@bp.function_name("upload_status")
@bp.route("uploads/{job}", methods=["GET"])
@answers_errors
async def upload_status(req: Request) -> Response:
    """Answer how far a run is, and what became of each file."""
    services = await _wiring.services()
    job = await _job(req, services)
    items = [item async for item in services.jobs.items(job.job_id)]
    return json_response(_status(job, items, _url(req, job, services)))


@bp.function_name("upload_log")
@bp.route("uploads/{job}/log", methods=["GET"])
@answers_errors
async def upload_log(req: Request) -> Response:
    """Answer the log of a run, as far as it is; it holds no patient data and no keys."""
    services = await _wiring.services()
    job = await _job(req, services)
    log = await read_upload_log(job.job_id, services.jobs, level=services.settings.log_level)
    return Response(log, media_type="text/plain; charset=utf-8")


async def _job(req: Request, services: Services) -> Job:
    job_id = str(req.path_params["job"])
    if _JOB_ID.fullmatch(job_id) is None:
        raise JobNotFoundError("there is no such job")
    job = await services.jobs.get(job_id)
    if job.kind != KIND:
        raise JobNotFoundError("there is no such upload")
    check_partition(req, Role.READER, job.partition)
    return job


def _status(job: Job, items: list[JobItem], url: str) -> dict[str, Any]:
    told = dict(job.parameters)
    so_far = progress(job, items, datetime.now(UTC))
    status: dict[str, Any] = {
        "job": job.job_id,
        "status": job.phase,
        "url": url,
        "log": f"{url}/log",
        "createdAt": job.created_at.isoformat(),
        "sampleId": told["sample_id"],
        "attempt": int(told["attempt_number"]),
        "files": so_far.total,
        "pending": so_far.pending,
        "done": so_far.done,
        "failed": so_far.failed,
        "bytes": so_far.bytes_done,
        "ratePerSecond": so_far.rate_per_second,
        "secondsLeft": so_far.seconds_left,
        "items": [_item(item) for item in items[:_MAX_LISTED]],
    }
    facts = {"failedPhase": "failed_phase", "next": "next", "analyticsStatus": "analytics_status"}
    status |= {name: job.facts[fact] for name, fact in facts.items() if fact in job.facts}
    return status | ({"error": job.error} if job.error else {})


def _item(item: JobItem) -> dict[str, Any]:
    told: dict[str, Any] = {"number": item.number, "state": item.state.value}
    if item.ref is not None:
        told["sopInstanceUid"] = item.ref.sop_instance_uid
    if item.source:
        told["object"] = item.source
    told |= {name: item.facts[name] for name in ("how", "status", "sha256", "tags") if name in item.facts}
    if item.state is ItemState.DONE:
        told["bytes"] = item.counts.get("bytes", 0)
    return told | ({"error": item.error} if item.error else {})


def _url(req: Request, job: Job, services: Services) -> str:
    base = services.settings.public_url.rstrip("/") or public_base_url(req.headers, req.url.scheme)
    return f"{base}/uploads/{job.job_id}"
