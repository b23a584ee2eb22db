"""Ten thousand blobs on an account of Azurite's, whose events were lost, doubled and shuffled, are reconciled."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient
from pydantic import SecretStr

from client.azurite import CONTAINERS, QUEUES, TABLES
from functions import _wiring
from functions._index import index_ports
from functions._reindex import reindex_ports
from shared.dicom.query import Query
from shared.flows._in_parallel import in_parallel
from shared.flows.index_instance import index_instance
from shared.flows.reindex import Reindexing, reindex
from shared.records import ObjectKey
from shared.services.services import Services, build
from shared.settings.settings import Settings
from tests.azurite import running_azurite
from tests.instances import an_instance

pytestmark = [pytest.mark.azurite, pytest.mark.scale, pytest.mark.timeout(3000)]

COUNT = 10_000
PER_STUDY = 50
UNREADABLE = 97
"""Every so many blobs one is no DICOM."""


@pytest.fixture
def account(tmp_path: Path) -> Iterator[str]:
    """Give the connection string of an account of its own, which holds in memory what it is given."""
    with running_azurite(tmp_path, in_memory=True) as connection:
        yield connection


@pytest.fixture
async def services(account: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    """Give the services of the app on that account."""
    async with (
        BlobServiceClient.from_connection_string(account) as blobs,
        QueueServiceClient.from_connection_string(account) as queues,
        TableServiceClient.from_connection_string(account) as tables,
    ):
        for name in CONTAINERS:
            await blobs.create_container(name)
        for name in QUEUES:
            await queues.create_queue(name)
        for name in TABLES:
            await tables.create_table(name)
    made = await build(Settings(storage_connection_string=SecretStr(account)))

    async def services() -> Services:
        return made

    monkeypatch.setattr(_wiring, "services", services)
    yield made
    await made.close()


async def reconciled() -> Reindexing:
    """Reconcile to the end in slices of some seconds."""
    while not (state := await reindex(await reindex_ports(), seconds=5)).done:
        pass
    return state


async def test_the_index_equals_the_listing(services: Services) -> None:
    """Every tenth event is lost, every fifth doubled, all are shuffled, and some blobs change or go after theirs."""
    keys = [ObjectKey("images", f"{number % 7}/{number:05}.dcm") for number in range(COUNT)]

    def content(number: int) -> bytes:
        study, instance = number // PER_STUDY, number % PER_STUDY + 1
        return an_instance(study, 1, instance) if number % UNREADABLE else b"no DICOM"

    async def drop(number: int) -> None:
        await services.objects.put(keys[number], content(number))

    await in_parallel(drop, range(COUNT), limit=16)
    events = [number for number in range(COUNT) if number % 10] + list(range(1, COUNT, 5))
    random.Random(1).shuffle(events)

    async def tell(number: int) -> None:
        await index_instance(keys[number], index_ports(services))

    await in_parallel(tell, events, limit=16)
    gone, changed = range(1, COUNT, 1001), range(2, COUNT, 1003)
    for number in gone:
        await services.objects.delete(keys[number])
    for number in changed:
        await services.objects.put(keys[number], an_instance(1_000_000 + number))

    found = await reconciled()

    lost = {number for number in range(COUNT) if number % 10 == 0} - set(gone) - set(changed)
    changed_lost = {number for number in changed if number % 10 == 0}
    assert found.drift["new"] == len(lost | changed_lost)
    assert found.drift["changed"] == len(set(changed) - changed_lost)
    told_and_gone = [number for number in gone if number % 10]
    assert found.drift["deleted"] + found.drift["rejection"] == len(told_and_gone)
    left = set(range(COUNT)) - set(gone)
    unreadable = {number for number in left if number % UNREADABLE == 0} - set(changed)
    assert found.objects == {"indexed": len(left) - len(unreadable), "rejected": len(unreadable)}
    held = {claim.key: claim.etag async for claim in services.index.scan()}
    listed = {info.key: info.etag async for info in services.objects.scan("images")}
    assert held == {key: etag for key, etag in listed.items() if key not in {keys[n] for n in unreadable}}
    ledger = {entry.key: entry.etag async for entry in services.ledger.scan("images")}
    assert ledger == listed
    expected = Counter(number // PER_STUDY for number in left - unreadable - set(changed))
    rows = (await services.search.search(Query("study", COUNT))).rows
    counts = Counter(row["00201208"]["Value"][0] for row in rows)
    assert counts == Counter(expected.values()) + Counter({1: len(changed)})
    again = await reconciled()
    assert (again.drift, again.failures, again.objects) == ({}, 0, found.objects)
