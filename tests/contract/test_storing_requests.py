"""What storing an instance costs on a real account, in requests and in rows: docs/scale.md reckons by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from bench.partition_math import REQUESTS_AN_INSTANCE
from shared.backends.memory.queue import MemoryJobQueue
from shared.dicom.references import StudyRef
from shared.flows.store_instances import StorePorts, StoreRequest, store_instances
from shared.flows.summarise_study import summarise_study
from tests.contract.counted_requests import CountedArchive, counted_archive
from tests.contract.records import fresh_name
from tests.instances import an_instance, uids
from tests.unit.flows.test_store_instances import parts_of

pytestmark = pytest.mark.azurite


@pytest.fixture
async def archive(azurite: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CountedArchive]:
    """Give a partition of its own, counted."""
    async with counted_archive(azurite, fresh_name("storing"), monkeypatch) as opened:
        yield opened


async def stored(archive: CountedArchive, *contents: bytes) -> list[str]:
    """Store instances in one request, and return the requests that it took."""
    ports = StorePorts(
        objects=archive.objects,
        index=archive.archive.instances,
        ledger=archive.archive.ledger,
        cases=archive.archive.cases,
        queue=MemoryJobQueue(),
        container="archive",
        partition=fresh_name("storing"),
    )
    archive.taken()
    await store_instances(parts_of(contents), StoreRequest("http://x/dicomweb"), ports)
    return archive.taken()


async def test_an_instance_by_itself_takes_four_requests(archive: CountedArchive) -> None:
    """A note that its study is due, the object, the instance with its outbox row, the ledger; the first of a process a few more."""
    await stored(archive, an_instance(1, 1, 1))
    taken = await stored(archive, an_instance(1, 1, 2))

    assert taken == ["POST table $batch", "POST table studies", "PUT blob archive", "PUT table objects"]
    assert len(taken) == REQUESTS_AN_INSTANCE


async def test_fifty_of_a_series_in_one_request_share_all_but_their_objects(archive: CountedArchive) -> None:
    """One note, one transaction of the index and one of the ledger."""
    await stored(archive, an_instance(1, 1, 1))
    taken = Counter(await stored(archive, *(an_instance(2, 1, number) for number in range(1, 51))))

    assert taken == {"PUT blob archive": 50, "POST table $batch": 2, "POST table studies": 1}


async def test_the_feed_takes_what_waits_together(archive: CountedArchive) -> None:
    """Fifty instances of a study cost the feed, its lookups and its summaries no more requests than one, but for pages."""
    taken = []
    for study, count in ((1, 1), (2, 50)):
        await stored(archive, *(an_instance(study, 1, number) for number in range(1, count + 1)))
        await summarise_study(StudyRef(uids(study)[0]), summaries=archive.archive.summaries)
        taken.append(len(archive.taken()))

    assert taken[1] <= taken[0] + 2
