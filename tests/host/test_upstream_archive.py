"""The archive in front of a second one, which speaks like the Azure DICOM service, in both versions of its API."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.contract.upstream_feed import OpenService, UpstreamFeedContract
from tests.host.archive import Archive, an_archive, eventually
from tests.host.upstream import (
    ANY_PARTS,
    JSON,
    feed_of,
    files_of,
    in_front,
    instance_url,
    is_indexed,
    put_straight,
    store,
)
from tests.instances import an_instance, uids

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

SECRET = {"DICOM_DEIDENTIFY_SECRET": "0123456789abcdef0123456789abcdef"}
PICTURE: dict[str, Any] = {
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7",
    "Modality": "OT",
    "PatientID": "ID1",
    "SamplesPerPixel": 3,
    "PhotometricInterpretation": "RGB",
    "PlanarConfiguration": 0,
    "Rows": 979,
    "Columns": 985,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def back(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give the archive that holds everything."""
    async with an_archive(tmp_path_factory.mktemp("back")) as running:
        await running.start()
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["v1", "v2"])
async def front(
    back: Archive, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Archive]:
    """Give an archive in front of it, which speaks to one version of its API."""
    folder = tmp_path_factory.mktemp("front")
    version = {"DICOM_UPSTREAM_VERSION": request.param}
    async with in_front(folder, back.app.url, "azure", **version, **SECRET) as running:
        running.version = request.param  # type: ignore[attr-defined]  # for the names of studies
        yield running


def number_of(front: Archive, number: int) -> int:
    """Return the number of a study that no other version uses."""
    return number + (100 if front.version == "v1" else 200)  # type: ignore[attr-defined]


def pictures(study: int) -> dict[str, bytes]:
    """Return the pictures of the tutorial: two in one series, one in another."""
    places = {"green-square": (1, 1), "red-triangle": (1, 2), "blue-circle": (2, 1)}
    return {
        name: an_instance(study, *place, PixelData=bytes([number]) * (979 * 985 * 3 + 1), **PICTURE)
        for number, (name, place) in enumerate(places.items())
    }


async def test_the_five_parts_of_the_sample(front: Archive, back: Archive) -> None:
    """Feed 200; stored; parts listed byte for byte; metadata; exactly one series of that UID. Again: already there."""
    study = number_of(front, 1)
    files = pictures(study)
    uid, series, _ = uids(study)
    async with front.session.get(f"{front.dicomweb}/changefeed") as response:
        assert response.status == 200
    for name, data in files.items():
        assert (await store(front, data))[0] == 200, name

    assert sorted(await files_of(front.session, f"{front.dicomweb}/studies/{uid}")) == sorted(files.values())
    async with front.session.get(f"{front.dicomweb}/studies/{uid}/metadata", headers=JSON) as response:
        metadata = await response.json(content_type=None)
    assert len(metadata) == 3
    assert back.app.url not in str(metadata)
    [row] = await front.search(f"studies/{uid}/series", SeriesInstanceUID=series)
    assert row["0020000E"]["Value"] == [series]
    assert row["00081190"]["Value"] == [f"{front.dicomweb}/studies/{uid}/series/{series}"]
    status, answer, headers = await store(front, files["green-square"])
    assert (status, headers["X-Upstream-Status"]) == (409, "409")
    assert answer["00081198"]["Value"][0]["00081197"]["Value"] == [45070]


async def test_an_instance_of_another_study_is_refused_as_the_upstream_refuses_it(front: Archive) -> None:
    """Its status and its reason pass through."""
    status, answer, _ = await store(front, an_instance(number_of(front, 2)), path=f"studies/{uids(3)[0]}")
    assert (status, answer["00081198"]["Value"][0]["00081197"]["Value"]) == (409, [43265])


async def test_failures_of_the_upstream_are_told_from_ours(front: Archive) -> None:
    """What it does not know or understand is answered as it answers, and marked; dry runs are refused here."""
    async with front.session.get(f"{front.dicomweb}/studies/1.2.3", headers=ANY_PARTS) as response:
        assert (response.status, response.headers["X-Upstream-Status"]) == (404, "404")
    async with front.session.get(f"{front.dicomweb}/studies?limit=100000") as response:
        assert (response.status, response.headers["X-Upstream-Status"]) == (400, "400")
    async with front.session.post(f"{front.dicomweb}/studies?dryRun=true", data=b"") as response:
        assert response.status == 400
        assert "X-Upstream-Status" not in response.headers


