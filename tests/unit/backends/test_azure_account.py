"""A connection string opens the services that Azure's own clients would open with it."""

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient

from shared.backends.azure_http.account import by_connection_string

_KEY = "c2VjcmV0"
CONNECTIONS = (
    "UseDevelopmentStorage=true",
    f"DefaultEndpointsProtocol=https;AccountName=st;AccountKey={_KEY};EndpointSuffix=core.windows.net",
    f"AccountName=st;AccountKey={_KEY};BlobEndpoint=http://127.0.0.1:7/st;TableEndpoint=http://127.0.0.1:8/st",
)


@pytest.mark.parametrize("connection", CONNECTIONS)
async def test_a_connection_string_names_the_same_to_all_clients(connection: str) -> None:
    """The sample settings say UseDevelopmentStorage=true, as Azure's documents do: the emulator at its own ports."""
    blobs = BlobServiceClient.from_connection_string(connection)
    tables = TableServiceClient.from_connection_string(connection)
    for service, client in (("blob", blobs), ("table", tables)):
        async with by_connection_string(connection, service, 1) as http:  # type: ignore[arg-type]  # one of the two
            assert f"{http._root}{http._base_path}".rstrip("/") == client.url.rstrip("/")
            headers = {"x-ms-date": "Sat, 01 Jan 2026 00:00:00 GMT", "x-ms-version": "2025-01-05"}
            signed = await http._credential.authorization("GET", "/a", headers)
            assert signed is not None
            assert signed.startswith(f"SharedKey {client.account_name}:")
    await blobs.close()
    await tables.close()


async def test_the_emulator_is_opened_by_the_key_that_it_is_known_for() -> None:
    """The key that Azure's clients have for it signs the same."""
    tables = TableServiceClient.from_connection_string("UseDevelopmentStorage=true")
    assert isinstance(tables.credential, AzureNamedKeyCredential)
    key = tables.credential.named_key.key
    written_out = (
        f"AccountName=devstoreaccount1;AccountKey={key};TableEndpoint=http://127.0.0.1:10002/devstoreaccount1"
    )
    headers = {"x-ms-date": "Sat, 01 Jan 2026 00:00:00 GMT"}
    signatures = set()
    for connection in ("UseDevelopmentStorage=true", "usedevelopmentstorage=TRUE", written_out):
        async with by_connection_string(connection, "table", 1) as http:
            signatures.add(await http._credential.authorization("GET", "/a", headers))
    await tables.close()

    assert len(signatures) == 1
