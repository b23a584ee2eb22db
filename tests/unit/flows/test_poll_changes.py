"""Following a feed: everything is looked at, the place moves after it, and a kill anywhere changes nothing in the end."""

import itertools
from dataclasses import replace

import pytest

from shared.backends.memory.upstream_queue import MemoryUpstreamQueue
from shared.dicom.references import InstanceRef
from shared.dicom.risk.rules import RiskLevel
from shared.errors import BackendUnavailableError, UpstreamUnavailableError
from shared.flows._case_name import SEED_PATTERNS
from shared.flows._risk_policy import RiskPolicy
from shared.flows.index_instance import CasePatterns, index_instance
from shared.flows.poll_changes import PollPorts, poll_changes
from shared.ports.upstream import UPSTREAM_CONTAINER, FeedPage
from shared.records import ObjectKey, ObjectState, Source
from shared.upstream_keys import upstream_key, upstream_ref
from tests.unit.flows.builders import make_file
from tests.unit.flows.world import KilledError, World

PER_PAGE = 3


class ListedFeed:
    """A feed of a list: pages of three, every second one empty."""

    name = "listed"

    def __init__(self, refs: list[InstanceRef]) -> None:
        self.refs = refs
        self.asked: list[str] = []

    async def page(self, cursor: str) -> FeedPage:
        """See UpstreamFeed; a cursor is a place, with a sign where the empty page was passed."""
        self.asked.append(cursor)
        if cursor and not cursor.startswith("+"):
            return FeedPage((), f"+{cursor}", at_end=int(cursor) >= len(self.refs))
        at = int(cursor or "0")
        if at >= len(self.refs):
            return FeedPage((), cursor, at_end=True)
        return FeedPage(tuple(self.refs[at : at + PER_PAGE]), str(at + PER_PAGE), at_end=False)


class Followed:
    """An archive in memory, in front of a service in memory whose instances lie in a container."""

    def __init__(self) -> None:
        self.world = World()
        self.world.objects.containers |= {UPSTREAM_CONTAINER}
        self.queue = MemoryUpstreamQueue()
        self.feed = ListedFeed([])
        self.failing: set[str] = set()
        self.risk = RiskPolicy()
        self.patterns = SEED_PATTERNS

    async def add(self, number: int) -> InstanceRef:
        """Let the service hold an instance, and its feed tell so."""
        ref = InstanceRef("1.2.3", "1.2.3.1", f"1.2.3.1.{number}")
        await self.world.objects.put(upstream_key(ref), make_file(number))
        self.feed.refs.append(ref)
        return ref

    async def poll(self, seconds: float = 60) -> bool:
        """Follow the feed."""

        async def look(key: ObjectKey) -> None:
            if key.name in self.failing:
                raise UpstreamUnavailableError("not now")
            ports = replace(self.world.index_ports, risk=self.risk, case_patterns=self.patterns)
            await index_instance(key, ports)

        ports = PollPorts(self.feed, self.world.port(self.world.checkpoints), self.queue, look)
        return await poll_changes(ports, seconds=seconds)

    @property
    def indexed(self) -> list[InstanceRef]:
        """What the ledger has as indexed."""
        entries = self.world.ledger.entries.values()
        return sorted(entry.ref for entry in entries if entry.ref and entry.state is ObjectState.INDEXED)


async def test_what_identifies_its_patient_too_plainly_is_not_indexed() -> None:
    """The service keeps it; the ledger has the reason, and the feed goes on behind it."""
    archive = Followed()
    archive.risk = RiskPolicy(RiskLevel.LOW)
    ref = await archive.add(1)

    assert await archive.poll()

    assert archive.indexed == []
    [entry] = archive.world.ledger.entries.values()
    assert (entry.state, entry.key) == (ObjectState.REJECTED, upstream_key(ref))
    assert "De-identify it first" in entry.reason


async def test_all_that_a_feed_tells_is_indexed() -> None:
    """Page after page, empty ones among them; a second poll asks for what follows only."""
    archive = Followed()
    refs = [await archive.add(number) for number in range(1, 9)]

    assert await archive.poll()
    assert archive.indexed == sorted(refs)
    asked = len(archive.feed.asked)
    assert await archive.poll()
    assert archive.feed.asked[asked:] == ["+9"]
    assert (await archive.world.index.get(refs[0])).source is Source.EVENT


