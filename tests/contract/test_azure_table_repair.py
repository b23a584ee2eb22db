"""Rows by which studies are found are lost or left over on Azurite: reconciling finds out, and makes them anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.backends.azure_http.signed_http import SignedHttp
from shared.backends.azure_table import keys
from shared.backends.azure_table.archive import TableArchive
from shared.backends.azure_table.tables import Tables
from shared.dicom.query import MatchKey, Query, SingleValue
from shared.dicom.references import StudyRef
from shared.flows._reindex_searches import Found, Gone
from shared.flows.reindex import PartitionPorts, Reindexing
from tests.contract.records import a_record, an_instance, fresh_name
from tests.contract.table_archive import bound, table_service
from tests.unit.flows.test_store_case import ports_of
from tests.unit.flows.world import World

pytestmark = pytest.mark.azurite


@pytest.fixture
async def service(azurite: str) -> AsyncIterator[SignedHttp]:
    """Give the account's tables, made where they are missing."""
    async with table_service(azurite) as client:
        yield client


def ports(archive: TableArchive, partition: str) -> PartitionPorts:
    """Return the ports of the steps over searches, on tables."""
    world = World()
    indexing = replace(world.index_ports, index=archive.instances)
    return PartitionPorts(
        partition, (), indexing, ports_of(world), archive.summaries, archive.search, archive.risks
    )


async def check(archive: TableArchive, partition: str) -> int:
    """Hold searches against the index both ways; return how many studies were not found as they are."""
    state = Reindexing(datetime.now(UTC))
    for step in (Found(ports(archive, partition), state), Gone(ports(archive, partition), state)):
        async for _ in step.batches(""):
            pass
    assert state.failures == 0
    return state.drift["search"]


async def found(archive: TableArchive, tag: str, value: str) -> list[str]:
    """Return the studies of the instances that a search finds."""
    vr = "LO" if tag == "00100020" else "UI"
    query = Query("instance", 10, keys=(MatchKey((tag,), vr, SingleValue(value)),))
    return [row["0020000D"]["Value"][0] for row in (await archive.search.search(query)).rows]


async def test_what_searches_go_by_comes_back(service: SignedHttp) -> None:
    """A study without its row, one without its instances' lookups, one whose count is wrong, one that is no more."""
    partition, tables = fresh_name("repair"), Tables(service)
    archive = await bound(tables, partition)
    studies = [f"1.2.{number}" for number in range(1, 6)]
    refs = [an_instance(study, f"{study}.1", f"{study}.1.{number}") for study in studies for number in (1, 2)]
    for ref in refs:
        patient = {"00100020": {"vr": "LO", "Value": [f"P{ref.study_instance_uid}"]}}
        await archive.instances.put([a_record(ref, attributes=patient)])
    for study in studies:
        await archive.summaries.refresh(StudyRef(study))
    assert await check(archive, partition) == 0

    first, second, third, fourth = (keys.study_key(partition, StudyRef(study)) for study in studies[:4])
    await tables.delete("studies", first, "study")
    for number in (1, 2):
        sop = f"{studies[1]}.1.{number}"
        row_key = f"{sop}!{studies[1]}!{studies[1]}.1"
        await tables.delete("instancelookups", keys.sop_shard(partition, sop), row_key)
    await tables.delete("instances", f"{third}!{studies[2]}.1", f"{studies[2]}.1.2")
    for number in (1, 2):
        await tables.delete("instances", f"{fourth}!{studies[3]}.1", f"{studies[3]}.1.{number}")
    assert await found(archive, "00080018", f"{studies[1]}.1.1") == []

    assert await check(archive, partition) == 4

    assert second != first
    assert await found(archive, "00080018", f"{studies[1]}.1.1") == [studies[1]]
    assert await found(archive, "00100020", f"P{studies[0]}") == [studies[0]] * 2
    page = await archive.search.search(Query("study", 10))
    counts = {row["0020000D"]["Value"][0]: row["00201208"]["Value"][0] for row in page.rows}
    assert counts == {studies[0]: 2, studies[1]: 2, studies[2]: 1, studies[4]: 2}
    assert await archive.summaries.due(10) == []
    assert await check(archive, partition) == 0
