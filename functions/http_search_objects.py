"""HTTP triggers: store and delete the file of a key that the caller chooses. GET of the same key is in http_search."""

from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._http import answers_errors, json_response
from functions._index import index_ports
from functions._streaming import limited_body
from shared.dicom.media_types import parse_media_type
from shared.errors import InvalidRequestError, ReadOnlyError, UnsupportedMediaTypeError
from shared.flows.delete_file import delete_file
from shared.flows.store_file import Admission, FileRequest, StoredFile, store_file
from shared.records import ObjectKey, ObjectState
from shared.services.services import Services
from shared.settings.settings import Settings

bp = func.Blueprint()

_PARAMETERS: Final = frozenset(
    {"object_key", "bucket", "index", "allow_overwrite", "content_type", "partition", "code"}
)
_BODIES: Final = frozenset({"", "application/dicom", "application/octet-stream"})
_MAX_MEDIA_TYPE: Final = 128


@bp.function_name("store_search_file")
@bp.route("search/file", methods=["PUT"])
@answers_errors
async def store_search_file(req: Request) -> Response:
    """Store the DICOM file in the body under `object_key`; 409 if that is taken and may not be overwritten."""
    key, services = await _wanted(req)
    _check_index(req, services.settings)
    request = FileRequest(
        key=key,
        allow_overwrite=_allows_overwrite(req),
        content_type=_content_type(req),
        admission=Admission(services.settings.store_sop_classes, services.settings.store_transfer_syntaxes),
    )
    body = _Body(limited_body(req, services.settings.max_store_bytes))
    stored = await store_file(body, request, index_ports(services))
    return json_response(_told(stored), status=_status(stored))


@bp.function_name("delete_search_file")
@bp.route("search/file", methods=["DELETE"])
@answers_errors
async def delete_search_file(req: Request) -> Response:
    """Delete the object `object_key`, and answer 204."""
    key, services = await _wanted(req)
    await delete_file(key, index_ports(services))
    return Response(status_code=HTTPStatus.NO_CONTENT)


class _Body:
    """A body that is one file, whatever the request calls it."""

    headers: Mapping[str, str] = {}

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield it."""
        return self._chunks


async def _wanted(req: Request) -> tuple[ObjectKey, Services]:
    """Return the key that the request names, in a bucket that is open to such keys.

    Raises:
        InvalidRequestError: It names none, or a bucket that is not.
        ReadOnlyError: Nothing is written there.
    """
    given = [name for name, _ in req.query_params.multi_items()]
    if unknown := sorted(set(given) - _PARAMETERS):
        named = ", ".join(repr(name[:80]) for name in unknown)
        raise InvalidRequestError(f"parameters are {', '.join(sorted(_PARAMETERS))}, and not {named}")
    if len(given) > len(set(given)):
        raise InvalidRequestError("a parameter is given twice")
    services = await _wiring.services()
    settings, parameters = services.settings, req.query_params
    name = parameters.get("object_key", "")
    if not name:
        raise InvalidRequestError("object_key is missing: the name of the object")
    bucket = parameters.get("bucket") or settings.bucket_of_keys
    if bucket not in settings.watched_containers:
        raise InvalidRequestError(
            "files are stored and deleted by key in watched buckets only: "
            + (", ".join(settings.watched_containers) or "DICOM_WATCHED_CONTAINERS names none")
        )
    if bucket in settings.read_only_containers:
        raise ReadOnlyError(f"{bucket} is read only here")
    if parameters.get("partition", services.partition) != services.partition:
        raise InvalidRequestError(
            f"watched buckets belong to the data partition {services.partition}; store in others by STOW-RS"
        )
    return ObjectKey(bucket, name), services


def _check_index(req: Request, settings: Settings) -> None:
    """Refuse an index that the file would not enter: all of the archive enter one, which follows it."""
    if req.query_params.get("index", "") not in ("", settings.elasticsearch_index):
        raise InvalidRequestError(
            "what is stored enters one search index, that of DICOM_ELASTICSEARCH_INDEX; others are only searched"
        )


def _allows_overwrite(req: Request) -> bool:
    match req.query_params.get("allow_overwrite", "false").lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
        case _:
            raise InvalidRequestError("allow_overwrite must be true or false")


def _content_type(req: Request) -> str | None:
    """Return the media type that the object shall have, or None for the one that is set."""
    said = req.headers.get("content-type", "")
    if (parse_media_type(said).essence if said else "") not in _BODIES:
        raise UnsupportedMediaTypeError("send one DICOM file as application/dicom")
    text = req.query_params.get("content_type", "")
    if not text:
        return None
    media_type = parse_media_type(text)
    if len(text) > _MAX_MEDIA_TYPE or media_type.essence != text.lower() or "*" in text:
        raise InvalidRequestError("content_type must be a media type without parameters")
    return text


def _status(stored: StoredFile) -> HTTPStatus:
    if stored.entry is None:
        return HTTPStatus.ACCEPTED
    return HTTPStatus.OK if stored.replaced else HTTPStatus.CREATED


def _told(stored: StoredFile) -> dict[str, Any]:
    entry, key = stored.entry, stored.info.key
    ref = None if entry is None else entry.ref
    return {
        "id": ref and f"{ref.study_instance_uid}/{ref.series_instance_uid}/{ref.sop_instance_uid}",
        "bucket": key.container,
        "object_key": key.name,
        "size": stored.info.size,
        "replaced": stored.replaced,
        "state": (ObjectState.PENDING if entry is None else entry.state).value,
        "reason": "" if entry is None else entry.reason,
    }
