"""HTTP triggers: find instances by id, by keys and values, or by a query, and fetch the file that was found."""

from collections.abc import Sequence
from typing import Any, Final

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._audit import say
from functions._http import answers_errors, json_response
from functions._retrieve_instance import answer_stored_instance
from functions._search_update import begin_rebuild
from functions._streaming import limited_body
from functions._subject import services_of
from shared.errors import InvalidQueryError, InvalidRequestError
from shared.flows.find_file import find_file
from shared.flows.search_documents import (
    DocumentPorts,
    FoundDocument,
    FoundDocuments,
    Question,
    search_documents,
)
from shared.records import ObjectKey
from shared.services.services import Services
from shared.settings.settings import Settings

bp = func.Blueprint()

_MAX_BODY: Final = 256 * 1024
_LIMIT: Final = 100
_MAX_LIMIT: Final = 1000
_MAX_FIELDS: Final = 32
_MAX_PARAMETERS: Final = 64
_TRUE_FALSE: Final = {"true": True, "false": False, "1": True, "0": False}
_NO_KEYS: Final = frozenset(
    {
        "q",
        "limit",
        "after",
        "fields",
        "facets",
        "just_find",
        "index",
        "partition",
        "code",
    }
)
_IN_BODY: Final = frozenset(
    {"query", "size", "limit", "after", "search_after", "fields", "facets", "just_find"}
)


@bp.function_name("search")
@bp.route("search", methods=["GET"])
@answers_errors
async def search(req: Request) -> Response:
    """Answer the instances with an id (`q`), or with all of the given values (`PatientID=…`, `(0010,0020)=…`)."""
    services = await services_of(req)
    question = _question(req, services)
    return _answer(req, await search_documents(question, _ports(services)), question)


@bp.function_name("search_by_query")
@bp.route("search", methods=["POST"])
@answers_errors
async def search_by_query(req: Request) -> Response:
    """Answer the instances that the query in the body finds; it is in Elasticsearch's language."""
    services = await services_of(req)
    question = _from_body(await _body(req), req, services)
    say(req, keys=("query",))
    return _answer(req, await search_documents(question, _ports(services)), question)


@bp.function_name("search_file")
@bp.route("search/file", methods=["GET"])
@answers_errors
async def search_file(req: Request) -> Response:
    """Send the one file that has an id, the given values, or an object key in a bucket."""
    services = await services_of(req)
    parameters = req.query_params
    if name := parameters.get("object_key"):
        wanted: Sequence[ObjectKey] | Question = [
            ObjectKey(bucket, name) for bucket in _buckets(parameters.get("bucket", ""), services.settings)
        ]
    else:
        wanted = _question(req, services)
    return await _file(req, wanted, services)


@bp.function_name("search_file_by_query")
@bp.route("search/file", methods=["POST"])
@answers_errors
async def search_file_by_query(req: Request) -> Response:
    """Send the one file that the query in the body finds; it is in Elasticsearch's language."""
    services = await services_of(req)
    return await _file(req, _from_body(await _body(req), req, services), services)


async def _file(req: Request, wanted: Sequence[ObjectKey] | Question, services: Services) -> Response:
    instance = await find_file(wanted, _ports(services), ledger=services.ledger)
    say(req, refs=(instance.ref,))
    return await answer_stored_instance(req, instance, services.objects)


@bp.function_name("rebuild_search")
@bp.route("search/rebuild", methods=["POST"])
@answers_errors
async def rebuild_search(req: Request) -> Response:
    """Begin to build the index anew; the old one answers until the new one holds everything."""
    return json_response({"build": await begin_rebuild(await _wiring.services())}, status=202)


def _buckets(named: str, settings: Settings) -> list[str]:
    """Return where an object is looked for: where it is said to be, else among chosen keys, then in the archive."""
    return [named] if named else [settings.bucket_of_keys, settings.archive_container]


def _ports(services: Services) -> DocumentPorts:
    return DocumentPorts(
        partition=services.partition,
        instances=services.index,
        search=services.search,
        cursor_key=services.cursor_key,
        engine=services.engine,
        policy=services.index_policy,
    )


