"""Spans follow what is done, cost nothing while nobody wants them, and hold no value of a patient."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import AsyncIterator, Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from shared import flows
from shared.errors import InvalidRequestError
from shared.flows.index_instance import index_instance
from shared.records import ObjectKey
from shared.telemetry import tracing
from tests.unit.flows.builders import make_file
from tests.unit.flows.world import World

PARENT = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"


class Spans:
    """What was recorded, by name."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    def all(self) -> list[ReadableSpan]:
        """Return the spans that ended, in that order."""
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> ReadableSpan:
        """Return the only span of a name."""
        [span] = [span for span in self.all() if span.name == name]
        return span

    def parent_of(self, name: str) -> str:
        """Return the name of a span's parent."""
        parent = self.named(name).parent
        [found] = [span.name for span in self.all() if parent and span.context.span_id == parent.span_id]
        return found


@pytest.fixture
def spans() -> Iterator[Spans]:
    """Record spans."""
    recorded = Spans()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(recorded.exporter))
    tracing.activate(provider.get_tracer("test"))
    yield recorded
    tracing.activate(None)


@tracing.flow
async def some_flow(store: Port) -> int:
    """Call a port twice, once to its end."""
    return len([item async for item in store.items("Doe^Jane")]) + await store.size("Doe^Jane")


@tracing.flow
async def some_items(count: int) -> AsyncIterator[int]:
    """Yield numbers."""
    for number in range(count):
        yield number


class Port:
    """A port that works, unless it is told not to."""

    error: BaseException | None = None

    async def size(self, name: str) -> int:
        """Answer, or fail with a message that names a patient."""
        if self.error is not None:
            raise self.error
        return len(name)

    async def items(self, name: str) -> AsyncIterator[str]:
        """Yield letters."""
        for letter in name:
            yield letter

    def plain(self) -> str:
        """Return at once."""
        return "plain"


async def test_a_call_is_below_what_made_it(spans: Spans) -> None:
    """The trigger's span holds the flow's, and that the ports'; the host's is above all."""
    with tracing.trigger_span("retrieve", {"traceparent": PARENT}):
        assert await some_flow(tracing.traced_port(Port(), "objects")) == 16

    assert spans.parent_of("objects.size") == spans.parent_of("objects.items") == "flow some_flow"
    assert spans.parent_of("flow some_flow") == "retrieve"
    top = spans.named("retrieve")
    assert top.kind is SpanKind.SERVER
    assert top.parent is not None
    assert f"{top.context.trace_id:032x}" == PARENT.split("-")[1]
    assert f"{top.parent.span_id:016x}" == PARENT.split("-")[2]


async def test_a_trigger_without_a_parent_begins_a_trace(spans: Spans) -> None:
    """A queue's message has no header; a header that is damaged is none."""
    with tracing.trigger_span("blob_event"):
        pass
    with tracing.trigger_span("search", {"traceparent": "Doe^Jane"}):
        pass

    assert spans.named("blob_event").kind is SpanKind.CONSUMER
    assert [span.parent for span in spans.all()] == [None, None]


async def test_an_error_is_named_and_not_quoted(spans: Spans) -> None:
    """Its type stands on every span that it went through; its message on none."""
    port = Port()
    port.error = InvalidRequestError("Doe^Jane is wrong")
    with pytest.raises(InvalidRequestError), tracing.trigger_span("store", {}):
        await some_flow(tracing.traced_port(port, "objects"))

    failed = [span for span in spans.all() if span.status.status_code is StatusCode.ERROR]
    assert [span.name for span in failed] == ["objects.size", "flow some_flow", "store"]
    assert {span.status.description for span in failed} == {"InvalidRequestError"}
    assert "Doe" not in "".join(span.to_json() for span in spans.all())


async def test_an_iterator_that_is_left_early_ends_its_span(spans: Spans) -> None:
    """And that is no error; what its reader does meanwhile is not below it."""
    items = some_items(5)
    async for number in items:
        with tracing.trigger_span("reading", {}):
            pass
        if number == 1:
            break
    await items.aclose()  # type: ignore[attr-defined]

    span = spans.named("flow some_items")
    assert span.status.status_code is StatusCode.UNSET
    assert all(one.parent is None for one in spans.all())


async def test_only_allowed_facts_are_noted(spans: Spans) -> None:
    """As in logs: the name of an attribute of a patient is refused at once."""
    with tracing.trigger_span("search", {}):
        tracing.note(status=200)
        with pytest.raises(TypeError, match="patient_name"):
            tracing.note(patient_name="x")

    assert dict(spans.named("search").attributes or {}) == {"dicom.status": 200}


async def test_nothing_is_recorded_while_it_is_off(spans: Spans) -> None:
    """Flows and ports are called as they are."""
    tracing.activate(None)
    port = tracing.traced_port(Port(), "objects")
    with tracing.trigger_span("search", {}):
        assert await some_flow(port) == 16
        assert [number async for number in some_items(2)] == [0, 1]
    assert port.plain() == "plain"
    assert await port.size("x") == 1

    assert spans.all() == []


async def test_a_patient_does_not_get_into_a_span(spans: Spans) -> None:
    """A file with a name and in a folder of that name is indexed; one is rejected."""
    world = World()
    for name, data in {"Doe^Jane/1.dcm": make_file(1, PatientName="Doe^Jane"), "Doe^Jane.txt": b"?"}.items():
        key = ObjectKey("images", name)
        world.objects.write(key, data)
        with tracing.trigger_span("blob_event"):
            await index_instance(key, world.index_ports)

    names = [span.name for span in spans.all()]
    assert names == ["flow index_instance", "blob_event"] * 2
    assert "Doe" not in "".join(span.to_json() for span in spans.all())


def test_every_flow_is_traced() -> None:
    """What is public of a module of flows and named as it is makes spans."""
    missing = []
    for module in pkgutil.iter_modules(flows.__path__):
        if module.name.startswith("_"):
            continue
        function = getattr(importlib.import_module(f"shared.flows.{module.name}"), module.name)
        is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
        if is_async or not hasattr(function, "is_traced"):
            missing.append(module.name)
    assert missing == ["read_instance"], (
        "put @flow of shared.telemetry.tracing on them; read_instance waits for nothing"
    )
