"""Find instances by id, by keys and their values, or by a query: by the search engine, or by the tables where they can."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from shared.dicom.attributes import Attribute
from shared.dicom.index.document import instance_id
from shared.dicom.index.fields import ASKABLE, FACETS
from shared.dicom.index.keys import path_of
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.index.query import Bool, Clause
from shared.dicom.index.query_body import MAX_TEXT, field_called, read_query
from shared.dicom.query import MatchKey, Query, Range, SingleValue
from shared.dicom.query_attributes import check_level, shown
from shared.dicom.references import InstanceRef
from shared.dicom.uids import validate_uid
from shared.errors import (
    InstanceNotFoundError,
    InvalidQueryError,
    InvalidUidError,
    NotConfiguredError,
    UnsupportedQueryError,
)
from shared.flows._cursor import open_cursor, seal_cursor
from shared.flows._in_parallel import in_parallel
from shared.ports.archive import InstanceIndex, StudySearch
from shared.ports.search import IndexHit, IndexRequest, SearchEngine
from shared.records import Json, ObjectKey
from shared.telemetry.tracing import flow

_AT_A_TIME: Final = 16
_UIDS_OF_AN_ID: Final = 3
_DIGITS_OF_A_DAY: Final = 8
_ENGINE_NEEDED: Final = "needs a search index; set DICOM_ELASTICSEARCH_URL, and see docs/search.md"


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched: an id, pairs of keys and values, or a query; *after* is where the page before ended.

    *fields* are those to return of each hit, *counted* asks for facets, and with *just_find* no hit is described.
    """

    identifier: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    query: Any = None
    limit: int = 100
    after: str = ""
    fields: tuple[str, ...] = ()
    counted: bool = False
    just_find: bool = False
    index: str = ""


