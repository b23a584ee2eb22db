"""What the running app says of its storage when that has gone."""

import pytest

from tests.host.archive import Archive

pytestmark = [pytest.mark.host]


async def test_h01_a_dependency_that_is_down_is_named(stopped_archive: Archive) -> None:
    """H01: 200 while all are up, then 503 with each that does not answer, and no address of any."""
    archive = stopped_archive
    await archive.start()
    url = f"{archive.app.url}/health/check"
    async with archive.session.get(url) as response:
        assert response.status == 200

    archive.stop_storage()
    async with archive.session.get(url) as response:
        text = await response.text()
        assert response.status == 503
    assert all(name in text for name in ("container archive", "queue study-changed", "table jobs")), text
    assert str(archive.azurite.blob_port) not in text
