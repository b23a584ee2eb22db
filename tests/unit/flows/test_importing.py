"""Importing from a source in memory: nothing is lost, nothing twice, and what fails is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from shared.backends.memory.import_source import MemoryImportSource
from shared.backends.memory.jobs import MemoryWorkQueue
from shared.dicom.references import InstanceRef
from shared.dicom.risk.rules import RiskLevel
from shared.errors import (
    InvalidRequestError,
    ObjectExistsError,
    SourceRefusedError,
    SourceUnavailableError,
)
from shared.flows._import_order import ImportOrder, ImportPorts
from shared.flows._risk_policy import RiskPolicy
from shared.flows.discover_import import discover_import
from shared.flows.give_up_import import give_up_import
from shared.flows.import_study import import_study
from shared.flows.list_imported import list_imported
from shared.flows.resume_import import resume_import
from shared.flows.start_import import start_import
from shared.flows.store_instances import StoreRequest
from shared.ports.imports import ImportFilter, SourceInstance
from shared.ports.jobs import ItemState
from shared.records import ObjectKey
from tests.instances import a_dataset, an_instance, part10, uids
from tests.unit.flows.world import KilledError, World

HOUR = 3600.0


def listed(
    study: int, instance: int, content: bytes, *, with_size: bool = True
) -> tuple[SourceInstance, bytes]:
    """Return an instance as a source lists it, and its bytes."""
    ref = InstanceRef(*uids(study, 1, instance))
    return SourceInstance(f"{study}-{instance}", ref, len(content) if with_size else None), content


def a_source(studies: int = 3, instances: int = 2, **options: Any) -> MemoryImportSource:
    """Return a source of small studies."""
    return MemoryImportSource(
        {
            uids(study)[0]: [
                listed(study, number, an_instance(study, 1, number)) for number in range(1, instances + 1)
            ]
            for study in range(1, studies + 1)
        },
        **options,
    )


class Messages(MemoryWorkQueue):
    """A queue that keeps the order of all its messages; number 0 is of the job itself."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[str, int]] = []

    async def send(self, job_id: str, item: int = 0) -> None:
        """Keep a message."""
        await super().send(job_id, item)
        self.messages.append((job_id, item))


class Importing:
    """An import on its way: messages are delivered by hand."""

    def __init__(self, source: MemoryImportSource, world: World | None = None) -> None:
        self.world = world or World()
        self.source = source
        self.job_id = ""
        self.queue = Messages()
        self.risk = RiskPolicy()
        self.slots = asyncio.Semaphore(4)

    @property
    def ports(self) -> ImportPorts:
        """What the flows take."""
        world = self.world
        return ImportPorts(
            jobs=world.port(world.jobs),
            work=world.port(self.queue),
            objects=world.port(world.objects),
            checkpoints=world.port(world.checkpoints),
            store=replace(world.store_ports, risk=self.risk),
            request=StoreRequest(service_url=""),
            source=self.source,
            derived_container="derived",
            concurrency=3,
            slots=self.slots,
        )

    async def start(self, **asked: Any) -> None:
        """Begin it."""
        ports = self.ports
        job = await start_import(
            ImportOrder(source="main", **asked),
            partition="default",
            jobs=ports.jobs,
            work=ports.work,
            objects=ports.objects,
            checkpoints=ports.checkpoints,
        )
        self.job_id = job.job_id

    async def deliver(self, message: tuple[str, int], seconds: float = HOUR) -> None:
        """Deliver one message."""
        job_id, number = message
        if number:
            await import_study(job_id, number, self.ports, seconds=seconds)
        else:
            await discover_import(job_id, self.ports, seconds=seconds)

    async def work(self, seconds: float = HOUR) -> None:
        """Deliver messages until there are none."""
        queue = self.queue.messages
        while queue:
            await self.deliver(queue.pop(0), seconds)

    async def phase(self) -> str:
        """Return how far the job is."""
        return (await self.world.jobs.get(self.job_id)).phase

    async def manifest(self) -> list[dict[str, Any]]:
        """Return what is told of each instance."""
        job = await self.world.jobs.get(self.job_id)
        lines = b"".join(
            [part async for part in list_imported(job, objects=self.world.objects, container="derived")]
        )
        return [orjson.loads(line) for line in lines.splitlines()]

    def archived(self) -> dict[str, bytes]:
        """Return the archive's objects by name."""
        found = self.world.objects.objects
        return {key.name: held.data for key, held in found.items() if key.container == "archive"}

    async def items(self) -> list[Any]:
        """Return the items of the job."""
        return [item async for item in self.world.jobs.items(self.job_id)]