async def test_a_case_of_the_upstream_is_one_of_ours(front: Archive) -> None:
    """By its attributes: listed, shown as PNG from the upstream's bytes, described, de-identified."""
    study = number_of(front, 4)
    case_id = f"S{study}"
    view: dict[str, Any] = {
        "PatientID": case_id,
        "StudyDate": "20140512",
        "ImageLaterality": "L",
        "ViewPosition": "CC",
    }
    pixels: dict[str, Any] = {"Rows": 400, "Columns": 400, "PixelData": bytes(range(250)) * 640}
    data = an_instance(study, 1, 1, Modality="MG", **view, **pixels)
    assert (await store(front, data))[0] == 200
    await eventually(lambda: is_indexed(front, study))

    async with front.session.get(
        f"{front.app.url}/cases/2014/{case_id}", headers={"Accept": "application/json"}
    ) as response:
        assert response.status == 200
        assert "L__CC" in str(await response.json())
    async with front.session.get(
        f"{front.app.url}/cases/2014/{case_id}/views/L__CC", headers={"Accept": "image/png"}
    ) as response:
        assert (response.status, (await response.read())[:4]) == (200, b"\x89PNG")
    place = instance_url("", study)
    async with front.session.get(f"{front.app.url}/describe{place}") as response:
        assert response.status == 200
    async with front.session.get(f"{front.app.url}/risk/studies/{uids(study)[0]}") as response:
        assert response.status == 200
    async with front.session.post(f"{front.app.url}/deidentify{place}?toPartition=research") as response:
        assert response.status == 202, await response.text()
        job = (await response.json())["job"]

    async def is_done() -> bool:
        async with front.session.get(f"{front.app.url}/deidentify/jobs/{job}") as response:
            said: dict[str, Any] = await response.json()
        assert said.get("failed", 0) == 0, said
        return bool(said.get("done") == 1)

    await eventually(is_done)


async def test_what_goes_upstream_goes_here(front: Archive, back: Archive) -> None:
    """Nobody tells this archive of a deletion there; its feed does."""
    study = number_of(front, 5)
    await put_straight(back, an_instance(study), an_instance(study, 1, 2))
    await eventually(lambda: is_indexed(front, study, 1, 2))
    async with back.session.delete(instance_url(back.dicomweb, study)) as response:
        assert response.status == 204

    async def is_gone() -> bool:
        return not await is_indexed(front, study)

    await eventually(is_gone)
    assert await is_indexed(front, study, 1, 2)


class LiveFeed:
    """The second archive as a service with a feed."""

    def __init__(self, back: Archive, version: str, study: int) -> None:
        self.back = back
        self.version = version
        self.study = study

    async def store(self, *numbers: int) -> None:
        """Store instances, and wait until the feed says so: it is written after the answer."""
        before = len(await self.back.changes())
        await put_straight(self.back, *(an_instance(self.study, 1, number) for number in numbers))

        async def is_told() -> bool:
            return len(await self.back.changes()) == before + len(numbers)

        await eventually(is_told)

    def feed(self, limit: int) -> Any:
        """Return the feed."""
        return feed_of(self.back.app.url, "azure", limit, self.version)


class TestLiveFeed(UpstreamFeedContract):
    """The feeds of a running archive, which others may be writing to: none is, in this module's other tests."""

    numbers = iter(range(1000, 2000))

    @pytest.mark.parametrize("limit", [3])
    async def test_every_instance_is_told(self, open_service: OpenService, limit: int) -> None:
        """As of every feed; here for one length of pages, as storing takes seconds."""
        await super().test_every_instance_is_told(open_service, limit)

    @pytest.fixture(params=["v1", "v2"])
    def open_service(self, back: Archive, request: pytest.FixtureRequest) -> Any:
        async def opened() -> LiveFeed:
            return LiveFeed(back, request.param, next(self.numbers))

        return opened
