"""Read from the body of a request what is to be sent to the partner, and how. It sends nothing."""

import re
from typing import Any, Final

from starlette.requests import Request

from functions._streaming import limited_body
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import InvalidRequestError
from shared.flows.start_upload import Chosen, UploadRequest
from shared.settings.settings import Settings

_MAX_BODY: Final = 32 * 1024 * 1024
_MAX_INSTANCES: Final = 100_000
_TYPES: Final[dict[str, type]] = {
    "sample_id": str,
    "attempt_number": int,
    "max_retry": int,
    "atomic": bool,
    "dry_run": bool,
    "on_already_stored": str,
    "container": str,
    "prefix": str,
    "any_name": bool,
    "several_patients": bool,
    "study": str,
    "series": str,
    "instance": str,
    "instances": list,
    "case": dict,
}
_KEY: Final = re.compile(r"[\x21-\x7e]{0,200}")


async def read_body(req: Request) -> dict[str, Any]:
    """Return the body.

    Raises:
        InvalidRequestError: It is no object, or has a member that is unknown or of another type.
        PayloadTooLargeError: It is over 32 MiB.
    """
    import orjson

    data = b"".join([chunk async for chunk in limited_body(req, _MAX_BODY)])
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise InvalidRequestError("the body is no JSON") from None
    if not isinstance(body, dict):
        raise InvalidRequestError('the body must be an object such as {"sample_id": "S1", "study": "1.2.3"}')
    for name, value in body.items():
        if name not in _TYPES:
            raise InvalidRequestError(f"the body takes {', '.join(_TYPES)}, and not {name[:40]!r}")
        if type(value) is not _TYPES[name]:
            raise InvalidRequestError(f"{name} must be of the type {_TYPES[name].__name__}")
    return body


def upload_request(body: dict[str, Any], settings: Settings, *, partition: str) -> UploadRequest:
    """Return how files are to be sent.

    Raises:
        InvalidRequestError: Something has no meaning, or the objects are none of the data partition's.
    """
    already = body.get("on_already_stored", "done")
    if already not in ("done", "next_attempt"):
        raise InvalidRequestError("on_already_stored is done or next_attempt")
    container, prefix = body.get("container", ""), body.get("prefix", "")
    if container:
        _check_place(container, prefix, settings, partition)
    return UploadRequest(
        sample_id=body.get("sample_id", ""),
        attempt=body.get("attempt_number", 1),
        max_retry=body.get("max_retry", settings.partner_max_retry),
        atomic=body.get("atomic", False),
        dry_run=body.get("dry_run", False),
        bump_attempt=already == "next_attempt",
        container=container,
        prefix=prefix,
        any_name=body.get("any_name", False),
        several_patients=body.get("several_patients", False),
    )


def chosen(body: dict[str, Any]) -> Chosen:
    """Return what is to be sent.

    Raises:
        InvalidRequestError: Nothing is named, or more than one of what can be.
    """
    named = [name for name in ("container", "study", "instances", "case") if body.get(name)]
    if len(named) != 1:
        raise InvalidRequestError(
            "name what to send by one of container (with prefix), study, instances, case"
        )
    if named == ["container"]:
        return None
    if named == ["case"]:
        return _case(body["case"])
    if named == ["instances"]:
        return _instances(body["instances"])
    uids = [body[name] for name in ("study", "series", "instance") if body.get(name)]
    if body.get("instance") and len(uids) < 3:
        raise InvalidRequestError("an instance needs study, series and instance")
    return (StudyRef, SeriesRef, InstanceRef)[len(uids) - 1](*uids)


def idempotency_key(req: Request) -> str:
    """Return what the client tells the same request by.

    Raises:
        InvalidRequestError: It is too long, or no plain text.
    """
    key = str(req.headers.get("idempotency-key", ""))
    if _KEY.fullmatch(key) is None:
        raise InvalidRequestError(
            "Idempotency-Key has 200 printable ASCII characters at most, without spaces"
        )
    return key


def _check_place(container: str, prefix: str, settings: Settings, partition: str) -> None:
    """Refuse objects of other data partitions, and containers that hold no images. Watched ones are the default's."""
    if container == settings.archive_container and prefix.startswith(f"{partition}/"):
        return
    if container in settings.watched_containers and partition == settings.partition:
        return
    raise InvalidRequestError(
        f"container must be watched ({', '.join(settings.watched_containers)}), for the data partition"
        f" {settings.partition}; or {settings.archive_container}, with a prefix that begins with {partition}/"
    )


def _case(case: dict[str, Any]) -> tuple[str, str]:
    year, case_id = case.get("year"), case.get("id")
    if not isinstance(year, str) or not isinstance(case_id, str) or not year or not case_id:
        raise InvalidRequestError('case must be {"year": "2014", "id": "S1"}')
    return year, case_id


def _instances(listed: list[Any]) -> list[InstanceRef]:
    if len(listed) > _MAX_INSTANCES:
        raise InvalidRequestError(f"a run has {_MAX_INSTANCES} instances at most")
    refs: dict[InstanceRef, None] = {}
    for one in listed:
        if not isinstance(one, list) or len(one) != 3 or not all(isinstance(uid, str) for uid in one):
            raise InvalidRequestError("instances must be lists of study, series and SOP instance UID")
        refs[InstanceRef(*one)] = None
    return list(refs)