async def test_every_instance_is_stored_once() -> None:
    """Each is in the archive with its bytes, in the manifest with its digest, and was fetched once."""
    run = Importing(a_source())
    await run.start()
    await run.work()

    assert await run.phase() == "done"
    contents = sorted(content for held in run.source.studies.values() for _, content in held)
    assert sorted(run.archived().values()) == contents
    assert sorted(run.source.fetched) == ["1-1", "1-2", "2-1", "2-2", "3-1", "3-2"]
    manifest = await run.manifest()
    assert {entry["state"] for entry in manifest} == {"stored"}
    assert all(len(entry["sha256"]) == 64 and entry["size"] for entry in manifest)


@pytest.mark.parametrize("size", [0, 600_000])
@pytest.mark.parametrize("container", ["", "images"])
async def test_what_identifies_its_patient_too_plainly_is_not_imported(container: str, size: int) -> None:
    """Into the archive or a container, small or large: it fails with the reason, no value; other instances come in."""
    plain = {"PatientName": "", "PatientID": "", "AccessionNumber": "", "ImageType": ["ORIGINAL", "PRIMARY"]}
    files = [
        an_instance(1, 1, 1, size=size, PatientName="Doe^Jane"),
        an_instance(1, 1, 2, size=size, **plain),
    ]
    source = MemoryImportSource(
        {uids(1)[0]: [listed(1, number, data) for number, data in enumerate(files, 1)]}
    )
    run = Importing(source)
    run.risk = RiskPolicy(RiskLevel.HIGH, quarantine="quarantine")
    await run.start(container=container)
    await run.work()

    told = {entry["sourceId"]: entry for entry in await run.manifest()}
    assert (told["1-1"]["state"], told["1-2"]["state"]) == ("failed", "stored")
    assert "De-identify it first" in told["1-1"]["error"]
    assert b"Doe" not in orjson.dumps(told)
    held = [(key.container, stored.data) for key, stored in run.world.objects.objects.items()]
    assert (container or "archive", files[1]) in held
    assert [place for place, data in held if data == files[0]] == ([] if container else ["quarantine"])


async def test_what_is_there_is_not_fetched() -> None:
    """A second import of the same source fetches nothing; one with other bytes is fetched and told."""
    first = Importing(a_source())
    await first.start()
    await first.work()
    source = a_source()
    other = an_instance(1, 1, 1, size=5000)
    source.studies[uids(1)[0]] = [listed(1, 1, other), *source.studies[uids(1)[0]][1:]]
    second = Importing(source, first.world)
    await second.start()
    await second.work()

    assert source.fetched == ["1-1"]
    failed = [entry for entry in await second.manifest() if entry["state"] == "failed"]
    assert [(entry["sourceId"], "other bytes" in entry["error"]) for entry in failed] == [("1-1", True)]
    assert [item.state for item in await second.items()] == [
        ItemState.FAILED,
        ItemState.DONE,
        ItemState.DONE,
    ]
    assert await second.phase() == "done"


@pytest.mark.parametrize("flat", [False, True])
async def test_a_kill_at_any_moment_loses_nothing(flat: bool) -> None:  # noqa: FBT001
    """Whatever call of a port is the last one, the message is delivered again, and the outcome is the same."""
    asked = {"container": "research", "prefix": "set/"} if flat else {}
    expected = Importing(a_source(2, 2))
    await expected.start(**asked)
    await expected.work()
    wanted = contents_of(expected, flat=flat)
    calls = 0
    while True:
        run = Importing(a_source(2, 2))
        await run.start(**asked)
        run.world.interrupt(calls)
        killed = False
        queue = run.queue.messages
        while queue:
            message = queue[0]
            try:
                await run.deliver(message)
            except KilledError:
                killed = True
                run.world.interrupt(None)
                continue
            queue.remove(message)
        assert await run.phase() == "done", calls
        assert contents_of(run, flat=flat) == wanted, calls
        if not killed:
            break
        calls += 1
    assert calls > 20


def contents_of(run: Importing, *, flat: bool) -> dict[str, bytes]:
    """Return what an import wrote; the order in which a manifest was written is no matter."""
    container = "research" if flat else "archive"
    return {
        key.name: held.data
        for key, held in run.world.objects.objects.items()
        if key.container == container and not key.name.endswith("jsonl")
    }


