"""A hundred thousand documents of forty fields: every one is reached, page by page, on osmem-server."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from bench.search_index import PARTITION_NAME, a_document, a_policy
from shared.backends.elasticsearch import ElasticsearchEngine
from shared.dicom.index.fields import FACETS
from shared.dicom.index.query import Everything, exactly
from shared.ports.search import IndexRequest
from tests.search_servers import SearchServer, running_osmem

pytestmark = [pytest.mark.search, pytest.mark.scale, pytest.mark.timeout(1200)]

DOCUMENTS = 100_000
_BATCH = 2000
_POLICY = a_policy()


@pytest.fixture
def server() -> Iterator[SearchServer]:
    """Give an empty osmem-server; noida-db looks at every document for every search."""
    with running_osmem() as running:
        yield running


async def test_every_one_of_a_hundred_thousand_hits_is_reached(
    server: SearchServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beyond the window of 10,000 too; counts and facets are of all."""
    engine = ElasticsearchEngine(server.client(120), "scale", _POLICY.fingerprint)
    generation = await engine.begin_build()
    began = time.monotonic()
    for first in range(0, DOCUMENTS, _BATCH):
        await engine.write(
            generation, [a_document(number, _POLICY) for number in range(first, first + _BATCH)]
        )
    written = time.monotonic()
    await engine.promote(generation)
    page = await engine.find(PARTITION_NAME, IndexRequest(Everything(), 1000, facets=FACETS))
    assert page.total == DOCUMENTS
    assert sum(page.facets["modality"].values()) == sum(page.facets["year"].values()) == DOCUMENTS
    found = {hit.ref for hit in page.hits}
    pages = 1
    while page.hits:
        page = await engine.find(PARTITION_NAME, IndexRequest(Everything(), 1000, page.hits[-1].ref))
        found |= {hit.ref for hit in page.hits}
        pages += 1
    assert (len(found), pages) == (DOCUMENTS, DOCUMENTS // 1000 + 1)
    walked = time.monotonic()

    pair = _POLICY.pair(("00100020",), "LO", "P7")
    assert pair is not None
    assert (await engine.find(PARTITION_NAME, IndexRequest(exactly(pair), 10))).total == 1000
    asked = time.monotonic()
    await engine.close()
    with capsys.disabled():
        sys.stdout.write(
            f"\nosmem-server, not Elasticsearch: {DOCUMENTS / (written - began):.0f} documents/s made and written, "
            f"{(walked - written) / pages * 1000:.0f} ms a page of 1000, {(asked - walked) * 1000:.1f} ms by PatientID\n"
        )
