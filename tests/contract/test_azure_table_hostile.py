"""One instance that nobody should have written keeps no other from being found."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from shared.backends.azure_http.account import by_connection_string
from shared.backends.azure_table.archive import TableArchive, build_archive
from shared.backends.azure_table.tables import Tables
from shared.backends.memory.object_store import MemoryObjectStore
from shared.dicom.attributes import OPTIONAL, REQUIRED
from shared.dicom.query import AnyOf, MatchKey, Query
from shared.dicom.references import InstanceRef
from shared.errors import BackendUnavailableError, QueryTooBroadError
from shared.records import Json
from tests.contract.records import a_record, fresh_name
from tests.contract.table_archive import bound, table_service

pytestmark = pytest.mark.azurite

INNOCENT = InstanceRef("9.9", "9.9.1", "9.9.1.1")
STUDY_INSTANCE_UID = "0020000D"


@pytest.fixture
async def archive(azurite: str) -> AsyncIterator[TableArchive]:
    """Give an archive that holds one plain instance."""
    async with table_service(azurite) as service:
        made = await bound(Tables(service), fresh_name("hostile"))
        await made.instances.put([a_record(INNOCENT)])
        yield made


async def found_studies(archive: TableArchive) -> list[str]:
    """Return the studies that a search for all finds."""
    page = await archive.search.search(Query("study", 10))
    return sorted(row[STUDY_INSTANCE_UID]["Value"][0] for row in page.rows)


def long_attributes() -> Json:
    """Return all textual attributes of study and series, each nearly as long as a search row keeps them."""
    tables = [
        table[level] for table in (REQUIRED, OPTIONAL) for level in ("study", "series") if level in table
    ]
    return {
        tag: {"vr": attribute.vr, "Value": ["x" * 900]}
        for table in tables
        for tag, attribute in table.items()
        if attribute.vr in {"LO", "SH", "LT", "ST", "CS", "TM", "AS"}
    }


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param(long_attributes(), id="rows too long for a table"),
        pytest.param({"00100020": {"vr": "PN", "Value": [{"Alphabetic": "X"}]}}, id="an ID that is a name"),
        pytest.param({"00080050": {"vr": "SQ", "Value": [{}]}}, id="an accession number that is a sequence"),
        pytest.param({"00100010": {"vr": "LO", "Value": ["X"]}}, id="a name that is a text"),
        pytest.param({"00080020": {"vr": "PN", "Value": [{"Alphabetic": "X"}]}}, id="a date that is a name"),
        pytest.param({"00080060": {"vr": "SQ", "Value": [{}]}}, id="a modality that is a sequence"),
    ],
)
async def test_hostile_attributes_are_summarised(archive: TableArchive, attributes: Json) -> None:
    """Whatever stands in the attributes of an instance, its study is found, and so are the others."""
    hostile = a_record(attributes=attributes)

    await archive.instances.put([hostile])

    assert [hostile.ref.study_instance_uid, INNOCENT.study_instance_uid] == await found_studies(archive)
    assert await archive.summaries.due(10) == []


async def test_a_study_that_cannot_be_summarised_hides_itself_only(azurite: str) -> None:
    """A study whose overflowed metadata is gone from `derived` is left out until it is back; others are found."""
    async with by_connection_string(azurite, "table", 30) as service:
        derived = MemoryObjectStore(["derived"])
        archive = await build_archive(
            Tables(service),
            derived,
            partition=fresh_name("hostile"),
            derived_container="derived",
            search_budget_rows=1000,
            search_count_rows=1000,
        )
        comments = random.Random(1).randbytes(100_000).hex()
        damaged = a_record(attributes={"00104000": {"vr": "LT", "Value": [comments]}})
        await archive.instances.put([damaged])
        await archive.instances.put([a_record(INNOCENT)])
        for info in [info async for info in derived.scan("derived")]:
            await derived.delete(info.key)

        assert [INNOCENT.study_instance_uid] == await found_studies(archive)


async def test_a_missing_table_is_no_absent_row(azurite: str) -> None:
    """Who asks whether the tables are there, as /health does, must not be told that one is empty."""
    async with by_connection_string(azurite, "table", 30) as service:
        with pytest.raises(BackendUnavailableError):
            await Tables(service).get("missing", "a", "b")


async def test_a_page_holds_no_more_of_a_row_than_its_answer(archive: TableArchive) -> None:
    """A page of instances with megabytes of metadata each would not fit into memory."""
    private = {"00111001": {"vr": "LO", "Value": ["x"]}, "00080060": {"vr": "CS", "Value": ["CT"]}}
    await archive.instances.put([a_record(attributes=private)])

    for query, expected in ((Query("instance", 10), False), (Query("instance", 10, include_all=True), True)):
        page = await archive.search.search(query)
        assert any("00111001" in row for row in page.rows) == expected
        assert any("00080060" in row for row in page.rows)


async def test_a_list_of_uids_is_read_to_a_limit(archive: TableArchive) -> None:
    """Hundreds of UIDs in one search are looked up; thousands are refused before anything is read."""
    uids = tuple(f"1.{number}" for number in range(999))
    for tag, uid in (
        (STUDY_INSTANCE_UID, INNOCENT.study_instance_uid),
        ("00080018", INNOCENT.sop_instance_uid),
    ):
        key = MatchKey((tag,), "UI", AnyOf((*uids, uid)))
        page = await archive.search.search(Query("instance", 10, keys=(key,)))
        assert [row["00080018"]["Value"] for row in page.rows] == [[INNOCENT.sop_instance_uid]]

        longer = replace(key, match=AnyOf((*uids, uid, "1.999")))
        with pytest.raises(QueryTooBroadError, match="1001"):
            await archive.search.search(Query("instance", 10, keys=(longer,)))
