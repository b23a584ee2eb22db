"""Spans: what was done for how long, as a child of what asked for it. They hold no value of a patient.

Until `activate` was called, which exporting does (export.py), nothing is recorded and flows and ports are
called as they are. Facts are those of telemetry.FIELDS; of an error its type is kept, for its message may name more.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, cast

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from shared.telemetry.events import check_facts

NAME: Final = "dicom-functions"
"""Of the instrumentation: under it exporters show spans and metrics."""


class _Switch:
    tracer: Tracer | None = None


def activate(tracer: Tracer | None) -> None:
    """Make spans by *tracer* from now on, or none.

    It is no global one: the web framework would find that, and write URLs with their queries into spans of its own.
    """
    _Switch.tracer = tracer


def is_active() -> bool:
    """Tell whether spans are made."""
    return _Switch.tracer is not None


@contextmanager
def trigger_span(name: str, headers: Mapping[str, str] | None = None) -> Iterator[None]:
    """Make a span of a call of the trigger *name*, below the host's own where the worker or *headers* name it.

    Source: W3C Trace Context, §3.2 (traceparent)
    """
    tracer = _Switch.tracer
    if tracer is None:
        yield
        return
    parent = None
    if not trace.get_current_span().get_span_context().is_valid and headers is not None:
        sent = {key: headers[key] for key in ("traceparent", "tracestate") if key in headers}
        parent = propagate.extract(sent)
    kind = SpanKind.CONSUMER if headers is None else SpanKind.SERVER
    with (
        tracer.start_as_current_span(
            name, context=parent, kind=kind, record_exception=False, set_status_on_exception=False
        ) as span,
        _noting_errors(span),
    ):
        yield


def note(**facts: Any) -> None:
    """Put *facts* on the span at hand, if there is one.

    Raises:
        TypeError: One is not in telemetry.FIELDS.
    """
    check_facts(facts)
    if _Switch.tracer is not None:
        trace.get_current_span().set_attributes({f"dicom.{name}": value for name, value in facts.items()})


def flow[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Make a span of each call of a flow."""
    return _traced(f"flow {function.__name__}", function)


def traced_port[T](port: T, name: str) -> T:
    """Return *port* so that each call of it makes a span called *name* and the method."""
    return cast("T", _TracedPort(port, name))


class _TracedPort:
    def __init__(self, port: Any, name: str) -> None:
        self._port = port
        self._name = name

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)
        if callable(found):
            found = _traced(f"{self._name}.{method}", found)
            # Found here from now on.
            self.__dict__[method] = found
        return found


def _traced[**P, R](name: str, function: Callable[P, R]) -> Callable[P, R]:
    step: Callable[[Tracer, str, Any], Any]
    untyped: Any = function
    if inspect.iscoroutinefunction(untyped):
        step = _awaited
    elif inspect.isasyncgenfunction(untyped):
        step = _iterated
    else:
        return function

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        made = function(*args, **kwargs)
        tracer = _Switch.tracer
        return made if tracer is None else cast("R", step(tracer, name, made))

    call.__dict__["is_traced"] = True
    return call


async def _awaited(tracer: Tracer, name: str, made: Any) -> Any:
    with (
        tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span,
        _noting_errors(span),
    ):
        return await made


async def _iterated(tracer: Tracer, name: str, made: Any) -> AsyncIterator[Any]:
    """Yield what *made* yields. The span is the current one while *made* works, and not while its reader does."""
    span = tracer.start_span(name)
    try:
        with _noting_errors(span):
            while True:
                with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                    try:
                        item = await anext(made)
                    except StopAsyncIteration:
                        return
                yield item
    finally:
        await made.aclose()
        span.end()


@contextmanager
def _noting_errors(span: Span) -> Iterator[None]:
    try:
        yield
    except GeneratorExit:
        raise  # the reader has had enough
    except BaseException as error:
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