async def test_the_deadline_is_kept_and_nothing_is_fetched_twice() -> None:
    """With no time at all a message still gets on: each goes on where the one before ended."""
    source = a_source(1, 1)
    study = uids(1)[0]
    source.studies[study] = [listed(1, number, an_instance(1, 1, number)) for number in range(1, 201)]
    run = Importing(source)
    await run.start()
    await run.deliver(run.queue.messages.pop(0))
    clock = iter(range(10_000))
    deliveries = 0
    while run.queue.messages:
        message = run.queue.messages.pop(0)
        deliveries += 1
        await run.deliver(message, seconds=0.02 if next(clock) < 5 else HOUR)

    assert len(run.archived()) == 200
    assert len(source.fetched) == len(set(source.fetched)) == 200


class Failing(MemoryImportSource):
    """A source of which some instances fail."""

    def __init__(self, source: MemoryImportSource, failing: dict[str, Exception]) -> None:
        super().__init__(source.studies)
        self.failing = failing

    async def fetch(self, instance: SourceInstance) -> AsyncIterator[bytes]:
        """Yield the bytes, or raise."""
        if instance.source_id in self.failing:
            self.fetched.append(instance.source_id)
            raise self.failing[instance.source_id]
        async for piece in super().fetch(instance):
            yield piece


async def test_one_failure_stops_nothing_and_can_be_tried_again() -> None:
    """The rest is imported, the failures are listed, and resuming fetches only them."""
    failing: dict[str, Exception] = {
        "1-2": SourceUnavailableError("the source answered 503"),
        "3-1": SourceRefusedError("the source answered 404"),
    }
    source = Failing(a_source(), failing)
    run = Importing(source)
    await run.start()
    await run.work()

    assert await run.phase() == "done"
    failed = {
        entry["sourceId"]: entry["error"] for entry in await run.manifest() if entry["state"] == "failed"
    }
    assert failed == {"1-2": "the source answered 503", "3-1": "the source answered 404"}
    assert len(run.archived()) == 4
    assert (await run.items())[0].error.startswith("1 of 2 instances failed")
    source.failing = {}
    source.fetched = []
    await resume_import(run.job_id, run.ports)
    await run.work()

    assert sorted(set(source.fetched)) == ["1-2", "3-1"]
    assert await run.phase() == "done"
    assert {entry["state"] for entry in await run.manifest()} <= {"stored", "present"}
    assert [item.state for item in await run.items()] == [ItemState.DONE] * 3


async def test_what_is_no_dicom_or_cut_short_is_not_stored() -> None:
    """Bytes that are no DICOM, or fewer than the source said, fail by themselves."""
    good = an_instance(1, 1, 3)
    study = uids(1)[0]
    source = MemoryImportSource(
        {
            study: [
                listed(1, 1, b"<html>login</html>"),
                (listed(1, 2, an_instance(1, 1, 2))[0], an_instance(1, 1, 2)[:-20]),
                listed(1, 3, good),
            ]
        }
    )
    run = Importing(source)
    await run.start()
    await run.work()

    assert list(run.archived().values()) == [good]
    failed = {
        entry["sourceId"]: entry["error"] for entry in await run.manifest() if entry["state"] == "failed"
    }
    assert failed.keys() == {"1-1", "1-2"}
    assert "Not a DICOM file" in failed["1-1"]


async def test_another_instance_than_asked_for_is_told() -> None:
    """It is stored, since it is whole, and the manifest says that its ids differ."""
    source = MemoryImportSource({uids(1)[0]: [listed(1, 1, an_instance(1, 1, 7), with_size=False)]})
    run = Importing(source)
    await run.start()
    await run.work()

    [entry] = await run.manifest()
    assert (entry["state"], entry["sopInstanceUid"]) == ("stored", uids(1, 1, 7)[2])
    assert "not those it was asked for" in entry["mismatch"]
    assert (await run.items())[0].counts["mismatched"] == 1


async def test_flat_files_are_numbered_in_the_order_of_the_list() -> None:
    """They begin at 10000001, the same instance listed twice is one, and a manifest lies beside them."""
    source = a_source(3, 2)
    first = source.studies[uids(1)[0]]
    source.studies[uids(2)[0]] = [first[0], *source.studies[uids(2)[0]]]
    run = Importing(source)
    await run.start(container="research", prefix="set/")
    await run.work()

    flat = contents_of(run, flat=True)
    assert list(flat) == [f"set/{number}.dcm" for number in range(10_000_001, 10_000_007)] or sorted(
        flat
    ) == [f"set/{number}.dcm" for number in range(10_000_001, 10_000_007)]
    assert flat["set/10000001.dcm"] == first[0][1]
    assert flat["set/10000003.dcm"] == source.studies[uids(2)[0]][1][1]
    assert sorted(source.fetched) == ["1-1", "1-2", "2-1", "2-2", "3-1", "3-2"]
    beside = run.world.objects.objects[ObjectKey("research", "set/manifest.jsonl")].data
    assert [orjson.loads(line)["file"] for line in beside.splitlines()] == [
        f"{number}.dcm" for number in range(10_000_001, 10_000_007)
    ]
    with pytest.raises(ObjectExistsError, match="empty place"):
        await run.start(container="research", prefix="set/")


