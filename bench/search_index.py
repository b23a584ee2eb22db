"""Measure the search index by the adapter that the app uses, on the two servers that stand in for Elasticsearch here.

Neither is Elasticsearch, nor like it in speed: osmem-server keeps all in memory, noida-db looks at every document for
every search. What the figures tell of is the adapter: what it sends, how often, and how that grows. One client, one
request at a time.

    python bench/search_index.py [--quick]
"""

import argparse
import asyncio
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
FIELDS = 40
BATCH = 500
"""Documents that are made before they are written: memory holds no more of them."""
PARTITION_NAME = "p"
PATIENCE_SECONDS = 10
LEAST_TIMES = 3
"""One search is asked so often at least, however long it takes."""

if TYPE_CHECKING:
    from shared.dicom.index.policy import IndexPolicy
    from shared.ports.search import IndexedDocument, SearchEngine
    from tests.search_servers import SearchServer


def a_policy() -> "IndexPolicy":
    """Return the default policy, with a key."""
    from shared.dicom.index.policy import IndexPolicy

    return IndexPolicy("hashed", key=b"k" * 32)


def a_document(number: int, policy: "IndexPolicy") -> "IndexedDocument":
    """Return the document of an instance with 40 attributes: ten instances a series and ten series a study."""
    from shared.dicom.index.document import bare_document, document_id, document_of
    from shared.dicom.index.fields import PARTITION
    from shared.dicom.references import InstanceRef
    from shared.ports.search import IndexedDocument

    study, series = f"1.2.{number // 100}", f"1.2.{number // 100}.{number // 10}"
    ref = InstanceRef(study, series, f"{series}.{number}")
    values: dict[str, tuple[str, Any]] = {
        "00080020": ("DA", f"20{number % 25:02}0101"),
        "00080060": ("CS", ("CT", "MR", "US")[number % 3]),
        "00080070": ("LO", f"Maker {number % 7}"),
        "00100020": ("LO", f"P{number // 1000}"),
        "00200013": ("IS", number),
    }
    values |= {
        f"{0x0018_9000 + one:08X}": ("LO", f"value {one} {number % 97}")
        for one in range(FIELDS - len(values))
    }
    attributes = {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in values.items()}
    own = {PARTITION: PARTITION_NAME, "risk": "high"}
    document = document_of(ref, attributes, own, policy)
    return IndexedDocument(
        document_id(PARTITION_NAME, ref), number + 1, document, bare_document(ref, PARTITION_NAME)
    )


async def fill(engine: "SearchEngine", count: int) -> tuple[float, float]:
    """Write documents to a build that then answers; return seconds of making them, and of writing them."""
    policy = a_policy()
    generation = await engine.begin_build()
    made = written = 0.0
    for first in range(0, count, BATCH):
        began = time.perf_counter()
        documents = [a_document(number, policy) for number in range(first, min(first + BATCH, count))]
        ready = time.perf_counter()
        await engine.write(generation, documents)
        made += ready - began
        written += time.perf_counter() - ready
    await engine.promote(generation)
    await engine.settle(generation)
    return made, written


