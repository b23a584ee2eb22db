"""A study goes to a partner from the running app: metadata, attributes, files, analysis."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pydicom
import pytest

from tests.host.archive import Archive, eventually
from tests.instances import an_instance, uids
from tests.partner_server import A_KEY, MD_KEY, U_KEY, PartnerServer, a_partner

pytestmark = [pytest.mark.host]

COUNT = 8


@pytest.fixture
def partner() -> Iterator[PartnerServer]:
    """Give a partner on loopback."""
    with a_partner() as running:
        yield running


async def stored(archive: Archive, data: bytes) -> None:
    """Store an instance."""
    headers = {"Content-Type": "application/dicom", "Accept": "application/dicom+json"}
    async with archive.session.post(f"{archive.dicomweb}/studies", data=data, headers=headers) as response:
        assert response.status == 200


async def begun(archive: Archive, **body: Any) -> dict[str, Any]:
    """Begin a run."""
    async with archive.session.post(f"{archive.app.url}/uploads", json=body) as response:
        assert response.status == 202, await response.text()
        told: dict[str, Any] = await response.json()
        return told


async def ended(archive: Archive, url: str, *, seconds: float = 120) -> dict[str, Any]:
    """Wait for a run, and return what is told of it."""
    told: dict[str, Any] = {}

    async def over() -> bool:
        async with archive.session.get(url) as response:
            told.update(await response.json())
        return told["status"] in ("done", "failed")

    await eventually(over, seconds=seconds)
    return told


async def test_a_study_goes_to_the_partner(stopped_archive: Archive, partner: PartnerServer) -> None:
    """Three kinds of requests as the forerunner made them; each file once, tagged; the log names nobody."""
    archive = stopped_archive
    await archive.start(**partner.environment())
    originals = [an_instance(1, 1, number) for number in range(1, COUNT + 1)]
    for data in originals:
        await stored(archive, data)
    run = await begun(archive, sample_id="ref01", study=uids(1)[0])
    again = await begun(archive, sample_id="ref01", study=uids(1)[0])
    told = await ended(archive, run["url"])

    assert again["job"] == run["job"]
    assert (told["status"], told["done"], told["failed"]) == ("done", COUNT, 0), told.get("error")
    [metadata] = partner.of("metadata")
    assert (metadata.method, json.loads(metadata.body)) == ("GET", {"sample_id": "ref01", "priority": 2})
    assert (metadata.headers["x-api-key"], metadata.headers["content-type"]) == (MD_KEY, "application/json")
    uploads = partner.of("upload")
    assert len(uploads) == COUNT
    assert {one.headers["Authorization"] for one in uploads} == {U_KEY}
    assert {one.headers["content-type"] for one in uploads} == {"application/binary"}
    for one in uploads:
        data_set = pydicom.dcmread(io.BytesIO(one.body))
        assert (data_set.PatientName, data_set.PatientID) == ("Canary^Jane", "ref01-001")
    assert sorted(partner.digests()) == sorted(item["sha256"] for item in told["items"])
    [analytics] = partner.of("analytics")
    assert analytics.headers["x-api-key"] == A_KEY
    assert json.loads(analytics.body) == {"sample_id": "ref01", "request_type": "cbc"}
    assert analytics.at > max(one.at for one in uploads)
    async with archive.session.get(told["log"]) as response:
        log = await response.text()
    assert "the run is done: 8 files" in log
    for secret in ("Canary", "Hidden Clinic", MD_KEY, U_KEY, A_KEY):
        assert secret not in log + archive.log() + json.dumps(told)
