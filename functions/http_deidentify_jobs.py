"""HTTP trigger: de-identify what the archive holds, by a job, and tell how far a job is."""

import re
from collections import Counter
from typing import Any, Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._access import check_partition
from functions._audit import say, say_case
from functions._case_named import case_named
from functions._deidentify_job import check_destination
from functions._deidentify_request import deidentify_request, has_random_pseudonyms, known_parameters
from functions._http import answers_errors, json_response
from functions._public_url import public_base_url
from shared.access.callers import Role
from shared.dicom.deidentification.pseudonyms import new_secret
from shared.dicom.partition_names import validate_partition_name
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import JobNotFoundError, NotFoundError, ObjectNotFoundError
from shared.flows.read_job_report import read_job_report
from shared.flows.start_deidentification import CasePorts, Ref, StartPorts, start_deidentification
from shared.ports.jobs import ItemState, Job, JobItem
from shared.services.services import Services

bp = func.Blueprint()

_JOB_ID: Final = re.compile(r"[0-9a-f]{32}")
_MAX_LISTED: Final = 1000


@bp.function_name("deidentify_study")
@bp.route("deidentify/studies/{study}", methods=["POST"])
@answers_errors
async def deidentify_study(req: Request) -> Response:
    """Begin a job for a study."""
    return await _begin(req, StudyRef(req.path_params["study"]))


@bp.function_name("deidentify_series")
@bp.route("deidentify/studies/{study}/series/{series}", methods=["POST"])
@answers_errors
async def deidentify_series(req: Request) -> Response:
    """Begin a job for a series."""
    return await _begin(req, SeriesRef(req.path_params["study"], req.path_params["series"]))


@bp.function_name("deidentify_instance")
@bp.route("deidentify/studies/{study}/series/{series}/instances/{instance}", methods=["POST"])
@answers_errors
async def deidentify_instance(req: Request) -> Response:
    """Begin a job for an instance."""
    params = req.path_params
    return await _begin(req, InstanceRef(params["study"], params["series"], params["instance"]))


@bp.function_name("deidentify_case")
@bp.route("deidentify/cases/{year}/{id}", methods=["POST"])
@answers_errors
async def deidentify_case(req: Request) -> Response:
    """Begin a job for the images of a clinical case."""
    named = case_named(req)
    say_case(req, await _wiring.services(), *named)
    return await _begin(req, named)


@bp.function_name("deidentify_status")
@bp.route("deidentify/jobs/{job}", methods=["GET"])
@answers_errors
async def deidentify_status(req: Request) -> Response:
    """Answer how far a job is, and what became of each instance: where it is written, or why it is not."""
    services = await _wiring.services()
    job = await services.jobs.get(_job_id(req))
    check_partition(req, Role.READER, job.partition)
    items = [item async for item in services.jobs.items(job.job_id)]
    say(req, refs=tuple(item.ref for item in items[:_MAX_LISTED] if item.ref is not None))
    return json_response(_status(job, items, _url(req, job, services)))


@bp.function_name("deidentify_report")
@bp.route("deidentify/jobs/{job}/items/{number}", methods=["GET"])
@answers_errors
async def deidentify_report(req: Request) -> Response:
    """Answer what was done to one instance of a job: tag path, rule and action of every change, no value."""
    services = await _wiring.services()
    job_id, number = _job_id(req), req.path_params["number"]
    job = await services.jobs.get(job_id)
    check_partition(req, Role.READER, job.partition)
    if not number.isascii() or not number.isdecimal():
        raise NotFoundError("items are numbered from 1")
    try:
        container = services.settings.derived_container
        report = await read_job_report(job_id, int(number), objects=services.objects, container=container)
    except ObjectNotFoundError:
        raise NotFoundError("there is no report of such an item; see the job's status") from None
    return Response(report, media_type="application/json")


async def _begin(req: Request, what: Ref | tuple[str, str]) -> Response:
    """Begin a job and answer 202 with where its status is, or refuse what could never run."""
    services = await _wiring.services()
    parameters = known_parameters(req.query_params, of_job=True)
    if name := req.query_params.get("partition"):
        services = await services.in_partition(validate_partition_name(name))
    deidentify_request(req.query_params, services.settings)
    check_destination(req.query_params, services)
    ports = StartPorts(
        CasePorts(services.cases, services.reports, services.index),
        services.jobs,
        services.deidentifications,
        services.partition,
    )
    key = new_secret() if has_random_pseudonyms(req.query_params) else b""
    job = await start_deidentification(what, parameters, ports, key=key)
    url = _url(req, job, services)
    return json_response(_status(job, [], url), status=202, headers={"Location": url})


def _status(job: Job, items: list[JobItem], url: str) -> dict[str, Any]:
    states = Counter(item.state.value for item in items)
    counts: Counter[str] = Counter()
    for item in items:
        counts.update(item.counts)
    left = job.item_count - states[ItemState.DONE.value] - states[ItemState.FAILED.value]
    return {
        "job": job.job_id,
        "status": "running" if left else "done",
        "url": url,
        "createdAt": job.created_at.isoformat(),
        "instances": job.item_count,
        "done": states[ItemState.DONE.value],
        "failed": states[ItemState.FAILED.value],
        "counts": dict(counts),
        "items": [_item(item, url) for item in items[:_MAX_LISTED]],
    }


def _item(item: JobItem, url: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "number": item.number,
        "sopInstanceUid": "" if item.ref is None else item.ref.sop_instance_uid,
        "state": item.state.value,
    }
    if item.state is ItemState.DONE:
        told |= {"output": item.output, "report": f"{url}/items/{item.number}"}
    if item.state is ItemState.FAILED:
        told |= {"error": item.error}
    return told


def _url(req: Request, job: Job, services: Services) -> str:
    base = services.settings.public_url.rstrip("/") or public_base_url(req.headers, req.url.scheme)
    return f"{base}/deidentify/jobs/{job.job_id}"


def _job_id(req: Request) -> str:
    job_id = str(req.path_params["job"])
    if _JOB_ID.fullmatch(job_id) is None:
        raise JobNotFoundError("there is no such job")
    return job_id