async def test_an_unreadable_list_of_a_study_fails_that_study() -> None:
    """The others are numbered and imported; resuming lists it once more and gives it the next numbers."""
    source = a_source(3, 2)
    broken = source.studies.pop(uids(2)[0])
    source.studies = {uids(1)[0]: source.studies[uids(1)[0]], uids(2)[0]: broken, **source.studies}
    run = Importing(source)
    listing = source.instances
    lost = {uids(2)[0]}

    async def instances(study: str) -> AsyncIterator[SourceInstance]:
        if study in lost:
            raise SourceRefusedError("the source answered what is no JSON")
        async for instance in listing(study):
            yield instance

    source.instances = instances  # type: ignore[method-assign]
    await run.start(container="research", prefix="set/")
    await run.work()

    assert [item.state.value for item in await run.items()] == ["done", "failed", "done"]
    assert (await run.phase(), len(contents_of(run, flat=True))) == ("done", 4)
    lost.clear()
    await resume_import(run.job_id, run.ports)
    await run.work()

    assert [item.state.value for item in await run.items()] == ["done"] * 3
    flat = contents_of(run, flat=True)
    assert flat["set/10000005.dcm"] == broken[0][1]
    assert len(flat) == 6


async def test_incremental_imports_begin_where_the_last_one_ended() -> None:
    """Nothing is asked for twice; what may succeed another time holds the place."""
    source = Failing(a_source(2, 1), {})
    run = Importing(source)
    await run.start(incremental=True)
    await run.work()
    assert source.fetched == ["1-1", "2-1"]
    source.studies |= {uids(study)[0]: [listed(study, 1, an_instance(study))] for study in (3, 4, 5)}
    source.failing = {"4-1": SourceUnavailableError("the source answered 503")}
    source.fetched = []
    again = Importing(source, run.world)
    await again.start(incremental=True)
    await again.work()

    assert sorted(set(source.fetched)) == ["3-1", "4-1", "5-1"]
    source.failing, source.fetched = {}, []
    third = Importing(source, run.world)
    await third.start(incremental=True)
    await third.work()

    assert source.fetched == ["4-1"]
    assert len(third.archived()) == 5


async def test_an_empty_source_is_imported_at_once() -> None:
    """No study, and no instance in a study, are no failures."""
    for source in (MemoryImportSource({}), MemoryImportSource({uids(1)[0]: []})):
        run = Importing(source)
        await run.start()
        await run.work()
        assert (await run.phase(), await run.manifest()) == ("done", [])


async def test_what_is_given_up_is_told_and_can_be_resumed() -> None:
    """A study whose messages went to poison fails, the job ends, and resuming imports it."""
    run = Importing(a_source())
    await run.start()
    await run.deliver(run.queue.messages.pop(0))
    poisoned = run.queue.messages.pop(1)
    await run.work()
    assert await run.phase() == "running"
    await give_up_import(*poisoned, run.ports)

    assert await run.phase() == "done"
    assert "given up" in (await run.items())[1].error
    await resume_import(run.job_id, run.ports)
    await run.work()
    assert (await run.phase(), len(run.archived())) == ("done", 6)


async def test_what_gets_on_is_not_given_up() -> None:
    """A study whose attempts ended early, but not in vain, is worked on again; then it is given up."""
    source = a_source(1, 1)
    study = uids(1)[0]
    source.studies[study] = [listed(1, number, an_instance(1, 1, number)) for number in range(1, 101)]
    run = Importing(source)
    await run.start()
    await run.deliver(run.queue.messages.pop(0))
    [message] = run.queue.messages
    counted = 0

    async def instances(study: str) -> AsyncIterator[SourceInstance]:
        nonlocal counted
        for instance, _content in source.studies[study]:
            counted += 1
            if counted > 80:
                raise SourceUnavailableError("it does not answer")
            yield instance

    source.instances = instances  # type: ignore[method-assign]
    with pytest.raises(SourceUnavailableError):
        await run.deliver(message)
    run.queue.messages.clear()
    await give_up_import(*message, run.ports)
    assert run.queue.messages == [message]
    await give_up_import(*message, run.ports)
    assert await run.phase() == "done"
    assert "given up" in (await run.items())[0].error
    assert len(run.archived()) == 8 + 16 + 32


