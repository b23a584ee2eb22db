"""A hundred thousand names: one listing, memory that stays flat, and a case that costs what it cost among a hundred.

The names lie in an object store in memory, for a listing is what is to be read; the ledger, the index of cases and the
reports are real tables, of an Azurite that holds them in memory. The ledger knows the objects, as it does once events
have come. It takes minutes: three requests a case.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.backends.memory.queue import MemoryJobQueue
from shared.case_views import VIEWS
from shared.dicom.references import InstanceRef
from shared.flows.get_case import CasePorts, CaseUrls, get_case
from shared.flows.index_cases import CaseIndexingPorts, index_cases
from shared.records import CaseQuery, LedgerEntry, ObjectInfo, ObjectKey, ObjectState
from tests.azurite import running_azurite
from tests.contract.counted_requests import CountedArchive, counted_archive
from tests.contract.records import a_record, fresh_name

pytestmark = [pytest.mark.azurite, pytest.mark.scale, pytest.mark.timeout(3600)]

MANY = 100_000
FEW = 100
URLS = CaseUrls("http://x/dicomweb", "http://x/cases")
ETAG = '"1"'
AT = datetime(2026, 1, 1, tzinfo=UTC)


def name_of(number: int) -> str:
    """Return the name of an object: four views a case, 5,000 cases a year, in the order of numbers."""
    case, view = divmod(number, len(VIEWS))
    return f"mg/{2010 + case // 5000}/S{case:07}/{VIEWS[view]}/1.dcm"


def ref_of(number: int) -> InstanceRef:
    """Return the instance in an object."""
    return InstanceRef(f"1.2.{number // 4}", f"1.2.{number // 4}.1", f"1.2.{number // 4}.1.{number % 4}")


def resident_bytes(which: str = "VmRSS") -> int:
    """Return the memory that this process holds; the most it ever held by VmHWM."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(which))
    return int(line.split()[1]) * 1024


class Names:
    """An object store of names only; what is listed is made as it is read, and counted."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.listings = 0

    async def scan(self, container: str, *, prefix: str = "", after: str = "") -> AsyncIterator[ObjectInfo]:
        """Yield the objects in the order of their names."""
        assert prefix == ""
        self.listings += 1
        for number in range(self.count):
            if (name := name_of(number)) > after:
                yield ObjectInfo(ObjectKey(container, name), 1, ETAG, AT)


async def fill(archive: CountedArchive, container: str, count: int) -> None:
    """Let the ledger know the objects, and the index one case of them."""
    for start in range(0, count, 2000):
        await archive.archive.ledger.put(
            [
                LedgerEntry(ObjectKey(container, name_of(number)), ETAG, ObjectState.INDEXED, ref_of(number))
                for number in range(start, min(start + 2000, count))
            ]
        )
    for number in range(4):
        key = ObjectKey(container, name_of(number))
        await archive.archive.instances.put([a_record(ref_of(number), key=key)])


async def indexed(archive: CountedArchive, container: str, count: int) -> dict[str, Any]:
    """Index the cases of a container, and return what came of it."""
    names = Names(count)
    ports = archive.index_ports(MemoryJobQueue())
    listed: Any = names
    ports = replace(ports, objects=listed)
    before = resident_bytes()
    calls = 1
    while not (
        state := await index_cases(
            CaseIndexingPorts(ports, archive.archive.checkpoints, (container,)), seconds=3000
        )
    ).done:
        calls += 1
    return {
        "state": state,
        "grown": resident_bytes("VmHWM") - before,
        "listings": names.listings,
        "calls": calls,
    }


async def cost_of_a_case(archive: CountedArchive) -> list[str]:
    """Return the requests of reading one case, which is whole."""
    await archive.reports.put("2010", "S0000000", "BI-RADS 1")
    ports = CasePorts(archive.archive.cases, archive.reports, archive.archive.instances)
    archive.taken()
    case = await get_case(2010, "S0000000", urls=URLS, ports=ports, strict=True)
    assert list(case["views"]) == list(VIEWS)
    return archive.taken()


@pytest.fixture
def account(tmp_path: Path) -> Iterator[str]:
    """Give the connection string of an account of its own, which holds in memory what it is given."""
    with running_azurite(tmp_path, in_memory=True) as connection:
        yield connection


async def test_a_hundred_thousand_names_are_indexed_in_one_listing(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C000-1 and C000-4: memory does not grow with the names, nor does the cost of a case or of a page of the list."""
    few_container, container = fresh_name("few"), fresh_name("many")
    async with counted_archive(account, fresh_name("few"), monkeypatch) as archive:
        await fill(archive, few_container, 4 * FEW)
        few = await indexed(archive, few_container, 4 * FEW)
        cost = await cost_of_a_case(archive)
        await archive.archive.cases.page(CaseQuery(50, year="2010"))
        page_cost = archive.taken()
    async with counted_archive(account, fresh_name("many"), monkeypatch) as archive:
        await fill(archive, container, MANY)
        many = await indexed(archive, container, MANY)
        assert (many["listings"], many["calls"]) == (1, 1)
        counts = many["state"].counts
        assert (counts.names, counts.indexed, counts.duplicates, counts.unmatched, counts.read) == (
            MANY,
            MANY,
            0,
            0,
            0,
        )
        assert await cost_of_a_case(archive) == cost
        page = await archive.archive.cases.page(CaseQuery(50, year="2010"))
        assert archive.taken() == page_cost
        assert [case.case_id for case in page] == [f"S{number:07}" for number in range(50)]
        following = await archive.archive.cases.page(CaseQuery(50, after=("2013", "S0019999")))
        assert [case.case_id for case in following] == [f"S{number:07}" for number in range(20_000, 20_050)]
    # Sixteen shards of the ledger are read a page of a thousand rows at a time; no more is held of any number of names.
    assert many["grown"] < 100 * 1024 * 1024
    assert few["state"].counts.names == 4 * FEW
