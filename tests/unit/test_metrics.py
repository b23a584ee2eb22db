"""What is measured of the archive's work, and that no figure is labelled with a value of a patient."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.backends.memory.queue_gauges import MemoryQueueGauges
from shared.flows.drain_poison import drain_poison
from shared.flows.index_instance import index_instance
from shared.flows.measure_queues import measure_queues
from shared.ports.queue_gauges import Waiting
from shared.records import ObjectKey
from shared.telemetry import metrics
from shared.telemetry.metered_store import MeteredStore
from tests.unit.flows.builders import make_file
from tests.unit.flows.world import World


class Figures:
    """What was measured until now."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()

    def of(self, name: str) -> dict[tuple[Any, ...], Any]:
        """Return the value of a metric, or count and sum of a histogram, by its labels' values."""
        data: Any = self.reader.get_metrics_data()
        points = [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]
        return {
            tuple(point.attributes.values()): (
                point.value if hasattr(point, "value") else (point.count, point.sum)
            )
            for point in points
        }


@pytest.fixture
def figures() -> Iterator[Figures]:
    """Measure into memory."""
    measured = Figures()
    provider = MeterProvider([measured.reader])
    metrics.activate(provider.get_meter("test"))
    yield measured
    metrics.activate(None)
    provider.shutdown()


async def test_the_lag_of_ingest_is_since_the_object_was_written(figures: Figures) -> None:
    """One more for each that was indexed; a clock that is ahead makes no negative lag."""
    metrics.indexed(datetime.now(UTC) - timedelta(seconds=90), source="event")
    metrics.indexed(datetime.now(UTC) + timedelta(seconds=90), source="event")

    [(count, total)] = figures.of("dicom.ingest.lag").values()
    assert count == 2
    assert 89 < total < 150


async def test_indexing_measures_and_rejecting_counts(figures: Figures) -> None:
    """By where objects came from, and by why they cannot be indexed; by no name of theirs."""
    world = World()
    for name, data in {"Doe^Jane.dcm": make_file(1, PatientName="Doe^Jane"), "Doe^Jane.txt": b"?"}.items():
        world.objects.write(ObjectKey("images", name), data)
        await index_instance(ObjectKey("images", name), world.index_ports)

    assert [count for count, _ in figures.of("dicom.ingest.lag").values()] == [1]
    assert list(figures.of("dicom.ingest.lag")) == [("event",)]
    assert list(figures.of("dicom.objects.rejected").values()) == [1]
    assert "Doe" not in str(figures.of("dicom.objects.rejected"))


async def test_bytes_are_counted_each_way(figures: Figures) -> None:
    """Of whole objects, streamed and by range; a write that fails counts nothing."""
    store = MeteredStore(World().objects)
    key = ObjectKey("images", "a")

    async def body() -> AsyncIterator[bytes]:
        yield b"abc"
        yield b"defg"

    async def broken() -> AsyncIterator[bytes]:
        yield b"abc"
        raise ValueError("the client left")

    await store.put(key, b"1234567890")
    await store.put(key, body())
    with pytest.raises(ValueError, match="the client left"):
        await store.put(key, broken())
    assert (await store.read_range(key, 1, 3)).data == b"bc"
    assert b"".join([chunk async for chunk in store.stream(key)]) == b"abcdefg"

    assert figures.of("dicom.storage.bytes") == {("written",): 17, ("read",): 9}


async def test_queues_are_measured_one_by_one(figures: Figures) -> None:
    """How much waits, and how long the first has."""
    queues = MemoryQueueGauges()
    queues.found = [Waiting("blob-events", 12, 30.5), Waiting("blob-events-poison", 0, 0)]
    await measure_queues(queues)

    assert figures.of("dicom.queue.messages") == {("blob-events",): 12, ("blob-events-poison",): 0}
    assert figures.of("dicom.queue.age") == {("blob-events",): 30.5, ("blob-events-poison",): 0}


async def test_what_was_given_up_is_counted(figures: Figures) -> None:
    """Done after all, or kept."""
    world = World()
    for content in (b"good", b"bad", b"bad"):
        world.poison.give_up("blob-events", content)

    async def handle(content: bytes, message_id: str) -> str:
        return "" if content == b"good" else "why"

    await drain_poison(
        {"blob-events": handle},
        poison=world.poison,
        objects=world.objects,
        rejected_container="rejected",
        seconds=10,
    )

    assert figures.of("dicom.poison") == {("done",): 1, ("kept",): 2}


async def test_a_pass_says_what_differed_and_what_no_more(figures: Figures) -> None:
    """A kind that differs no more is set to nothing, so that an alert ends."""
    metrics.drift("new", 7)
    metrics.drift("new", 0)

    assert figures.of("dicom.drift") == {("new",): 0}