async def test_what_was_replaced_or_deleted_is_as_it_is_now() -> None:
    """Entries say which instance, and no more: the index holds what the service holds, and one entry a change."""
    archive = Followed()
    refs = [await archive.add(number) for number in range(1, 4)]
    await archive.poll()
    await archive.world.objects.put(upstream_key(refs[0]), make_file(1, StudyDescription="changed"))
    await archive.world.objects.delete(upstream_key(refs[1]))
    archive.feed.refs += [*refs, refs[1], refs[0], refs[0]]

    assert await archive.poll()

    assert archive.indexed == [refs[0], refs[2]]
    assert b"changed" in (await archive.world.index.get(refs[0])).metadata
    told = [change.action.value for change in await archive.world.feed.changes(0, 100)]
    assert sorted(told) == ["create", "create", "create", "delete", "update"]


async def test_a_case_is_that_of_the_attributes() -> None:
    """Names upstream are UIDs: no pattern of cases is held against them, however wide."""
    archive = Followed()
    archive.patterns = CasePatterns(r"(\d)", r"(\d)", r"(\d)")
    ref = await archive.add(1)
    seen = {"PatientID": "S7", "StudyDate": "20140512", "ImageLaterality": "L", "ViewPosition": "CC"}
    await archive.world.objects.put(upstream_key(ref), make_file(1, **seen))

    assert await archive.poll()

    [image] = await archive.world.cases.images_of("2014", "S7")
    assert (image.view, image.key) == ("L__CC", upstream_key(ref))
    assert len(archive.world.cases._images) == 1


async def test_replays_change_nothing() -> None:
    """A place that was lost makes the whole feed be read again, to no effect."""
    archive = Followed()
    for number in range(1, 9):
        await archive.add(number)
    await archive.poll()
    before = archive.world.state(), len(await archive.world.feed.changes(0, 100))
    for name in list(archive.world.checkpoints.rows):
        await archive.world.checkpoints.remove(name)

    assert await archive.poll()

    assert (archive.world.state(), len(await archive.world.feed.changes(0, 100))) == before


async def test_one_that_cannot_be_read_keeps_no_other() -> None:
    """It is left to the queue, and the feed goes on."""
    archive = Followed()
    refs = [await archive.add(number) for number in range(1, 9)]
    archive.failing.add(upstream_key(refs[3]).name)

    assert await archive.poll()

    assert archive.queue.refs == [refs[3]]
    assert archive.indexed == sorted({*refs} - {refs[3]})


async def test_a_poll_stops_when_its_time_is_over() -> None:
    """After a page at the latest, and the next goes on from there."""
    archive = Followed()
    for number in range(1, 9):
        await archive.add(number)

    assert not await archive.poll(seconds=0)
    assert len(archive.indexed) == PER_PAGE
    while not await archive.poll(seconds=0):
        pass
    assert len(archive.indexed) == 8


@pytest.mark.parametrize("error", [KilledError(), BackendUnavailableError("down")])
async def test_a_kill_at_any_call_ends_the_same(error: BaseException) -> None:
    """At each call of any port in turn: the next poll makes up for it, and the feed of the archive has no entry twice."""
    for calls in itertools.count():
        archive = Followed()
        for number in range(1, 6):
            await archive.add(number)
        archive.world.interrupt(calls, error)
        try:
            whole = await archive.poll()
        except (KilledError, BackendUnavailableError):
            whole = False
        archive.world.interrupt(None)
        assert await archive.poll()
        for ref in archive.queue.refs:
            await index_instance(upstream_key(ref), archive.world.index_ports)
        assert len(archive.indexed) == 5
        assert len(await archive.world.feed.changes(0, 100)) == 5
        if whole and not archive.queue.refs:
            break
    assert calls > 20


@pytest.mark.parametrize("name", ["1.2/1.3", "1.2/1.3/x", "1.2/1.3/1.4/1.5", "../1.3/1.4", ""])
def test_a_name_that_is_no_instance_names_none(name: str) -> None:
    """Keys come from clients too."""
    assert upstream_ref(ObjectKey(UPSTREAM_CONTAINER, name)) is None
    assert upstream_ref(ObjectKey("images", "1.2/1.3/1.4")) is None
