"""One archive a test module: starting Azurite and the app takes seconds."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.host.archive import Archive, an_archive


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give a running, empty archive."""
    async with an_archive(tmp_path_factory.mktemp("archive")) as running:
        await running.start("--scan-interval", "0.5")
        yield running


@pytest_asyncio.fixture
async def stopped_archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give an empty archive whose app does not run yet."""
    async with an_archive(tmp_path_factory.mktemp("archive")) as opened:
        yield opened