def _question(req: Request, services: Services) -> Question:
    given = req.query_params.multi_items()
    if len(given) > _MAX_PARAMETERS:
        raise InvalidQueryError(f"at most {_MAX_PARAMETERS} parameters are read")
    for name in _NO_KEYS:
        if sum(one == name for one, _ in given) > 1:
            raise InvalidQueryError(f"{name} is given twice")
    once = req.query_params
    pairs = [(name, value) for name, value in given if name not in _NO_KEYS]
    identifier = once.get("q", "")
    if "=" in identifier:
        name, _, value = identifier.partition("=")
        pairs.append((name, value))
        identifier = ""
    return Question(
        identifier=identifier,
        pairs=tuple(pairs),
        limit=_limit(once.get("limit", str(_LIMIT))),
        after=once.get("after", ""),
        fields=_fields([name for name in once.get("fields", "").split(",") if name]),
        counted=_boolean("facets", once.get("facets", "false")),
        just_find=_boolean("just_find", once.get("just_find", "false")),
        index=_index(req, services),
    )


async def _body(req: Request) -> dict[str, Any]:
    import orjson

    data = b"".join([chunk async for chunk in limited_body(req, _MAX_BODY)])
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise InvalidQueryError("the body is no JSON; send an object with a query") from None
    if not isinstance(body, dict) or "query" not in body:
        raise InvalidQueryError('the body must be an object such as {"query": {"term": {"Modality": "CT"}}}')
    if unknown := sorted(body.keys() - _IN_BODY):
        raise InvalidQueryError(
            f"the body takes {', '.join(sorted(_IN_BODY))}, and not {', '.join(repr(one[:80]) for one in unknown)}"
        )
    return body


def _from_body(body: dict[str, Any], req: Request, services: Services) -> Question:
    after = body.get("after", body.get("search_after", ""))
    if isinstance(after, list):
        after = "/".join(str(uid) for uid in after)
    fields = body.get("fields", [])
    if not isinstance(after, str) or not isinstance(fields, list):
        raise InvalidQueryError("after is a text or the three UIDs of the last hit, fields a list of names")
    return Question(
        query=body["query"] if body["query"] is not None else {},
        limit=_limit(str(body.get("size", body.get("limit", _LIMIT)))),
        after=after,
        fields=_fields([str(name) for name in fields]),
        counted=_boolean("facets", str(body.get("facets", False)).lower()),
        just_find=_boolean("just_find", str(body.get("just_find", False)).lower()),
        index=_index(req, services),
    )


def _index(req: Request, services: Services) -> str:
    """Return the index that the request names, where that is another than the one that is set."""
    named = req.query_params.get("index", "")
    settings = services.settings
    if named in ("", settings.elasticsearch_index):
        return ""
    if named not in settings.elasticsearch_indexes:
        raise InvalidRequestError(
            "there is no such index here; DICOM_ELASTICSEARCH_INDEXES lists further ones"
        )
    return named


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= _MAX_LIMIT:
        raise InvalidQueryError(f"limit must be a number from 1 to {_MAX_LIMIT}; go on with after")
    return int(text)


def _fields(names: list[str]) -> tuple[str, ...]:
    if len(names) > _MAX_FIELDS:
        raise InvalidQueryError(f"at most {_MAX_FIELDS} fields are returned")
    return tuple(names)


def _boolean(name: str, text: str) -> bool:
    if text not in _TRUE_FALSE:
        raise InvalidQueryError(f"{name} must be true or false")
    return _TRUE_FALSE[text]


def _answer(req: Request, found: FoundDocuments, question: Question) -> Response:
    say(req, found=len(found.hits))
    answer: dict[str, Any] = {"found": bool(found.hits), "total": found.total, "next_after": found.next_after}
    if question.counted:
        answer["facets"] = found.facets
    if not question.just_find:
        answer["hits"] = [_hit(hit) for hit in found.hits]
    return json_response(answer)


def _hit(hit: FoundDocument) -> dict[str, Any]:
    return {
        "id": hit.id,
        "study_instance_uid": hit.ref.study_instance_uid,
        "series_instance_uid": hit.ref.series_instance_uid,
        "sop_instance_uid": hit.ref.sop_instance_uid,
        "bucket": hit.key and hit.key.container,
        "object_key": hit.key and hit.key.name,
        "fields": hit.fields,
    }
