"""What forerunner 003 did to files, through the running app on Azurite: C003-2, 4, 5 and 6."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

import pydicom
import pytest
import pytest_asyncio

from tests.host.archive import Archive, an_archive, eventually
from tests.instances import an_instance, uids
from tests.unit.dicom.deidentification.canaries import PIXELS, a_planted_file, surviving

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

DICOM = {"Content-Type": "application/dicom"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give an archive that keeps out what names its patient, into quarantine."""
    async with an_archive(tmp_path_factory.mktemp("archive")) as running:
        await running.start(
            DICOM_DEIDENTIFY_SECRET="a secret of tests, 32 bytes long",
            DICOM_RISK_LIMIT="high",
            DICOM_RISK_ACTION="quarantine",
        )
        yield running


def risky_tags() -> dict[int, tuple[bool, bool]]:
    """Return the forerunner's 224 tags, and which of its two lists each is on."""
    text = files("shared.dicom.deidentification").joinpath("data", "risky-tags.csv").read_text()
    return {
        int(line["group"] + line["element"], 16): (line["in_hipaa"] == "1", line["in_gdpr"] == "1")
        for line in csv.DictReader(io.StringIO(text))
    }


async def post(archive: Archive, path: str, data: bytes) -> tuple[int, bytes]:
    """Send a file."""
    async with archive.session.post(f"{archive.app.url}{path}", data=data, headers=DICOM) as response:
        return response.status, await response.read()


async def objects_in(archive: Archive, container: str) -> list[str]:
    """Name what a container holds."""
    return [blob.name async for blob in archive.container(container).list_blobs()]


@pytest.mark.parametrize(
    ("filters", "of_list"),
    [("FILTER_HIPAA", 0), ("FILTER_GDPR", 1), ("FILTER_PRIVATE,FILTER_HIPAA,FILTER_GDPR", None)],
)
async def test_c003_2_no_listed_attribute_survives_its_filter(
    archive: Archive, filters: str, of_list: int | None
) -> None:
    """Of canaries in all 224, private ones, file meta and sequences, those on the filter's list are gone; pixels stay."""
    tags = risky_tags()
    assert len(tags) == 224
    data, canaries = a_planted_file("explicit")
    wanted = {tag for tag, lists in tags.items() if of_list is None or lists[of_list]}
    assert len(wanted) == {0: 50, 1: 206, None: 224}[of_list]
    if of_list == 0:  # Safe Harbor lets sex stay, and ages up to 90
        wanted -= {0x0010_0040, 0x0010_1010}

    status, out = await post(archive, f"/deidentify?pixels=keep&filter={filters}", data)
    assert status == 200, out
    left = surviving(canaries, out)
    assert [canary for canary in left if canary.tag in wanted or canary.tag >> 16 & 1] == []
    assert [canary.place for canary in left if canary.place in ("meta", "preamble")] == []
    assert pydicom.dcmread(io.BytesIO(out)).PixelData == PIXELS


async def test_c003_2_the_private_filter_removes_private_elements(archive: Archive) -> None:
    """At each depth, and no other."""
    data, canaries = a_planted_file("explicit")
    status, out = await post(archive, "/deidentify?pixels=keep&filter=FILTER_PRIVATE", data)
    left = surviving(canaries, out)
    assert (status, [canary for canary in left if "private" in canary.place or canary.tag >> 16 & 1]) == (
        200,
        [],
    )
    assert len(left) > 1000


async def test_c003_4_the_original_stays_as_it_is(archive: Archive) -> None:
    """A dry run says tag path, rule and action; a job writes elsewhere, and what was stored is there byte for byte."""
    data = an_instance(7, PatientName=None, PatientID="", AccessionNumber=None)
    assert (await post(archive, "/dicomweb/studies", data))[0] == 200
    status, told = await post(archive, "/deidentify?dryRun=true", data)
    assert status == 200
    changes = json.loads(told)["changes"]
    assert {"path", "rule", "action"} <= set(changes[0])

    url = f"{archive.app.url}/deidentify/studies/{uids(7)[0]}?toPartition=research"
    async with archive.session.post(url) as response:
        assert response.status == 202
        job = (await response.json(content_type=None))["job"]

    async def done() -> Any:
        async with archive.session.get(f"{archive.app.url}/deidentify/jobs/{job}") as asked:
            return (await asked.json(content_type=None))["done"] == 1

    await eventually(done)
    one, series, instance = uids(7)
    path = f"{archive.dicomweb}/studies/{one}/series/{series}/instances/{instance}"
    async with archive.session.get(path, headers={"Accept": "application/dicom; transfer-syntax=*"}) as kept:
        assert await kept.read() == data


async def test_c003_5_what_tells_who_it_is_is_listed_and_kept_out(archive: Archive) -> None:
    """Each of the 224 that is planted is in the report, without its value; the file is held and not served."""
    data, canaries = a_planted_file("explicit")
    planted = {canary.tag for canary in canaries if canary.tag >> 16 not in (0x0000, 0x0002, 0x0004)}
    status, told = await post(archive, "/risk", data)
    report = json.loads(told)
    found = {int(re.sub(r"\W", "", one["tag"]), 16) for one in report["findings"] if one["tag"]}
    missing = (planted & risky_tags().keys()) - found
    assert (status, report["level"]) == (200, "high")
    assert report["truncated"] or not missing, missing
    assert b"CANARY" not in told

    assert (await post(archive, "/dicomweb/studies", an_instance(8, PatientName="Doe^Jane")))[0] == 409
    assert [name for name in await objects_in(archive, "quarantine") if uids(8)[0] in name]
    assert not [name for name in await objects_in(archive, "archive") if uids(8)[0] in name]


@pytest.mark.parametrize(
    ("keys", "name", "sequence"),
    [
        ("human", "Patient ID", "Referenced Series Sequence"),
        ("numeric", "(0010,0020)", "(0008,1115)"),
        ("keyword", "PatientID", "ReferencedSeriesSequence"),
    ],
)
async def test_c003_6_attributes_have_three_kinds_of_names(
    archive: Archive, keys: str, name: str, sequence: str
) -> None:
    """Nested, and pixels as a length; no name holds a blank of no width."""
    data, _ = a_planted_file("explicit")
    status, told = await post(archive, f"/describe?keys={keys}", data)
    attributes = {one["key"]: one for one in json.loads(told)["attributes"]}
    assert (status, name in attributes, "\u200b" in told.decode()) == (200, True, False)
    assert "items" in attributes[sequence] or isinstance(attributes[sequence].get("value"), list)
    assert PIXELS not in told
