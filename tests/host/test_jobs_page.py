"""The page of jobs in Chromium: it shows a job that is begun after it, and follows it to its end."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.browser.chromium import Complaints, chromium
from tests.host.archive import Archive, an_archive
from tests.instances import an_instance

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give a running, empty archive."""
    async with an_archive(tmp_path_factory.mktemp("archive")) as running:
        await running.start()
        yield running


async def test_the_page_follows_a_job_from_the_start_page(archive: Archive) -> None:
    """Linked from the start page; an upload session appears by itself, open, and then done with its counts."""
    complaints = Complaints()
    async with chromium() as browser:
        page = await browser.new_page()
        complaints.listen(page)
        await page.goto(f"{archive.app.url}/ui")
        await page.get_by_role("link", name="Jobs").click()
        await page.wait_for_url("**/ui/jobs")
        async with archive.session.post(
            f"{archive.app.url}/sessions", json={"files": ["a.dcm", "b.dcm"]}
        ) as answer:
            told = await answer.json()
        line = page.get_by_role("row").filter(has_text=f"session {told['session'][:8]}")
        await line.get_by_text("open").wait_for(timeout=30_000)
        for number, target in enumerate(told["targets"], 1):
            data = an_instance(1, 1, number)
            async with archive.session.put(target["url"], data=data, headers=target["headers"]) as answer:
                assert answer.status == 201
        async with archive.session.post(f"{told['url']}/commit") as answer:
            assert answer.status == 200
        await line.get_by_text("done").wait_for(timeout=30_000)
        cells = await line.get_by_role("cell").all_inner_texts()
        assert cells[1:5] == ["done", "2", "0", "2"]
        assert complaints.errors == []
        # Behind the link is JSON, for which browsers look for an icon of their own accord.
        await line.get_by_role("link").click()
        await page.wait_for_url(f"**/sessions/{told['session']}")
