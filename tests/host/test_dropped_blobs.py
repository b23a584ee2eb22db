"""Blobs that users drop are indexed where they lie."""

import asyncio
from collections import Counter

import pytest

from tests.host.archive import Archive, eventually
from tests.instances import an_instance, uids

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

DROPPED = 2000
PER_STUDY = 40


async def test_dropped_blob_is_found_and_fetched(archive: Archive) -> None:
    """A blob uploaded past the app is found by a search and retrieved as it is, whatever its name."""
    data = an_instance(1)
    study, series, instance = uids(1)

    await archive.container("images").upload_blob("any folder/#1/no extension", data)
    await eventually(lambda: archive.search("studies", StudyInstanceUID=study))

    url = f"{archive.dicomweb}/studies/{study}/series/{series}/instances/{instance}"
    async with archive.session.get(
        url, headers={"Accept": "application/dicom; transfer-syntax=*"}
    ) as response:
        assert (response.status, await response.read()) == (200, data)


async def test_overwritten_blob_is_indexed_anew(archive: Archive) -> None:
    """A blob that is replaced by another instance leaves the index with the new one only."""
    before, after = uids(2)[0], uids(3)[0]
    images = archive.container("images")

    await images.upload_blob("replaced.dcm", an_instance(2))
    await eventually(lambda: archive.search("studies", StudyInstanceUID=before))
    await images.upload_blob("replaced.dcm", an_instance(3), overwrite=True)
    await eventually(lambda: archive.search("studies", StudyInstanceUID=after))

    assert await archive.search("studies", StudyInstanceUID=before) == []


async def test_many_blobs_at_once_are_each_indexed_once(archive: Archive) -> None:
    """Two thousand blobs dropped at once: right counts in every study, one create in the feed for each."""
    seen_before = len(await archive.changes())
    images = archive.container("images")
    turns = asyncio.Semaphore(16)

    async def drop(number: int) -> None:
        study, instance = 1000 + number // PER_STUDY, number % PER_STUDY + 1
        data = an_instance(study, 1, instance, size=10_000)
        async with turns:
            await images.upload_blob(f"drop/{number:05}.dcm", data)

    await asyncio.gather(*(drop(number) for number in range(DROPPED)))

    async def all_counted() -> bool:
        rows = await archive.search("studies", limit="5000", PatientName="Test^Patient1*")
        counts = Counter({row["0020000D"]["Value"][0]: row["00201208"]["Value"][0] for row in rows})
        expected = {uids(1000 + study)[0]: PER_STUDY for study in range(DROPPED // PER_STUDY)}
        return expected.items() <= counts.items()

    await eventually(all_counted, seconds=240)
    await eventually(lambda: _has(archive, seen_before + DROPPED), seconds=60)
    entries = (await archive.changes())[seen_before:]
    instances = Counter(entry["SopInstanceUid"] for entry in entries)
    assert {entry["Action"] for entry in entries} == {"create"}
    assert (len(entries), len(instances), max(instances.values())) == (DROPPED, DROPPED, 1)
    assert [entry["Sequence"] for entry in entries] == list(range(seen_before + 1, seen_before + 1 + DROPPED))


async def _has(archive: Archive, count: int) -> bool:
    return len(await archive.changes()) >= count
