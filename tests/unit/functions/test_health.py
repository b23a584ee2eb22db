"""Health: each dependency by name, and a status that a load balancer understands."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from functions import _wiring
from shared.errors import BackendUnavailableError
from shared.services import Services
from tests.unit.functions.service import Service


@pytest.mark.parametrize("name", ["health", "health_check"])
async def test_a_dependency_that_is_down_is_named(
    service: Service, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """At both paths: 503 with the one that fails, 200 when all answer."""
    down = {"queues"}
    made = service.services

    def probe(dependency: str) -> Callable[[], Awaitable[None]]:
        async def answer() -> None:
            if dependency in down:
                raise BackendUnavailableError("no answer")

        return answer

    async def services() -> Services:
        return replace(await made(), probes={each: probe(each) for each in ("blobs", "queues")})

    monkeypatch.setattr(_wiring, "services", services)
    failing = await service.call(name, "/health")
    assert failing.status == 503
    assert failing.json == {
        "status": "degraded",
        "dependencies": {"blobs": "ok", "queues": "BackendUnavailableError: no answer"},
    }
    down.clear()
    healthy = await service.call(name, "/health")
    assert (healthy.status, healthy.json["status"]) == (200, "ok")
    assert healthy.headers["cache-control"] == "no-store"
