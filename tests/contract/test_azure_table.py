"""The adapters on Azure tables keep every contract, on Azurite."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.backends.azure_table.case_sessions import AzureTableCaseSessions
from shared.backends.azure_table.cases import AzureTableCases
from shared.backends.azure_table.checkpoints import AzureTableCheckpoints
from shared.backends.azure_table.ledger import AzureTableLedger
from shared.backends.azure_table.partitions import AzureTablePartitions
from shared.backends.azure_table.reports import AzureTableReports
from shared.backends.azure_table.risks import AzureTableRisks
from shared.backends.azure_table.tables import Tables
from shared.ports.archive import StudyRisks
from tests.contract.archive import ArchiveContract
from tests.contract.case_sessions import CaseSessionsContract, OpenCases
from tests.contract.cases import CaseIndexContract, CheckpointsContract, ReportsContract, WriteReport
from tests.contract.change_feed import ChangeFeedContract
from tests.contract.instance_index import InstanceIndexContract
from tests.contract.ledger import ObjectLedgerContract
from tests.contract.partitions import PartitionsContract
from tests.contract.records import Archive, OpenArchive, fresh_name
from tests.contract.study_risks import StudyRisksContract
from tests.contract.study_search import StudySearchContract
from tests.contract.study_summaries import StudySummariesContract
from tests.contract.table_archive import bound, table_service

pytestmark = pytest.mark.azurite


@pytest.fixture
async def tables(azurite: str) -> AsyncIterator[Tables]:
    """Give the account's tables, made where they are missing."""
    async with table_service(azurite) as service:
        yield Tables(service)


class _AzureTableArchive(ArchiveContract):
    @pytest.fixture
    def open_archive(self, tables: Tables) -> OpenArchive:
        async def open_archive(partition: str) -> Archive:
            made = await bound(tables, partition, search_rows=100_000)
            return Archive(partition, made.instances, made.summaries, made.search, made.changes)

        return open_archive


class TestAzureTableIndex(_AzureTableArchive, InstanceIndexContract):
    """AzureTableInstances."""


class TestAzureTableSummaries(_AzureTableArchive, StudySummariesContract):
    """AzureTableSummaries."""


class TestAzureTableSearch(_AzureTableArchive, StudySearchContract):
    """AzureTableSearch."""


class TestAzureTableRisks(_AzureTableArchive, StudyRisksContract):
    """AzureTableRisks."""

    @pytest.fixture(autouse=True)
    def _hold(self, tables: Tables) -> None:
        self._tables = tables

    def risks_of(self, archive: Archive) -> StudyRisks:
        """Return it on the tables of the archive."""
        return AzureTableRisks(self._tables, archive.partition)


class TestAzureTableChanges(_AzureTableArchive, ChangeFeedContract):
    """AzureTableChanges."""


class TestAzureTableLedger(ObjectLedgerContract):
    """AzureTableLedger."""

    @pytest.fixture
    def ledger(self, tables: Tables) -> AzureTableLedger:
        return AzureTableLedger(tables, fresh_name("ledger"))


class TestAzureTablePartitions(PartitionsContract):
    """AzureTablePartitions."""

    @pytest.fixture
    def partitions(self, tables: Tables) -> AzureTablePartitions:
        return AzureTablePartitions(tables)

    async def test_another_process_knows_them_too(
        self, partitions: AzureTablePartitions, tables: Tables
    ) -> None:
        """What one has made known the other finds."""
        await partitions.add("everywhere")

        assert await AzureTablePartitions(tables).has("everywhere")


class TestAzureTableCases(CaseIndexContract):
    """AzureTableCases."""

    @pytest.fixture
    def cases(self, tables: Tables) -> AzureTableCases:
        return AzureTableCases(tables, fresh_name("cases"))


class TestAzureTableCaseSessions(CaseSessionsContract):
    """AzureTableCaseSessions."""

    @pytest.fixture
    def open_cases(self, tables: Tables) -> OpenCases:
        def open_cases() -> tuple[AzureTableCases, AzureTableCaseSessions]:
            partition = fresh_name("sessions")
            return AzureTableCases(tables, partition), AzureTableCaseSessions(tables, partition)

        return open_cases


class TestAzureTableCheckpoints(CheckpointsContract):
    """AzureTableCheckpoints."""

    @pytest.fixture
    def checkpoints(self, tables: Tables) -> AzureTableCheckpoints:
        return AzureTableCheckpoints(tables, fresh_name("work"))


class TestAzureTableReports(ReportsContract):
    """AzureTableReports on the forerunner's layout."""

    @pytest.fixture
    async def table(self, azurite: str) -> str:
        """Make a table of its own: the forerunner's layout has no partitions to tell tests apart."""
        name = fresh_name("report").replace("-", "")
        async with TableServiceClient.from_connection_string(azurite) as service:
            await service.create_table(name)
        return name

    @pytest.fixture
    async def reports(self, azurite: str, tables: Tables, table: str) -> AsyncIterator[AzureTableReports]:
        async with TableClient.from_connection_string(azurite, table) as client:
            yield AzureTableReports(client, tables)

    @pytest.fixture
    def write_report(self, tables: Tables, table: str) -> WriteReport:
        async def write_report(year: str, case_id: str, text: str) -> None:
            # The forerunner's layout: any keys, the properties tell.
            row = {
                "PartitionKey": "any",
                "RowKey": fresh_name("row"),
                "id": case_id,
                "year": year,
                "report": text,
            }
            await tables.upsert(table, row)

        return write_report
