"""Health: each dependency by name, and a status that a load balancer understands."""

import pytest

from functions import _wiring
from tests.unit.functions.service import Service


@pytest.mark.parametrize("name", ["health", "health_check"])
async def test_a_dependency_that_is_down_is_named(
    service: Service, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """H01: at both paths 503 with the one that fails, 200 when all answer."""
    told = {"container images": "ok", "table report": "no such table"}

    async def connections() -> dict[str, str]:
        return told

    monkeypatch.setattr(_wiring, "connections", connections)
    failing = await service.call(name, "/health")
    assert failing.status == 503
    assert failing.json == {"status": "degraded", "dependencies": told}
    told["table report"] = "ok"
    healthy = await service.call(name, "/health")
    assert (healthy.status, healthy.json["status"]) == (200, "ok")
    assert healthy.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["search index", "upstream service"])
async def test_without_another_service_the_app_stays_in_rotation(
    service: Service, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It is told of as degraded, with 200: what the app does by itself goes on."""

    async def connections() -> dict[str, str]:
        return {"container images": "ok", name: "unreachable"}

    monkeypatch.setattr(_wiring, "connections", connections)
    answer = await service.call("health_check", "/health")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert answer.json["dependencies"][name] == "unreachable"
