"""Who is not a DICOM client, over HTTP: pages of other origins, makers of clients, and what watches the app."""

import pytest

from tests.host.archive import Archive

pytestmark = [pytest.mark.host]

VIEWER = "https://viewer.example"


async def test_a_preflight_reaches_the_app_at_every_path(stopped_archive: Archive) -> None:
    """Whatever function the path has; and what follows can be read."""
    archive = stopped_archive
    await archive.start(DICOM_CORS_ORIGINS=VIEWER)
    asked = {"Origin": VIEWER, "Access-Control-Request-Method": "GET"}
    for path in ("dicomweb/studies", "v2/studies/1.2/series/1.3/metadata", "health", "nowhere/at/all"):
        async with archive.session.options(f"{archive.app.url}/{path}", headers=asked) as answer:
            assert (answer.status, answer.headers.get("Access-Control-Allow-Origin")) == (204, VIEWER), path
    async with archive.session.get(f"{archive.dicomweb}/studies", headers={"Origin": VIEWER}) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == VIEWER
        assert "X-Total-Count" in answer.headers["Access-Control-Expose-Headers"]


async def test_the_document_is_the_app_s_own(stopped_archive: Archive) -> None:
    """The framework that the worker runs on has one too, and pages about it; those are nowhere."""
    archive = stopped_archive
    await archive.start()
    async with archive.session.get(f"{archive.app.url}/openapi.json") as answer:
        document = await answer.json()
    assert document["info"]["title"] == "dicom-functions"
    assert document["servers"] == [{"url": archive.app.url}]
    for path in ("docs", "redoc"):
        async with archive.session.get(f"{archive.app.url}/{path}") as answer:
            assert answer.status == 404, path


async def test_health_names_the_dependencies_that_do_not_answer(stopped_archive: Archive) -> None:
    """Once storage has gone: 503, at both paths, and each is named."""
    archive = stopped_archive
    await archive.start()
    archive.stop_storage()
    for path in ("health", "health/check"):
        async with archive.session.get(f"{archive.app.url}/{path}") as answer:
            assert answer.status == 503
            told = await answer.json(content_type=None)
        assert told["status"] == "degraded"
        assert {"container images", "queue study-changed", "table report"} <= set(told["dependencies"])
        assert set(told["dependencies"].values()) == {"unreachable"}
