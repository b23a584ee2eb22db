"""Every port that the services hold makes spans, also those within others and those that are opened later."""

from collections.abc import AsyncIterator
from dataclasses import fields, replace
from typing import Any

import pytest
import pytest_asyncio

from shared.backends.azure_table.tables import Tables
from shared.services.partner import Sending
from shared.services.services import Services, build
from shared.services.traced import GROUPS, NOT_PORTS, traced_services
from shared.services.upstream import Upstream
from shared.settings.settings import Settings
from shared.telemetry.tracing import _TracedPort

_ACCOUNT = {
    "DicomStorage": "UseDevelopmentStorage=true",
    "DICOM_UPSTREAM_URL": "http://127.0.0.1:9",
    "DICOM_UPSTREAM_KIND": "orthanc",
    "DICOM_ELASTICSEARCH_URL": "http://127.0.0.1:9",
    "DICOM_IMPORT_LOOPBACK": "true",
    "DICOM_IMPORT_SOURCES": '{"old": {"kind": "orthanc", "url": "https://127.0.0.1:9", "username": "u", "password": "p"}}',
    **{
        f"{letter}_{word}": f"http://127.0.0.1:9/{letter}"
        for letter in ("MD", "U", "A")
        for word in ("URL", "KEY")
    },
}


@pytest_asyncio.fixture
async def services(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    """Give services with everything set, of which none is asked."""

    async def secret(*_: Any, **__: Any) -> dict[str, str]:
        return {"secret": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}

    monkeypatch.setattr(Tables, "get", secret)
    for name, value in _ACCOUNT.items():
        monkeypatch.setenv(name, value)
    made = await build(Settings())
    yield made
    await made.close()


async def test_each_port_is_traced(services: Services) -> None:
    """With an upstream service, a partner and a search engine no field is left out."""
    traced = traced_services(services)

    for one in fields(Services):
        if one.name in NOT_PORTS - {"objects"}:
            assert getattr(traced, one.name) is getattr(services, one.name)
        elif one.name in GROUPS:
            for part in GROUPS[one.name]:
                assert isinstance(getattr(getattr(traced, one.name), part), _TracedPort), part
        elif one.name != "import_sources":
            assert isinstance(getattr(traced, one.name), _TracedPort), one.name
    assert isinstance(traced.import_sources.source("old"), _TracedPort)
    assert traced.import_sources.slots is services.import_sources.slots
    assert traced.sending.slots is services.sending.slots


def test_groups_name_all_that_they_hold() -> None:
    """A port that is added to one of them is traced too; places of work are none."""
    for name, kind in {"sending": Sending, "upstream": Upstream}.items():
        assert {one.name for one in fields(kind)} - {"slots", "over"} == set(GROUPS[name])


async def test_what_is_not_there_stays_away(services: Services) -> None:
    """Without an upstream service, a partner or a search engine there is nothing to trace."""
    bare = replace(services, upstream=None, engine=None, sending=replace(services.sending, partner=None))
    traced = traced_services(bare)

    assert (traced.upstream, traced.engine, traced.sending.partner) == (None, None, None)
