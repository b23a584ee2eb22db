"""A cluster that is busy, or finds requests too large: documents are sent again, in halves, and none is lost."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator, Sequence

import pytest

from shared.backends.elasticsearch import ElasticsearchEngine, bulk
from shared.dicom.index.document import bare_document, document_id, document_of
from shared.dicom.index.fields import PARTITION
from shared.dicom.index.query import Clause, Everything, OneOf
from shared.dicom.references import InstanceRef
from shared.errors import BackendUnavailableError
from shared.ports.search import Generation, IndexedDocument, IndexRequest
from tests.contract.records import an_instance, fresh_name
from tests.contract.search_proxy import Cue, Item, SearchProxy, search_proxy
from tests.contract.search_servers import search_server
from tests.search_servers import SearchServer
from tests.unit.flows.reindexed_search import PLAIN, SearchedWorld

pytestmark = pytest.mark.search

__all__ = ["search_server"]


@pytest.fixture
async def proxy(search_server: SearchServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SearchProxy]:
    """Give a server that answers on cue; whoever asks it does not wait long."""
    monkeypatch.setattr(bulk, "_LONGEST_WAIT_SECONDS", 0.01)
    async with search_proxy(search_server) as running:
        yield running


@pytest.fixture
async def engine(proxy: SearchProxy, search_server: SearchServer) -> AsyncIterator[ElasticsearchEngine]:
    """Give an engine that asks there, on an index of its own."""
    name = fresh_name("dicom-bulk")
    made = ElasticsearchEngine(proxy.server.client(), name, PLAIN.fingerprint)
    yield made
    await made.close()
    async with search_server.client() as client:
        for index in await client.indices.get(index=f"{name}-*"):
            await client.indices.delete(index=index)


def _ref(number: int) -> InstanceRef:
    return an_instance("1.2", "1.2.3", f"1.2.3.{number:04}")


def _document(number: int, characters: int = 100) -> IndexedDocument:
    ref = _ref(number)
    attributes = {"00104000": {"vr": "LT", "Value": ["x" * 200] * (characters // 200)}}
    values = {
        f"{0x00181000 + one:08X}": {"vr": "LO", "Value": [f"{one} " + "x" * 190]}
        for one in range(characters // 200)
    }
    document = document_of(ref, attributes | values, {PARTITION: "p"}, PLAIN)
    return IndexedDocument(document_id("p", ref), 1, document, bare_document(ref, "p"))


async def _written(engine: ElasticsearchEngine, documents: Sequence[IndexedDocument]) -> Generation:
    generation = await engine.begin_build()
    await engine.write(generation, documents)
    await engine.promote(generation)
    await engine.settle(generation)
    return generation


async def _found(engine: ElasticsearchEngine, clause: Clause | None = None) -> list[InstanceRef]:
    page = await engine.find("p", IndexRequest(clause or Everything(), 1000))
    return [hit.ref for hit in page.hits]


def _refs(*numbers: int) -> list[InstanceRef]:
    return [_ref(number) for number in numbers]


_CUT_OFF = OneOf("truncated", (True,))


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_cluster_is_asked_again(
    engine: ElasticsearchEngine, proxy: SearchProxy, status: int
) -> None:
    """A request that it is too busy for is sent again as it was, until it is taken."""
    proxy.cue = lambda _items: status if len(proxy.asked) < 4 else None
    await _written(engine, [_document(number) for number in range(50)])
    assert await _found(engine) == _refs(*range(50))
    assert [len(ids) for ids in proxy.asked] == [50] * 4


async def test_only_documents_that_were_refused_are_sent_again(
    engine: ElasticsearchEngine, proxy: SearchProxy
) -> None:
    """Of a request that was taken in part, the rest follows alone."""
    proxy.cue = lambda items: {one: 429 for one, _, _ in items[::2]} if len(items) > 1 else None
    await _written(engine, [_document(number) for number in range(16)])
    assert await _found(engine) == _refs(*range(16))
    assert [len(ids) for ids in proxy.asked] == [16, 8, 4, 2, 1]
    assert proxy.asked[1] == [_document(number).id for number in range(0, 16, 2)]


async def test_a_request_that_is_too_large_goes_in_halves(
    engine: ElasticsearchEngine, proxy: SearchProxy
) -> None:
    """Down to what is taken, and a half that meets a busy cluster is sent again by itself."""
    busy = iter([True])

    def cue(items: Sequence[Item]) -> int | None:
        if len(items) > 4:
            return 413
        return 429 if next(busy, False) else None

    proxy.cue = cue
    await _written(engine, [_document(number) for number in range(16)])
    assert await _found(engine) == _refs(*range(16))
    assert [len(ids) for ids in proxy.asked] == [16, 8, 4, 4, 8, 4, 4, 4]


@pytest.mark.parametrize("whole", [True, False])
async def test_one_document_that_is_too_large_keeps_no_other_back(
    engine: ElasticsearchEngine,
    proxy: SearchProxy,
    caplog: pytest.LogCaptureFixture,
    whole: bool,  # noqa: FBT001 - a parameter
) -> None:
    """It is told of with the reason, and only its UIDs are held; all others are held in full."""

    def cue(items: Sequence[Item]) -> int | dict[str, int] | None:
        large = {one: 413 for one, _, source in items if len(source) > 4000}
        return 413 if whole and large else large

    proxy.cue = cue
    with caplog.at_level(logging.WARNING):
        await _written(engine, [_document(number, 10_000 if number == 5 else 100) for number in range(20)])
    assert await _found(engine) == _refs(*range(20))
    assert await _found(engine, _CUT_OFF) == _refs(5)
    (told,) = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert told.endswith(f"sop_instance_uid={_ref(5).sop_instance_uid} reason=too large")


async def test_a_document_that_is_refused_is_told_of_without_values(
    engine: ElasticsearchEngine, proxy: SearchProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """The kind of error is told; what the cluster says of it, which may hold a value, is not."""
    refused = _document(3).id
    proxy.cue = lambda items: {refused: 400} if len(items) > 1 else None
    with caplog.at_level(logging.WARNING):
        await _written(engine, [_document(number) for number in range(8)])
    assert await _found(engine, _CUT_OFF) == _refs(3)
    assert "reason=on_cue" in caplog.text
    assert "secret value" not in caplog.text


async def test_what_holds_nothing_but_uids_is_not_given_up(
    engine: ElasticsearchEngine, proxy: SearchProxy
) -> None:
    """A cluster that takes not even that is at fault: the update fails, and begins there again."""
    proxy.cue = lambda _items: 413
    with pytest.raises(BackendUnavailableError, match="nothing but UIDs"):
        await _written(engine, [_document(1)])


@pytest.mark.parametrize("left_out", [1, 3])
async def test_an_answer_in_part_is_none(
    engine: ElasticsearchEngine, proxy: SearchProxy, left_out: int
) -> None:
    """Where the cluster does not say of each document what became of it, none is taken for written."""
    proxy.items_left_out = left_out
    with pytest.raises(BackendUnavailableError, match="in part"):
        await _written(engine, [_document(number) for number in range(4)])


def _busy_for_the_last(items: Sequence[Item]) -> dict[str, int]:
    return {items[-1][0]: 429}


async def test_the_index_catches_up_with_a_cluster_that_stayed_busy(
    engine: ElasticsearchEngine, proxy: SearchProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update that gives up moves no checkpoint: the next one writes all that is missing."""
    monkeypatch.setattr(bulk, "_PATIENCE_SECONDS", 0.1)
    searched = SearchedWorld(engine)
    await searched.fill(1, 2)
    cues: tuple[Cue, ...] = (lambda _items: 429, lambda _items: 500, _busy_for_the_last)
    for cue in cues:
        proxy.cue = cue
        with pytest.raises(BackendUnavailableError):
            await searched.fill(3, 4, 5)
    proxy.cue = lambda _items: None
    await searched.fill(6)
    await engine.settle(await searched.serving())
    assert await searched.agrees()
    assert len(await searched.found()) == 6


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_answered_nothing_is_lost(
    engine: ElasticsearchEngine, proxy: SearchProxy, seed: int
) -> None:
    """At random busy, too large, and busy for some: in the end each document is held, in full where it can be."""
    chance = random.Random(seed)

    def cue(items: Sequence[Item]) -> int | dict[str, int] | None:
        size = sum(len(source) for _, _, source in items)
        if size > 8000:
            return 413
        if chance.random() < 0.3:
            return chance.choice((429, 503))
        return {one: 429 for one, _, _ in items if chance.random() < 0.3}

    proxy.cue = cue
    large = set(chance.sample(range(60), 3))
    await _written(engine, [_document(number, 20_000 if number in large else 300) for number in range(60)])
    assert await _found(engine) == _refs(*range(60))
    assert await _found(engine, _CUT_OFF) == _refs(*sorted(large))
