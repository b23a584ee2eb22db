"""HTTP trigger: import instances from another archive by a job, tell how far a job is, and try again what failed."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._access import check_partition
from functions._http import answers_errors, json_response
from functions._import_request import import_order, import_ports, read_body
from functions._public_url import public_base_url
from functions._streaming import stream_response
from shared.access.callers import Role
from shared.dicom.partition_names import validate_partition_name
from shared.errors import JobNotFoundError
from shared.flows.list_imported import list_imported
from shared.flows.resume_import import KIND
from shared.flows.resume_import import resume_import as resume
from shared.flows.start_import import start_import as start
from shared.ports.jobs import ItemState, Job, JobItem
from shared.progress import progress
from shared.services.services import Services

bp = func.Blueprint()

_JOB_ID: Final = re.compile(r"[0-9a-f]{32}")
_MAX_LISTED: Final = 1000
_MAX_JOBS: Final = 50


@bp.function_name("start_import")
@bp.route("imports", methods=["POST"])
@answers_errors
async def start_import(req: Request) -> Response:
    """Begin an import, and answer 202 with where its status is."""
    services = await _wiring.services()
    said = await read_body(req)
    if name := said.get("partition"):
        services = await services.in_partition(validate_partition_name(str(name)))
    check_partition(req, Role.WRITER, services.partition)
    if said.get("container"):
        # What lands there may be taken in by another data partition.
        check_partition(req, Role.WRITER, None)
    order = import_order(said, services)
    ports = import_ports(order, services)
    if name:
        await services.partitions.add(services.partition)
    job = await start(
        order,
        partition=services.partition,
        jobs=ports.jobs,
        work=ports.work,
        objects=ports.objects,
        checkpoints=ports.checkpoints,
    )
    return _accepted(req, job, services)


@bp.function_name("list_imports")
@bp.route("imports", methods=["GET"])
@answers_errors
async def list_imports(req: Request) -> Response:
    """List the imports that were begun last, and the names of the sources that there are."""
    services = await _wiring.services()
    jobs = [
        {
            "job": job.job_id,
            "status": job.phase,
            "url": _url(req, job, services),
            "createdAt": job.created_at.isoformat(),
            "source": dict(job.parameters).get("source", ""),
            "studies": job.item_count,
        }
        for job in await services.jobs.recent(_MAX_JOBS, KIND)
    ]
    return json_response({"imports": jobs, "sources": sorted(services.settings.import_sources)})


@bp.function_name("import_status")
@bp.route("imports/{job}", methods=["GET"])
@answers_errors
async def import_status(req: Request) -> Response:
    """Answer how far an import is, by studies and instances, and what failed."""
    services = await _wiring.services()
    job = await _job(req, services)
    items = [item async for item in services.jobs.items(job.job_id)]
    return json_response(_status(job, items, _url(req, job, services)))


@bp.function_name("resume_import")
@bp.route("imports/{job}/resume", methods=["POST"])
@answers_errors
async def resume_import(req: Request) -> Response:
    """Try again what failed, and answer 202; what was imported is not fetched again."""
    services = await _wiring.services()
    job = await _job(req, services, Role.WRITER)
    services = await services.in_partition(job.partition)
    job = await resume(job.job_id, import_ports(job, services))
    return _accepted(req, job, services)


@bp.function_name("import_manifest")
@bp.route("imports/{job}/manifest", methods=["GET"])
@answers_errors
async def import_manifest(req: Request) -> Response:
    """Answer what became of each instance, a JSON object a line: source id, UIDs, size, SHA-256, file, error."""
    services = await _wiring.services()
    job = await _job(req, services)
    lines: AsyncIterator[bytes] = list_imported(
        job, objects=services.objects, container=services.settings.derived_container
    )
    return await stream_response(lines, media_type="application/jsonl")


def _accepted(req: Request, job: Job, services: Services) -> Response:
    url = _url(req, job, services)
    return json_response(_status(job, [], url), status=202, headers={"Location": url})


def _status(job: Job, items: list[JobItem], url: str) -> dict[str, Any]:
    """Return what is told of a job; ids of studies stay here, for some sources make them of patients."""
    counts: Counter[str] = Counter()
    for item in items:
        counts.update(item.counts)
    how_far = progress(job, items, datetime.now(UTC))
    failed = [item for item in items if item.state is ItemState.FAILED]
    names = ("stored", "present", "failed", "mismatched", "bytes")
    return {
        "job": job.job_id,
        "status": job.phase,
        "error": job.error,
        "url": url,
        "manifest": f"{url}/manifest",
        "createdAt": job.created_at.isoformat(),
        "studies": job.item_count,
        "done": how_far.done,
        "failed": how_far.failed,
        "instances": {name: counts[name] for name in names},
        "ratePerSecond": how_far.rate_per_second,
        "secondsLeft": how_far.seconds_left,
        "failures": [{"study": item.number, "error": item.error} for item in failed[:_MAX_LISTED]],
    }


def _url(req: Request, job: Job, services: Services) -> str:
    base = services.settings.public_url.rstrip("/") or public_base_url(req.headers, req.url.scheme)
    return f"{base}/imports/{job.job_id}"


async def _job(req: Request, services: Services, role: Role = Role.READER) -> Job:
    job_id = str(req.path_params["job"])
    if _JOB_ID.fullmatch(job_id) is not None:
        job = await services.jobs.get(job_id)
        if job.kind == KIND:
            check_partition(req, role, job.partition)
            return job
    raise JobNotFoundError("there is no such import")
