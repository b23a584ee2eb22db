"""Making the services."""

from types import SimpleNamespace
from typing import Any

import pytest

from shared.errors import BackendUnavailableError
from shared.services import services
from shared.settings.settings import Settings


async def test_services_that_cannot_be_made_leave_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables that do not answer are asked again at every request, so no connection may stay behind."""
    closed: list[str] = []

    def client(name: str) -> SimpleNamespace:
        async def close() -> None:
            closed.append(name)

        return SimpleNamespace(close=close, get_queue_client=lambda _: None, get_table_client=lambda _: None)

    async def no_answer(*_: Any, **__: Any) -> None:
        raise BackendUnavailableError("table checkpoints: no answer")

    names = ["blobs", "blob requests", "queues", "reports", "tables"]
    monkeypatch.setattr(services, "azure_clients", lambda _: [client(name) for name in names])
    monkeypatch.setattr("shared.backends.azure_table.archive.build_archive", no_answer)

    with pytest.raises(BackendUnavailableError):
        await services.build(Settings())

    assert names == closed