class Slow(MemoryImportSource):
    """A source that waits for all that may be under way, and counts them."""

    most = 0
    now = 0

    async def fetch(self, instance: SourceInstance) -> AsyncIterator[bytes]:
        """Yield the bytes after a while."""
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(20):
            await asyncio.sleep(0)
        self.now -= 1
        async for piece in super().fetch(instance):
            yield piece


async def test_only_so_many_are_under_way_whatever_fails() -> None:
    """Of all studies together; afterwards every place is free again, and the source was asked for several at a time."""
    source = Slow(a_source(6, 9).studies)
    for study, odd in ((1, (SourceInstance("absent"), b"")), (2, listed(2, 1, b"no DICOM"))):
        source.studies[uids(study)[0]] = [odd, *source.studies[uids(study)[0]][1:]]
    run = Importing(source)
    await run.start()
    await run.deliver(run.queue.messages.pop(0))
    messages, run.queue.messages = run.queue.messages, []
    await asyncio.gather(*(run.deliver(message) for message in messages[:-1]))
    await run.deliver(messages[-1])

    assert source.most == 4
    assert (await run.phase(), len(run.archived())) == ("done", 6 * 9 - 2)
    assert run.slots._value == 4


class Breaking(MemoryImportSource):
    """A source whose instances come in pieces, and break off so often behind the first."""

    breaks = 0

    async def fetch(self, instance: SourceInstance) -> AsyncIterator[bytes]:
        """Yield 4 MiB and the rest."""
        content = b"".join([piece async for piece in super().fetch(instance)])
        yield content[: 4 << 20]
        if self.breaks and len(content) > 4 << 20:
            self.breaks -= 1
            raise SourceUnavailableError("the source breaks off")
        yield content[4 << 20 :]


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("breaks", [0, 2, 9])
async def test_large_instances_are_streamed_and_appear_whole_or_not_at_all(
    *, flat: bool, breaks: int
) -> None:
    """One that breaks off leaves nothing, is fetched again a few times by itself, and then when the import is resumed."""
    pixels = {"Rows": 2048, "Columns": 3072, "PixelData": bytes(2048 * 3072)}
    large, small = part10(a_dataset(1, 1, 1, **pixels)), an_instance(1, 1, 2)
    source = Breaking({uids(1)[0]: [listed(1, 1, large), listed(1, 2, small)]})
    source.breaks = breaks
    run = Importing(source)
    await run.start(**({"container": "research"} if flat else {}))
    await run.work()

    stored = sorted(contents_of(run, flat=flat).values(), key=len)
    if breaks == 9:
        assert [one for one in stored if one != small] == []
        source.breaks = 0
        await resume_import(run.job_id, run.ports)
        await run.work()
        stored = sorted(contents_of(run, flat=flat).values(), key=len)
    assert stored == [small, large]
    assert [entry["state"] for entry in await run.manifest()] == ["stored", "stored"]
    assert run.slots._value == 4


async def test_orders_that_contradict_themselves_are_refused() -> None:
    """Incremental with a filter, with a flat layout; since without incremental."""
    run = Importing(a_source())
    orders: list[dict[str, Any]] = [
        {"incremental": True, "wanted": ImportFilter(modality="CT")},
        {"incremental": True, "container": "research"},
        {"since": "0"},
    ]
    for asked in orders:
        with pytest.raises(InvalidRequestError):
            await run.start(**asked)


async def test_a_source_that_refuses_fails_the_job() -> None:
    """The job says why, and resuming begins again."""
    source = a_source()
    discover = source.discover

    async def refuse(wanted: ImportFilter, after: str = "") -> Any:
        raise SourceRefusedError("the source answered 401")

    source.discover = refuse  # type: ignore[method-assign]
    run = Importing(source)
    await run.start()
    await run.work()
    job = await run.world.jobs.get(run.job_id)
    assert (job.phase, job.error) == ("failed", "the source answered 401")
    source.discover = discover  # type: ignore[method-assign]
    await resume_import(run.job_id, run.ports)
    await run.work()
    assert (await run.phase(), len(run.archived())) == ("done", 6)