def searches(
    engine: "SearchEngine", count: int
) -> Mapping[str, tuple[int | None, Callable[[int], Awaitable[int]]]]:
    """Return what is asked, by name: how many hits there must be in an answer, and what asks, given a number."""
    from shared.dicom.index.fields import FACETS
    from shared.dicom.index.query import Bool, Clause, Everything, Interval, OneOf, Pattern, exactly
    from shared.dicom.references import InstanceRef
    from shared.ports.search import IndexRequest

    policy = a_policy()
    far = InstanceRef("1.2.9", "1.2", "1.2")

    def pair(tag: str, vr: str, text: str) -> Clause:
        entry = policy.pair((tag,), vr, text)
        if entry is None:
            raise ValueError(f"{tag} is not indexed")
        return exactly(entry)

    async def hits(clause: Clause, limit: int, **more: Any) -> int:
        return len((await engine.find(PARTITION_NAME, IndexRequest(clause, limit, **more))).hits)

    async def studies(clause: Clause) -> int:
        return len(await engine.studies(PARTITION_NAME, clause, 1001))

    def patient(number: int) -> Clause:
        return pair("00100020", "LO", f"P{number % max(1, count // 1000)}")

    def one(number: int) -> Clause:
        return pair("00200013", "IS", str(number * 7919 % count))

    return {
        "one instance by a number": (1, lambda number: hits(one(number), 100)),
        "100 of a patient's 1,000": (100, lambda number: hits(patient(number), 100)),
        "a patient, a modality and a range": (
            100,
            lambda number: hits(
                Bool(
                    every=(
                        patient(number),
                        OneOf("Modality", ("CT",)),
                        Interval("year", gte="2000"),
                    )
                ),
                100,
            ),
        ),
        "a pattern": (
            min(100, count // 7),
            lambda number: hits(Pattern("Manufacturer", f"*er {number % 7}"), 100),
        ),
        "no hit": (0, lambda number: hits(pair("00100020", "LO", f"nobody {number}"), 100)),
        "facets over all, no hits": (1, lambda _number: hits(Everything(), 1, facets=FACETS)),
        "a page of 1,000": (min(1000, count), lambda _number: hits(Everything(), 1000)),
        "a page of 1,000, 89 % in": (None, lambda _number: hits(Everything(), 1000, after=far)),
        "studies for QIDO, by a value of instances": (
            None,
            lambda number: studies(pair("00189000", "LO", f"value 0 {number % 97}")),
        ),
    }


async def measure(server: "SearchServer", name: str, count: int, times: int) -> None:
    """Fill a server and ask it; print what it took."""
    from shared.backends.elasticsearch import ElasticsearchEngine

    engine = ElasticsearchEngine(server.client(120), "bench", a_policy().fingerprint)
    try:
        made, written = await fill(engine, count)
        print(f"\n{name} (a stand-in, not Elasticsearch): {count:,} documents of {FIELDS} fields")
        print(f"  made {count / made:,.0f}/s, written in bulk {count / written:,.0f}/s, {BATCH} a request")
        print(f"  {'milliseconds':<44}{'p50':>9}{'p95':>9}{'times':>9}")
        for what, (wanted, ask) in searches(engine, count).items():
            took = sorted([one async for one in _timed(ask, wanted, times)])
            print(
                f"  {what:<44}{statistics.median(took):>9.1f}{took[-1 - len(took) // 20]:>9.1f}{len(took):>9}"
            )
    finally:
        await engine.close()


async def _timed(
    ask: Callable[[int], Awaitable[int]], wanted: int | None, times: int
) -> AsyncIterator[float]:
    """Yield the milliseconds of each answer but the first, for so many times or as long as patience lasts."""
    end = time.perf_counter() + PATIENCE_SECONDS
    for number in range(times + 1):
        began = time.perf_counter()
        found = await ask(number)
        ended = time.perf_counter()
        if wanted is not None and found != wanted:
            raise ValueError(f"{found} hits, not {wanted}")
        if number:
            yield (ended - began) * 1000
        if number > LEAST_TIMES and ended > end:
            return


def main() -> None:
    """Measure on both servers, one after the other."""
    from tests.search_servers import running_noida, running_osmem

    parser = argparse.ArgumentParser(description="Measure the search index on osmem-server and noida-db.")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the documents, for development")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    part = 20 if asked.quick else 1
    with tempfile.TemporaryDirectory() as folder:
        runs: tuple[tuple[str, int, Callable[[], AbstractContextManager[SearchServer]]], ...] = (
            ("osmem-server", 100_000 // part, running_osmem),
            ("noida-db", 10_000 // part, lambda: running_noida(Path(folder))),
        )
        for name, count, running in runs:
            with running() as server:
                asyncio.run(measure(server, name, count, 50))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
