"""When the search index is asked about a DICOMweb search, and when it is not."""

from __future__ import annotations

import asyncio

import pytest

from shared.backends import indexed_search
from shared.backends.indexed_search import MAX_STUDIES, IndexedStudySearch
from shared.backends.memory.search_engine import MemorySearchEngine
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.index.query import Clause
from shared.dicom.query import FuzzyName, Match, MatchKey, Query, Range, SingleValue, Universal, Wildcard
from shared.dicom.references import StudyRef
from shared.errors import BackendUnavailableError, QueryTooBroadError
from shared.records import SearchPage


class _Tables:
    """Tables that note what they are asked, and refuse what leads to no study."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.asked: list[Query] = []
        self.refuse = refuse

    async def search(self, query: Query) -> SearchPage:
        self.asked.append(query)
        if self.refuse and query.keys[-1].path != ("0020000D",):
            raise QueryTooBroadError("too many rows")
        return SearchPage([], 0)


class _Engine(MemorySearchEngine):
    def __init__(self, studies: list[str] | None) -> None:
        super().__init__()
        self.found = studies
        self.asked = self.slow = 0

    async def studies(self, partition: str, clause: Clause, limit: int) -> list[str]:
        self.asked += 1
        if self.asked <= self.slow:
            raise QueryTooBroadError("took too long")
        if self.found is None:
            raise BackendUnavailableError("down")
        return self.found[:limit]


class _Hung(_Engine):
    async def studies(self, partition: str, clause: Clause, limit: int) -> list[str]:
        await asyncio.Event().wait()
        return await super().studies(partition, clause, limit)


def _query(tag: str, vr: str, match: Match) -> Query:
    return Query("study", 10, keys=(MatchKey((tag,), vr, match),))


_BY_INDEX = _query("00081030", "LO", Wildcard("*head*"))


@pytest.mark.parametrize(
    "query",
    [
        Query("study", 10),
        Query("series", 10, StudyRef("1.2"), _BY_INDEX.keys),
        _query("00100020", "LO", SingleValue("A")),
        _query("00100010", "PN", FuzzyName(("doe",))),
        _query("00080020", "DA", Range("20200101", None)),
        _query("00081030", "LO", Universal()),
    ],
)
async def test_what_the_tables_have_keys_for_they_answer_alone(query: Query) -> None:
    """They know at once what was stored a moment ago, so the index, which may be behind or down, is not asked."""
    tables, engine = _Tables(), _Engine(None)
    await IndexedStudySearch(tables, engine, IndexPolicy("plain"), "p").search(query)
    assert (tables.asked, engine.asked) == ([query], 0)


async def test_what_only_the_index_knows_is_looked_at_study_by_study() -> None:
    """The tables judge the studies that the index names, and no others; none named is none found."""
    tables = _Tables(refuse=True)
    await IndexedStudySearch(tables, _Engine(["1.2", "1.3"]), IndexPolicy("plain"), "p").search(_BY_INDEX)
    (asked,) = tables.asked
    assert asked.keys[:-1] == _BY_INDEX.keys
    assert asked.keys[-1].path == ("0020000D",)

    page = await IndexedStudySearch(_Tables(refuse=True), _Engine([]), IndexPolicy("plain"), "p").search(
        _BY_INDEX
    )
    assert page == SearchPage([], 0)


async def test_too_much_and_too_little_are_errors() -> None:
    """More studies than can be looked at, an attribute that is hidden, an index that is down: each is an error."""
    many = [f"1.{number}" for number in range(MAX_STUDIES + 1)]
    for engine, policy in ((_Engine(many), "plain"), (_Engine(["1.2"]), "hashed")):
        search = IndexedStudySearch(_Tables(refuse=True), engine, IndexPolicy(policy), "p")  # type: ignore[arg-type]  # a form
        with pytest.raises(QueryTooBroadError):
            await search.search(_BY_INDEX)
    with pytest.raises(BackendUnavailableError):
        await IndexedStudySearch(_Tables(refuse=True), _Engine(None), IndexPolicy("plain"), "p").search(
            _BY_INDEX
        )


async def test_while_the_index_is_down_the_tables_answer_what_they_can() -> None:
    """A small archive is searched as it is without an index; only what the tables refuse is answered 503."""
    tables = _Tables()
    page = await IndexedStudySearch(tables, _Engine(None), IndexPolicy("plain"), "p").search(_BY_INDEX)
    assert (page, tables.asked) == (SearchPage([], 0), [_BY_INDEX])


async def test_an_index_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the tables are asked without it; what they refuse is answered as if it were down."""
    monkeypatch.setattr(indexed_search, "PATIENCE_SECONDS", 0.01)
    search = IndexedStudySearch(_Tables(), _Hung(None), IndexPolicy("plain"), "p")
    assert await search.search(_BY_INDEX) == SearchPage([], 0)
    search = IndexedStudySearch(_Tables(refuse=True), _Hung(None), IndexPolicy("plain"), "p")
    with pytest.raises(BackendUnavailableError, match="in time"):
        await search.search(_BY_INDEX)


async def test_a_key_that_the_index_is_too_slow_for_is_passed_over() -> None:
    """Then another key leads to the studies, or the tables answer alone."""
    engine = _Engine(["1.2"])
    engine.slow = 1
    tables = _Tables(refuse=True)
    both = Query("study", 10, keys=(*_BY_INDEX.keys, MatchKey(("00081010",), "SH", SingleValue("A"))))
    await IndexedStudySearch(tables, engine, IndexPolicy("plain"), "p").search(both)
    assert (engine.asked, tables.asked[-1].keys[-1].path) == (2, ("0020000D",))
