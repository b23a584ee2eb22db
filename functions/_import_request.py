"""Read from a request what is to be imported, and gather what importing needs. It imports nothing."""

import re
from typing import Any, Final

from starlette.requests import Request

from functions._own_containers import check_foreign_container
from functions._risk_limit import risk_policy
from functions._streaming import limited_body
from shared.dicom.uids import validate_uid
from shared.errors import InvalidQueryError, InvalidRequestError, InvalidUidError
from shared.flows.import_study import ImportOrder, ImportPorts, order_of
from shared.flows.store_instances import Admission, StorePorts, StoreRequest
from shared.ports.imports import ImportFilter
from shared.ports.jobs import Job
from shared.services.services import Services

_MAX_BODY: Final = 64 * 1024
_FILTERS: Final = {
    "patient": "patient_id",
    "date": "study_date",
    "modality": "modality",
    "study": "study_instance_uid",
    "accession": "accession_number",
}
_PLACE: Final = {"source": "source", "kind": "kind", "url": "url", "filesUrl": "files_url"}
_OTHERS: Final = frozenset({"incremental", "since", "container", "prefix", "partition"})
_DATE: Final = re.compile(r"[0-9]{8}|[0-9]{8}-(?:[0-9]{8})?|-[0-9]{8}")
_PREFIX: Final = re.compile(r"(?:[A-Za-z0-9_.-]{1,100}/){0,8}")
_MAX_TEXT: Final = 256
_WILDCARDS: Final = frozenset("*?\\")


async def read_body(req: Request) -> dict[str, Any]:
    """Return the JSON object in the body of *req*.

    Raises:
        InvalidRequestError: It holds none, or one with a key that has no meaning.
        PayloadTooLargeError: It is longer than any.
    """
    import orjson

    content = b"".join([chunk async for chunk in limited_body(req, _MAX_BODY)])
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        raise InvalidRequestError("send what to import as a JSON object")
    unknown = sorted(said.keys() - _FILTERS.keys() - _PLACE.keys() - _OTHERS)
    if unknown:
        known = ", ".join([*_PLACE, *_FILTERS, *sorted(_OTHERS)])
        raise InvalidRequestError(f"{len(unknown)} keys have no meaning; use {known}")
    return said


def import_order(said: dict[str, Any], services: Services) -> ImportOrder:
    """Return what the body asks for, checked.

    Raises:
        InvalidRequestError: It contradicts itself, or asks for what nobody may have.
    """
    place = {name: _text(said, key) for key, name in _PLACE.items()}
    if bool(place["source"]) == bool(place["url"]):
        raise InvalidRequestError("name a source of the settings, or a url and its kind")
    if place["source"] and (place["kind"] or place["files_url"]):
        raise InvalidRequestError("a source that is named has its kind and files_url in the settings")
    container, prefix = _text(said, "container"), _text(said, "prefix")
    _check_container(container, prefix, services)
    incremental = said.get("incremental", False)
    if not isinstance(incremental, bool):
        raise InvalidRequestError("incremental must be true or false")
    return ImportOrder(
        **place,
        wanted=_filter({name: _text(said, key) for key, name in _FILTERS.items()}),
        incremental=incremental,
        since=_since(said),
        container=container,
        prefix=prefix,
    )


def import_ports(job_or_order: Job | ImportOrder, services: Services) -> ImportPorts:
    """Return what an import needs; *services* are those of the data partition that is imported into.

    Raises:
        NotFoundError: Its source is not in the settings any more.
    """
    order = order_of(job_or_order) if isinstance(job_or_order, Job) else job_or_order
    settings = services.settings
    return ImportPorts(
        jobs=services.jobs,
        work=services.imports,
        objects=services.objects,
        checkpoints=services.checkpoints,
        store=StorePorts(
            objects=services.objects,
            index=services.index,
            ledger=services.ledger,
            cases=services.cases,
            queue=services.queue,
            container=settings.archive_container,
            partition=services.partition,
            risk=risk_policy(settings),
        ),
        request=StoreRequest(
            service_url="",
            duplicates=settings.duplicates,
            admission=Admission(settings.store_sop_classes, settings.store_transfer_syntaxes),
        ),
        source=services.import_sources.source(
            order.source, kind=order.kind, url=order.url, files_url=order.files_url
        ),
        derived_container=settings.derived_container,
        concurrency=settings.import_connections,
        slots=services.import_sources.slots,
    )


def _filter(said: dict[str, str]) -> ImportFilter:
    if any(_WILDCARDS & set(value) for value in said.values()):
        raise InvalidQueryError("filters are whole values, without wildcards or lists")
    if said["study_date"] and _DATE.fullmatch(said["study_date"]) is None:
        raise InvalidQueryError(
            "date must be YYYYMMDD, or a range of two with a dash, one of which may be missing"
        )
    if said["study_instance_uid"]:
        try:
            validate_uid(said["study_instance_uid"], "study")
        except InvalidUidError as error:
            raise InvalidQueryError(str(error)) from None
    return ImportFilter(**said)


def _since(said: dict[str, Any]) -> str | None:
    since = said.get("since")
    if since is None:
        return None
    if isinstance(since, bool) or not isinstance(since, int) or since < 0:
        raise InvalidRequestError("since must be the number of a change, 0 for all")
    return str(since)


def _check_container(container: str, prefix: str, services: Services) -> None:
    if prefix and (_PREFIX.fullmatch(prefix) is None or ".." in prefix or not container):
        raise InvalidRequestError(
            "prefix is of folders of ASCII letters, digits, _ . and -, each with a slash behind it; it needs a container"
        )
    if container:
        check_foreign_container(container, "container", services.settings)


def _text(said: dict[str, Any], key: str) -> str:
    value = said.get(key, "")
    if not isinstance(value, str) or len(value) > _MAX_TEXT or not value.isprintable():
        raise InvalidRequestError(f"{key} must be a text of {_MAX_TEXT} characters at most")
    return value
