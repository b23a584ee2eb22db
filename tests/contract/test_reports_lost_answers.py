"""What a report that is written on condition comes to when the answer is lost and the request is sent again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.backends.azure_options import request_options
from shared.backends.azure_table.reports import AzureTableReports
from shared.backends.azure_table.tables import Tables
from shared.errors import ObjectExistsError
from tests.contract.records import fresh_name
from tests.contract.table_archive import table_service
from tests.losing_proxy import UNAVAILABLE, LosingProxy, losing_proxy

pytestmark = pytest.mark.azurite


def _table_port(connection: str) -> int:
    [endpoint] = [part for part in connection.split(";") if part.startswith("TableEndpoint=")]
    return int(endpoint.split(":")[2].partition("/")[0])


@pytest.fixture
async def table(azurite: str) -> str:
    """Make a table of its own."""
    name = fresh_name("report").replace("-", "")
    async with TableServiceClient.from_connection_string(azurite) as service:
        await service.create_table(name)
    return name


@pytest.fixture
async def proxy(azurite: str) -> AsyncIterator[LosingProxy]:
    """Give what stands between the reports and the account."""
    async with losing_proxy(_table_port(azurite)) as proxy:
        yield proxy


@pytest.fixture
async def reports(azurite: str, proxy: LosingProxy, table: str) -> AsyncIterator[AzureTableReports]:
    """Give the reports behind it."""
    port = _table_port(azurite)
    behind = azurite.replace(f"127.0.0.1:{port}/", f"127.0.0.1:{proxy.port}/")
    assert behind != azurite
    async with (
        TableClient.from_connection_string(behind, table, **request_options(30)) as client,
        table_service(azurite) as http,
    ):
        yield AzureTableReports(client, Tables(http))


@pytest.mark.parametrize(("instead", "tries"), [(b"", 1), (UNAVAILABLE, 2)])
async def test_its_own_report_is_not_taken_for_another(
    reports: AzureTableReports, proxy: LosingProxy, table: str, instead: bytes, tries: int
) -> None:
    """Who was there first is told so, though the second try, where there is one, found the first one's row."""
    insert = f"POST /devstoreaccount1/{table}"
    proxy.lose_first(insert)
    proxy.instead = instead
    await reports.put("2014", "S1", "all is well", if_absent=True)

    assert sum(request.startswith(insert) for request in proxy.requests) == tries
    assert await reports.get("2014", "S1") == "all is well"


async def test_a_report_of_another_is_still_another(reports: AzureTableReports, proxy: LosingProxy) -> None:
    """It is there before the first try, or says something else than the second one would."""
    await reports.put("2014", "S1", "all is well")
    with pytest.raises(ObjectExistsError):
        await reports.put("2014", "S1", "all is well", if_absent=True)


async def test_a_report_that_overtakes_a_lost_answer_is_still_another(
    reports: AzureTableReports, proxy: LosingProxy, table: str, azurite: str
) -> None:
    """Another writer put his own in its place just before."""
    async with TableClient.from_connection_string(azurite, table) as client:
        await reports.put("2014", "S1", "another's")
        [row] = [row async for row in client.list_entities()]
        await client.delete_entity(row)
        gone = False

        def loses(request: str) -> bool:
            nonlocal gone
            lost, gone = request.startswith("POST") and not gone, gone or request.startswith("POST")
            return lost

        proxy.loses, proxy.instead = loses, UNAVAILABLE
        insert = AzureTableReports._insert

        async def overtaken(self: AzureTableReports, one: dict[str, object]) -> bool:
            await client.create_entity(row)
            return await insert(self, one)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(AzureTableReports, "_insert", overtaken)
            with pytest.raises(ObjectExistsError):
                await reports.put("2014", "S1", "mine", if_absent=True)
        assert gone
        assert await reports.get("2014", "S1") == "another's"
