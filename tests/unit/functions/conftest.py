"""Put an archive in memory behind the handlers."""

import pytest

from functions import _wiring
from tests.unit.functions.service import Service


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """Return an empty archive that the handlers work on."""
    made = Service()
    monkeypatch.setattr(_wiring, "services", made.services)
    return made
