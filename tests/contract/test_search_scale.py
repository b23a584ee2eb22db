"""A hundred thousand documents of forty fields: every one is reached, page by page, on osmem-server."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from shared.backends.elasticsearch import ElasticsearchEngine
from shared.dicom.index.document import bare_document, document_id, document_of
from shared.dicom.index.fields import FACETS, PARTITION
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.index.query import Everything, exactly
from shared.dicom.references import InstanceRef
from shared.search_ports import IndexedDocument, IndexRequest
from tests.search_servers import SearchServer, running_osmem

pytestmark = [pytest.mark.search, pytest.mark.scale, pytest.mark.timeout(1200)]

DOCUMENTS = 100_000
_FIELDS = 40
_BATCH = 2000
_POLICY = IndexPolicy("hashed", key=b"k" * 32)


@pytest.fixture
def server() -> Iterator[SearchServer]:
    """Give an empty osmem-server; noida-db looks at every document for every search."""
    with running_osmem() as running:
        yield running


def _document(number: int) -> IndexedDocument:
    study, series = f"1.2.{number // 100}", f"1.2.{number // 100}.{number // 10}"
    ref = InstanceRef(study, series, f"{series}.{number}")
    values: dict[str, Any] = {
        "00080020": ("DA", f"20{number % 25:02}0101"),
        "00080060": ("CS", ("CT", "MR", "US")[number % 3]),
        "00080070": ("LO", f"Maker {number % 7}"),
        "00100020": ("LO", f"P{number // 1000}"),
        "00200013": ("IS", number),
    }
    values |= {
        f"{0x0018_9000 + one:08X}": ("LO", f"value {one} {number % 97}")
        for one in range(_FIELDS - len(values))
    }
    attributes = {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in values.items()}
    document = document_of(ref, attributes, {PARTITION: "p", "risk": "high"}, _POLICY)
    return IndexedDocument(document_id("p", ref), number + 1, document, bare_document(ref, "p"))


async def test_every_one_of_a_hundred_thousand_hits_is_reached(
    server: SearchServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beyond the window of 10,000 too; counts and facets are of all."""
    engine = ElasticsearchEngine(server.client(120), "scale", _POLICY.fingerprint)
    generation = await engine.begin_build()
    began = time.monotonic()
    for first in range(0, DOCUMENTS, _BATCH):
        await engine.write(generation, [_document(number) for number in range(first, first + _BATCH)])
    written = time.monotonic()
    await engine.promote(generation)
    page = await engine.find("p", IndexRequest(Everything(), 1000, facets=FACETS))
    assert page.total == DOCUMENTS
    assert sum(page.facets["modality"].values()) == sum(page.facets["year"].values()) == DOCUMENTS
    found = {hit.ref for hit in page.hits}
    pages = 1
    while page.hits:
        page = await engine.find("p", IndexRequest(Everything(), 1000, page.hits[-1].ref))
        found |= {hit.ref for hit in page.hits}
        pages += 1
    assert (len(found), pages) == (DOCUMENTS, DOCUMENTS // 1000 + 1)
    walked = time.monotonic()

    pair = _POLICY.pair(("00100020",), "LO", "P7")
    assert pair is not None
    assert (await engine.find("p", IndexRequest(exactly(pair), 10))).total == 1000
    asked = time.monotonic()
    await engine.close()
    with capsys.disabled():
        sys.stdout.write(
            f"\nosmem-server, not Elasticsearch: {DOCUMENTS / (written - began):.0f} documents/s made and written, "
            f"{(walked - written) / pages * 1000:.0f} ms a page of 1000, {(asked - walked) * 1000:.1f} ms by PatientID\n"
        )
