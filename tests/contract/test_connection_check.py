"""The connection test on a real account: what is missing, denied and unreachable is told apart."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import AsyncIterator

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

from shared.backends.azure_table.archive import TABLES
from shared.errors import SettingsError
from shared.services.connection_check import check_connections
from shared.settings.settings import Settings
from tests.contract.records import fresh_name

pytestmark = pytest.mark.azurite

CONTAINERS = ("images", "archive", "derived", "rejected", "sessions")
QUEUES = ("study-changed", "deidentify", "imports", "sessions", "uploads", "analytics", "blob-events")
EXPECTED = {
    *(f"container {name}" for name in CONTAINERS),
    *(f"table {name}" for name in (*TABLES, "report")),
    *(f"queue {name}" for name in QUEUES),
}


def settings_of(connection: str, **changed: object) -> Settings:
    """Return the settings of an app on this account."""
    return Settings.model_validate({"storage_connection_string": connection, **changed})


@pytest.fixture
async def furnished(azurite: str) -> AsyncIterator[str]:
    """Give the connection string of an account that has all that the app needs."""
    async with (
        BlobServiceClient.from_connection_string(azurite) as blobs,
        QueueServiceClient.from_connection_string(azurite) as queues,
        TableServiceClient.from_connection_string(azurite) as tables,
    ):
        made = [
            *(blobs.create_container(name) for name in CONTAINERS),
            *(queues.create_queue(name) for name in QUEUES),
            *(tables.create_table(name) for name in (*TABLES, "report")),
        ]
        for creation in made:
            try:
                await creation
            except ResourceExistsError:
                continue
        yield azurite
        for name in QUEUES:
            await queues.delete_queue(name)


async def test_an_account_that_has_everything_is_ok(furnished: str) -> None:
    """C000-10: the test really asks the service, for each thing by name."""
    assert await check_connections(settings_of(furnished)) == dict.fromkeys(EXPECTED, "ok")


async def test_what_is_missing_is_named(furnished: str) -> None:
    """C000-10: "no such container" and "no such table" are told apart from each other and from all else."""
    missing, table = fresh_name("missing"), fresh_name("missing").replace("-", "")
    told = await check_connections(
        settings_of(furnished, watched_containers=("images", missing), report_table=table, blob_events="scan")
    )
    assert told.pop(f"container {missing}") == "no such container"
    assert told.pop(f"table {table}") == "no such table"
    assert set(told.values()) == {"ok"}
    assert "queue blob-events" not in told


async def test_a_wrong_key_is_denied(furnished: str) -> None:
    """C000-10: the account is there, and does not let us in."""
    wrong = base64.b64encode(b"wrong" * 12).decode()
    told = await check_connections(settings_of(re.sub("AccountKey=[^;]+", f"AccountKey={wrong}", furnished)))
    assert told == dict.fromkeys(EXPECTED, "denied")


async def test_a_wrong_port_is_unreachable(furnished: str) -> None:
    """C000-10: nobody listens there; it is told at once, without trying again for long."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: refused for as long as this lasts
        port = nobody.getsockname()[1]
        told = await check_connections(settings_of(re.sub(r"(127\.0\.0\.1):\d+", rf"\1:{port}", furnished)))
    assert told == dict.fromkeys(EXPECTED, "unreachable")


@pytest.mark.parametrize("connection", ["", "nonsense", "AccountName=a"])
async def test_settings_that_name_no_account_are_an_error(connection: str) -> None:
    """C000-10: it says which setting, and repeats nothing of it."""
    with pytest.raises(SettingsError) as raised:
        await check_connections(settings_of(connection))
    assert "connection string" in str(raised.value)
    assert "nonsense" not in str(raised.value)


async def test_the_search_index_is_asked_where_there_is_one(furnished: str) -> None:
    """C000-10: one that does not answer is named, beside all else that does."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        told = await check_connections(settings_of(furnished, elasticsearch_url=url))
    assert told == dict.fromkeys(EXPECTED, "ok") | {"search index": "unreachable"}
