"""Clients that were written for other archives work unchanged: dicomweb-client, and the sample of the Azure service."""

import asyncio
import io
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.dataset import Dataset
from requests.exceptions import HTTPError

from tests.host.archive import Archive, an_archive
from tests.instances import a_dataset, part10, uids

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give a running archive, not told its address: dicomweb-client leaves the port out of Host, which the host says."""
    async with an_archive(tmp_path_factory.mktemp("archive")) as running:
        await running.start()
        yield running


def instances(study: int) -> list[Dataset]:
    """Return two slices of a study, with file meta information as the client sends it."""
    made = [a_dataset(study, instance=number, ImageComments="x" * 80_000) for number in (1, 2)]
    return [dcmread(io.BytesIO(part10(one))) for one in made]


def use(url: str, study: int) -> dict[str, Any]:
    """Do all that the client can do with a study, and return what came back."""
    client = DICOMwebClient(url)
    client.set_chunk_size(10_000)
    series_uids, sent = uids(study), instances(study)
    stored = client.store_instances(sent)
    metadata = client.retrieve_series_metadata(*series_uids[:2])
    seen = {
        "stored": len(stored.ReferencedSOPSequence),
        "studies": len(
            client.search_for_studies(search_filters={"PatientID": f"P{study}"}, get_remaining=True)
        ),
        "series": len(client.search_for_series(series_uids[0])),
        "instances": len(client.search_for_instances(*series_uids[:2], fields=["InstanceNumber"], limit=1)),
        "study metadata": len(client.retrieve_study_metadata(series_uids[0])),
        "study": [one.SOPInstanceUID for one in client.retrieve_study(series_uids[0])],
        "streamed": [one.SOPInstanceUID for one in client.iter_series(*series_uids[:2])],
        "instance": client.retrieve_instance(*series_uids).PixelData == sent[0].PixelData,
        "frame": client.retrieve_instance_frames(*series_uids, frame_numbers=[1]) == [sent[0].PixelData],
        "bulk data": client.retrieve_bulkdata(metadata[0]["00204000"]["BulkDataURI"]),
        "rendered": client.retrieve_instance_rendered(*series_uids, media_types=("image/png",))[:4],
    }
    client.delete_instance(*series_uids)
    seen["left"] = len(client.search_for_instances(series_uids[0]))
    client.delete_study(series_uids[0])
    try:
        client.retrieve_study_metadata(series_uids[0])
    except HTTPError as error:
        seen["after"] = error.response.status_code
    return seen


@pytest.mark.parametrize(
    ("root", "study"),
    [("dicomweb", 1), ("v2", 2), ("dicomweb/partitions/client", 3), ("v1/partitions/other", 3)],
)
async def test_dicomweb_client(archive: Archive, root: str, study: int) -> None:
    """Its whole surface, at every kind of root."""
    seen = await asyncio.to_thread(use, f"{archive.app.url}/{root}", study)
    both = [uids(study, instance=number)[2] for number in (1, 2)]
    assert seen == {
        "stored": 2,
        "studies": 1,
        "series": 1,
        "instances": 1,
        "study metadata": 2,
        "study": both,
        "streamed": both,
        "instance": True,
        "frame": True,
        "bulk data": [b"x" * 80_000],
        "rendered": b"\x89PNG",
        "left": 1,
        "after": 404,
    }


async def test_the_sample_of_the_azure_service(archive: Archive) -> None:
    """Its requests in its order, with multipart/related that names no type and parts that are form data."""
    base = f"{archive.app.url}/v1"
    study, series, _ = uids(4)
    boundary = secrets.token_hex(16)
    disposition = 'Content-Disposition: form-data; name="file"; filename="dicomfile"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: application/dicom\r\n\r\n"
    body = head.encode() + part10(a_dataset(4)) + f"\r\n--{boundary}--\r\n".encode()
    kind = f"multipart/related; boundary={boundary}"
    json = {"Accept": "application/dicom+json", "Authorization": "Bearer token"}

    def send() -> list[requests.Response]:
        parts = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        return [
            requests.get(f"{base}/changefeed", headers={"Authorization": "Bearer token"}, timeout=60),
            requests.post(f"{base}/studies", body, headers={**json, "Content-Type": kind}, timeout=60),
            requests.get(f"{base}/studies/{study}", headers={"Accept": parts}, timeout=60),
            requests.get(f"{base}/studies/{study}/metadata", headers=json, timeout=60),
            requests.get(
                f"{base}/studies/{study}/series", {"SeriesInstanceUID": series}, headers=json, timeout=60
            ),
            requests.post(f"{base}/studies", body, headers={**json, "Content-Type": kind}, timeout=60),
        ]

    answers = await asyncio.to_thread(send)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 409]
    assert part10(a_dataset(4)) in answers[2].content
    assert [row["0020000E"]["Value"] for row in answers[4].json()] == [[series]]
