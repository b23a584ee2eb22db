"""What the worker keeps of a finished request."""

import asyncio
import sys
from collections.abc import Iterator

import pytest
from azure_functions_runtime import http_v2, version
from azure_functions_runtime.http_v2 import http_coordinator

from functions._worker_memory import LEAKING_VERSION, release_finished_requests


@pytest.fixture(autouse=True)
def coordinator_as_shipped() -> Iterator[None]:
    """Undo the release after each test, for the coordinator is one per process."""
    yield
    http_coordinator.__dict__.pop("_pop_http_response", None)
    http_coordinator._context_references.clear()


async def serve_one_request(invocation_id: str) -> object:
    """Do what the worker does for one request, by the coordinator's own methods."""
    http_coordinator.set_http_request(invocation_id, "request")
    await http_coordinator.get_http_request_async(invocation_id)
    answer = asyncio.ensure_future(http_coordinator.await_http_response_async(invocation_id))
    http_coordinator.set_http_response(invocation_id, f"response {invocation_id}")
    return await answer


async def test_the_runtime_as_shipped_keeps_every_request() -> None:
    """The reason for all this: if this fails, the runtime was mended and the module can go."""
    await serve_one_request("a")
    assert list(http_coordinator._context_references) == ["a"]


async def test_a_finished_request_is_forgotten_and_its_response_is_the_right_one() -> None:
    """Nothing is left, also after many requests at once."""
    assert release_finished_requests()
    names = [str(number) for number in range(50)]
    answers = await asyncio.gather(*(serve_one_request(name) for name in names))
    assert [f"response {name}" for name in names] == answers
    assert http_coordinator._context_references == {}


def test_another_version_of_the_runtime_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not known is not patched."""
    monkeypatch.setattr(version, "VERSION", "9.9.9")
    assert not release_finished_requests()
    assert "_pop_http_response" not in vars(http_coordinator)


def test_without_a_worker_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing the app needs no worker."""
    monkeypatch.delitem(sys.modules, http_v2.__name__)
    assert not release_finished_requests()


def test_the_pinned_runtime_is_the_one_this_is_written_for() -> None:
    """A new pin must come with a look at whether the leak is still there."""
    assert version.VERSION == LEAKING_VERSION
