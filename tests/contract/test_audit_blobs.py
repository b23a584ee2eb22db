"""Audit messages in append blobs, on Azurite."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from azure.storage.blob.aio import BlobServiceClient

from shared.backends.audit_blobs import AuditBlobs

pytestmark = [pytest.mark.azurite]


class Kept:
    """Takes what the container does not."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)


@pytest_asyncio.fixture
async def service(azurite: str) -> AsyncIterator[BlobServiceClient]:
    """Give a client of the account."""
    async with BlobServiceClient.from_connection_string(azurite) as client:
        yield client


async def written(trail: AuditBlobs) -> None:
    """Wait until what was handed over is written."""
    if trail._writing is not None:
        await trail._writing


async def lines_of(service: BlobServiceClient, container: str) -> list[list[str]]:
    """Return the lines of each blob of a container."""
    client = service.get_container_client(container)
    names = sorted([blob.name async for blob in client.list_blobs()])
    return [(await (await client.download_blob(name)).readall()).decode().splitlines() for name in names]


async def test_messages_are_added_in_their_order(azurite: str, service: BlobServiceClient) -> None:
    """Those of a moment together; another blob is begun when one is full."""
    await service.create_container("audit-order")
    trail = AuditBlobs(
        lambda: BlobServiceClient.from_connection_string(azurite),
        "audit-order",
        delay_seconds=0.01,
        max_blocks=2,
    )
    for burst in range(5):
        for number in range(100):
            trail.write(json.dumps({"burst": burst, "number": number}))
        await written(trail)
    await trail.close()
    blobs = await lines_of(service, "audit-order")
    assert [len(lines) for lines in blobs] == [200, 200, 100]
    found = [json.loads(line) for lines in blobs for line in lines]
    assert found == [{"burst": burst, "number": number} for burst in range(5) for number in range(100)]


async def test_many_messages_are_several_additions(azurite: str, service: BlobServiceClient) -> None:
    """None is larger than Azure takes, and none is lost."""
    await service.create_container("audit-many")
    trail = AuditBlobs(
        lambda: BlobServiceClient.from_connection_string(azurite), "audit-many", delay_seconds=0
    )
    for number in range(7):
        trail.write(f"{number}" + "x" * 1024 * 1024)
    await trail.close()
    [lines] = await lines_of(service, "audit-many")
    assert [line[0] for line in lines] == list("0123456")


async def test_what_the_container_does_not_take_goes_to_the_log(
    azurite: str, service: BlobServiceClient
) -> None:
    """And the next messages are tried again."""
    kept = Kept()
    trail = AuditBlobs(
        lambda: BlobServiceClient.from_connection_string(azurite),
        "audit-late",
        fallback=kept,
        delay_seconds=0,
    )
    trail.write("first")
    trail.write("second")
    await written(trail)
    assert kept.lines == ["first", "second"]
    await service.create_container("audit-late")
    trail.write("third")
    await trail.close()
    assert await lines_of(service, "audit-late") == [["third"]]
    assert kept.lines == ["first", "second"]