@dataclass(frozen=True, slots=True)
class DocumentPorts:
    """What a search of one data partition needs; without an engine the tables answer what they can."""

    partition: str
    instances: InstanceIndex
    search: StudySearch
    cursor_key: bytes
    engine: SearchEngine | None
    policy: IndexPolicy


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """An instance that was found, where its object lies, and the fields that were asked for."""

    ref: InstanceRef
    key: ObjectKey | None = None
    fields: Json = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the id by which it is found again."""
        return instance_id(self.ref)


@dataclass(frozen=True, slots=True)
class FoundDocuments:
    """A page: *total* where all were counted, *facets* where they were asked for, *next_after* where there may be more."""

    hits: list[FoundDocument]
    total: int | None
    next_after: str | None = None
    facets: Json | None = None


@flow
async def search_documents(question: Question, ports: DocumentPorts) -> FoundDocuments:
    """Return the page that *question* asks for. That nothing is found is an answer, and the only one that says so.

    Raises:
        InvalidQueryError: It has no meaning.
        UnsupportedQueryError: It asks for what is kept out of the index, or is not offered.
        NotConfiguredError: Only a search engine can answer it, and none is set.
        QueryTooBroadError: Too many rows would have to be read, or it took too long.
        BackendUnavailableError: The engine does not answer, or its index is still being built.
    """
    if bool(question.identifier) + bool(question.pairs) + (question.query is not None) != 1:
        raise InvalidQueryError("give one of these: an id as q, keys and values, or a query in the body")
    if question.identifier:
        if question.counted or question.fields:
            raise InvalidQueryError("facets and fields go with keys and values, or with a query")
        return await _by_id(question.identifier, ports)
    if ports.engine is not None:
        return await _by_engine(question, ports, ports.engine)
    if question.query is not None:
        raise NotConfiguredError(f"a query {_ENGINE_NEEDED}")
    if question.counted or question.index:
        raise NotConfiguredError(f"facets and index: this {_ENGINE_NEEDED}")
    return await _by_tables(question, ports)


async def _by_id(identifier: str, ports: DocumentPorts) -> FoundDocuments:
    """Find the instance with an id, or with a SOP Instance UID; the tables know them at once."""
    uids = identifier.split("/")
    try:
        if len(uids) == _UIDS_OF_AN_ID:
            refs = [InstanceRef(*uids)]
        else:
            validate_uid(identifier, "the id")
            key = MatchKey(("00080018",), "UI", SingleValue(identifier))
            page = await ports.search.search(Query("instance", _UIDS_OF_AN_ID, keys=(key,)))
            refs = [_ref_of(row) for row in page.rows]
    except InvalidUidError:
        raise InvalidQueryError(
            "q is an id, {study}/{series}/{instance}, or a SOP Instance UID; write keys as key=value"
        ) from None
    found = [
        hit for hit in await _located([FoundDocument(ref) for ref in refs], ports) if hit.key is not None
    ]
    return FoundDocuments(found, len(found))


async def _by_engine(question: Question, ports: DocumentPorts, engine: SearchEngine) -> FoundDocuments:
    if question.index and ports.policy.identifying == "hashed":
        raise UnsupportedQueryError(
            "hashes of another index are made with other keys: it cannot be asked from here"
        )
    fields = {name: field_called(name, ports.policy) for name in question.fields}
    request = IndexRequest(
        clause=_clause(question, ports.policy),
        limit=question.limit,
        after=_place(question.after),
        fields=() if question.just_find else ("bucket", "object_key", *fields.values()),
        facets=FACETS if question.counted else {},
        index=question.index,
    )
    page = await engine.find(ports.partition, request)
    last = page.hits[-1].ref if len(page.hits) == question.limit and page.hits else None
    hits = [_described(hit, fields) for hit in page.hits]
    if not question.just_find:
        hits = await _located(hits, ports)
    return FoundDocuments(
        hits,
        page.total,
        instance_id(last) if last else None,
        {name: dict(counts) for name, counts in page.facets.items()} if question.counted else None,
    )


def _clause(question: Question, policy: IndexPolicy) -> Clause:
    if question.query is not None:
        return read_query(question.query, policy)
    return Bool(every=tuple(read_query({"term": {name: value}}, policy) for name, value in question.pairs))


def _place(after: str) -> InstanceRef | None:
    if not after:
        return None
    uids = after.split("/")
    try:
        if len(uids) == _UIDS_OF_AN_ID:
            return InstanceRef(*uids)
    except InvalidUidError:
        pass
    raise InvalidQueryError("after is where no page of this search ended; begin again without it")


def _described(hit: IndexHit, fields: Mapping[str, str]) -> FoundDocument:
    named = {name: hit.fields[field] for name, field in fields.items() if field in hit.fields}
    key = None
    if "object_key" in hit.fields and "bucket" in hit.fields:
        key = ObjectKey(hit.fields["bucket"], hit.fields["object_key"])
    return FoundDocument(hit.ref, key, named)


async def _by_tables(question: Question, ports: DocumentPorts) -> FoundDocuments:
    included = {name: path_of(name)[0][0] for name in question.fields}
    query = Query(
        "instance",
        question.limit,
        keys=tuple(_match_key(name, value) for name, value in question.pairs),
        includefields=tuple(included.values()),
    )
    if len({key.path for key in query.keys}) < len(query.keys):
        raise InvalidQueryError(
            "an attribute is matched twice: once, in whichever way it is called, is enough"
        )
    if question.after:
        query = replace(query, after=open_cursor(question.after, query, ports.cursor_key))
    page = await ports.search.search(query)
    hits = [
        FoundDocument(
            _ref_of(row),
            fields={name: row[tag].get("Value", []) for name, tag in included.items() if tag in row},
        )
        for row in page.rows
    ]
    following = seal_cursor(page.last, query, ports.cursor_key) if page.last else None
    return FoundDocuments(hits if question.just_find else await _located(hits, ports), page.total, following)


def _match_key(name: str, value: str) -> MatchKey:
    if name in ASKABLE:
        raise NotConfiguredError(f"{name} {_ENGINE_NEEDED}")
    path, vr = path_of(name)
    if not 1 <= len(value) <= MAX_TEXT:
        raise InvalidQueryError(f"{shown(name)}: give a value of 1 to {MAX_TEXT} characters")
    check_level(
        "instance", (*(Attribute(tag, "SQ", tag) for tag in path[:-1]), Attribute(path[-1], vr, name))
    )
    if vr == "DA" and len(value) == _DIGITS_OF_A_DAY and value.isascii() and value.isdigit():
        return MatchKey(path, vr, Range(value, value))
    return MatchKey(path, vr, SingleValue(value))


def _ref_of(row: Json) -> InstanceRef:
    return InstanceRef(*(str(row[tag]["Value"][0]) for tag in ("0020000D", "0020000E", "00080018")))


async def _located(hits: Sequence[FoundDocument], ports: DocumentPorts) -> list[FoundDocument]:
    """Return the hits with the places of their objects; one that was deleted meanwhile has none."""

    async def locate(hit: FoundDocument) -> FoundDocument:
        if hit.key is not None:
            return hit
        try:
            return replace(hit, key=(await ports.instances.get(hit.ref)).location.key)
        except InstanceNotFoundError:
            return hit

    return await in_parallel(locate, hits, limit=_AT_A_TIME)
