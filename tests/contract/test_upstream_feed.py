"""The feeds of upstream services keep their contract: of Azure's as it is documented, with its gaps, replays and errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from shared.backends.upstream.address import address_of
from shared.backends.upstream.azure_feed import AzureFeedV1, AzureFeedV2
from shared.backends.upstream.http import UpstreamHttp
from shared.backends.upstream.login import login_of
from shared.errors import BadUpstreamAnswerError, UpstreamLoginError, UpstreamUnavailableError
from shared.ports.upstream import UpstreamFeed
from shared.settings.settings import Settings
from tests.contract.azure_feed_server import AzureFeedServer, azure_feed_server
from tests.contract.upstream_feed import OpenService, UpstreamFeedContract, read, ref

pytestmark = pytest.mark.host

SAME = "2024-02-29T10:15:00.7654321Z"


@dataclass
class AzureService:
    """The documented service, read by one version of its API."""

    server: AzureFeedServer
    http: UpstreamHttp
    settings: Settings
    study: int = 1
    gap: int = 0
    time: str = ""

    async def store(self, *numbers: int) -> None:
        """Add entries."""
        for number in numbers:
            self.server.add(ref(self, number), gap=self.gap, time=self.time)

    def feed(self, limit: int) -> UpstreamFeed:
        """Return the feed."""
        address = address_of(self.settings)
        kind = AzureFeedV1 if address.version == "v1" else AzureFeedV2
        return kind(self.http, address, limit)


@pytest_asyncio.fixture(params=["v1", "v2"])
async def azure(request: pytest.FixtureRequest) -> AsyncIterator[AzureService]:
    """Give the service in both versions."""
    async with azure_feed_server() as server:
        settings = Settings.model_validate(
            {"upstream_url": server.url, "upstream_kind": "azure", "upstream_version": request.param}
        )
        http = UpstreamHttp(settings, login_of(settings))
        yield AzureService(server, http, settings)
        await http.close()


class _OfAzure(UpstreamFeedContract):
    gap = 0
    time = ""

    @pytest.fixture
    def open_service(self, azure: AzureService) -> OpenService:
        azure.gap, azure.time = self.gap, self.time

        async def opened() -> AzureService:
            return azure

        return opened


class TestAzureFeed(_OfAzure):
    """Entries without gaps."""


class TestAzureFeedWithGaps(_OfAzure):
    """Sequences that no entry has, more of them than a page holds."""

    gap = 7


class TestAzureFeedOfOneTime(_OfAzure):
    """All entries at one time."""

    time = SAME


async def test_an_empty_page_is_not_the_end_of_v1(azure: AzureService) -> None:
    """A gap of 1,000 sequences is passed over in spans, and what lies behind it is found."""
    azure.server.add(ref(azure, 1))
    azure.server.add(ref(azure, 2), gap=1000)

    refs, _ = await read(azure.feed(100), "")

    assert refs == [ref(azure, 1), ref(azure, 2)]
    spans = [one for one in azure.server.requests if "/v1/changefeed?" in one]
    assert len(spans) in (0, 13)


async def test_every_state_and_action_is_looked_at(azure: AzureService) -> None:
    """Replaced and deleted instances are told as any other, each once a page: what holds now is looked up."""
    azure.server.add(ref(azure, 1), state="replaced")
    azure.server.add(ref(azure, 1), action="update", state="deleted")
    azure.server.add(ref(azure, 1), action="delete", state="deleted")
    azure.server.add(ref(azure, 2), action="update")

    page = await azure.feed(100).page("")

    assert page.refs == (ref(azure, 1), ref(azure, 2))


async def test_a_service_made_anew_is_read_from_its_beginning(azure: AzureService) -> None:
    """Its feed is shorter than the place that was kept."""
    await azure.store(*range(1, 9))
    _, end = await read(azure.feed(3), "")
    azure.server.entries.clear()
    azure.server.sequence = 0
    assert await read(azure.feed(3), end) == ([], "0" if azure.settings.upstream_version == "v1" else "")
    await azure.store(21)

    refs, _ = await read(azure.feed(3), end)

    assert refs == [ref(azure, 21)]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, UpstreamLoginError),
        (403, UpstreamLoginError),
        (404, UpstreamUnavailableError),
        (503, UpstreamUnavailableError),
    ],
)
async def test_a_refused_feed_is_told_by_its_kind(
    azure: AzureService, status: int, error: type[Exception]
) -> None:
    """Unauthenticated, forbidden, of another version, down."""
    azure.server.status = status
    with pytest.raises(error, match=str(status)):
        await azure.feed(10).page("")


@pytest.mark.parametrize(
    "broken",
    [
        {"Sequence": 1.5},
        {"Sequence": True},
        {"SopInstanceUid": "../1"},
        {"Timestamp": "now"},
        {"StudyInstanceUid": None},
    ],
)
async def test_an_entry_that_makes_no_sense_moves_no_cursor(
    azure: AzureService, broken: dict[str, Any]
) -> None:
    """It is an error, which says nothing of what was received."""
    azure.server.add(ref(azure, 1))
    azure.server.entries[0] |= broken
    is_unread = "Timestamp" in broken and azure.settings.upstream_version == "v1"
    if is_unread:
        assert len((await azure.feed(10).page("")).refs) == 1
        return
    with pytest.raises(BadUpstreamAnswerError) as caught:
        await azure.feed(10).page("")
    assert "../1" not in str(caught.value)
