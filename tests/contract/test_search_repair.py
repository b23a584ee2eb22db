"""Drift between the index and real search servers is found and repaired; whether a server answers is told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.backends.elasticsearch import ElasticsearchEngine
from shared.dicom.index.document import bare_document, document_id
from shared.dicom.index.query import Everything
from shared.dicom.references import InstanceRef
from shared.ports.search import IndexRequest
from shared.services.search import index_policy, search_engine
from shared.settings.settings import Settings
from tests.contract.records import an_instance, fresh_name
from tests.contract.search_servers import search_server
from tests.free_ports import free_ports
from tests.search_servers import SearchServer
from tests.unit.flows.reindexed_search import PLAIN, SearchedWorld

pytestmark = pytest.mark.search

__all__ = ["search_server"]
ALIAS_OF_INDEX = "dicom-repair"


@pytest.fixture
async def engine(search_server: SearchServer) -> AsyncIterator[ElasticsearchEngine]:
    """Give an engine on an index of its own, removed after."""
    client, name = search_server.client(), fresh_name(ALIAS_OF_INDEX)
    made = ElasticsearchEngine(client, name, PLAIN.fingerprint)
    yield made
    for index in await client.indices.get(index=f"{name}-*"):
        await client.indices.delete(index=index)
    await made.close()


async def _found(engine: ElasticsearchEngine) -> list[InstanceRef]:
    return [hit.ref for hit in (await engine.find("default", IndexRequest(Everything(), 1000))).hits]


async def test_what_was_changed_behind_its_back_is_put_right(
    engine: ElasticsearchEngine, search_server: SearchServer
) -> None:
    """C003-11: documents that were removed come back, those of instances that never were go, in one pass."""
    searched = SearchedWorld(engine)
    await searched.fill(*range(1, 31))
    serving = await searched.serving()
    await engine.settle(serving)
    refs = await _found(engine)
    assert len(refs) == 30
    ghosts = [an_instance("9.1", "9.1.1", f"9.1.1.{number}") for number in range(1, 6)]
    async with search_server.client() as client:
        for ref in refs[::3]:
            await client.delete(index=serving.name, id=document_id("default", ref))
        for ghost in ghosts:
            document = bare_document(ghost, "default")
            await client.index(index=serving.name, id=document_id("default", ghost), document=document)
    await engine.settle(serving)
    assert set(await _found(engine)) == {*ghosts, *refs} - set(refs[::3])

    report = await searched.run()
    assert (dict(report.drift), report.failures, report.missing) == (
        {"unsearched": 10, "document": 5},
        0,
        [],
    )
    await engine.settle(serving)
    assert await _found(engine) == refs
    report = await searched.run()
    assert dict(report.drift) == {}


async def test_the_health_check_asks_the_server(search_server: SearchServer) -> None:
    """One that answers, one that holds no index yet, and one that is not there are told apart."""
    given = {
        "elasticsearch_url": search_server.url,
        "elasticsearch_index": fresh_name(ALIAS_OF_INDEX),
    }
    settings = Settings.model_validate(given)
    async with search_server.client() as client:
        engine = ElasticsearchEngine(client, settings.elasticsearch_index, index_policy(settings).fingerprint)
        assert await engine.state(5) == "being built"
        build = await engine.begin_build()
        await engine.promote(build)
        assert await engine.state(5) == "ok"
        await client.indices.delete(index=build.name)
    nobody = Settings.model_validate(given | {"elasticsearch_url": f"http://127.0.0.1:{free_ports(1)}"})
    absent = search_engine(nobody)
    assert absent is not None
    assert await absent.state(5) == "unreachable"
    await absent.close()
