"""A study is de-identified into another partition by the running app, though the app is killed in the middle."""

import asyncio
import io
import signal

import pydicom
import pytest

from tests.host.archive import Archive, eventually
from tests.instances import an_instance, uids

pytestmark = [pytest.mark.host]

COUNT = 40
SECRET = {"DICOM_DEIDENTIFY_SECRET": "a secret of tests, 32 bytes long"}


async def test_kill_while_deidentifying(stopped_archive: Archive) -> None:
    """Each instance comes out once; the outputs belong to one study and name nobody."""
    archive = stopped_archive
    await archive.start("--lease", "4", **SECRET)
    await asyncio.gather(
        *(
            stored(archive, an_instance(1, 1, number, PatientName="Doe^Jane"))
            for number in range(1, COUNT + 1)
        )
    )
    url = f"{archive.app.url}/deidentify/studies/{uids(1)[0]}?toPartition=research"
    async with archive.session.post(url) as response:
        assert response.status == 202, await response.text()
        job = (await response.json())["job"]

    async def done(at_least: int) -> bool:
        async with archive.session.get(f"{archive.app.url}/deidentify/jobs/{job}") as response:
            told = await response.json()
        assert told["failed"] == 0
        return bool(told["done"] >= at_least)

    await eventually(lambda: done(3))
    archive.stop(signal.SIGKILL)
    await archive.start("--lease", "4", **SECRET)
    await eventually(lambda: done(COUNT), seconds=120)

    root = f"{archive.dicomweb}/partitions/research"
    async with archive.session.get(f"{root}/instances?limit=200") as response:
        rows = await response.json()
    assert len(rows) == COUNT
    assert {row["0020000D"]["Value"][0] for row in rows} != {uids(1)[0]}
    study, series, instance = (rows[0][tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))
    path = f"{root}/studies/{study}/series/{series}/instances/{instance}"
    async with archive.session.get(path, headers={"Accept": "application/dicom"}) as response:
        data = await response.read()
    assert pydicom.dcmread(io.BytesIO(data)).PatientIdentityRemoved == "YES"
    assert b"Doe" not in data
    names = [
        blob.name async for blob in archive.container("archive").list_blobs(name_starts_with="research/")
    ]
    assert len(names) == COUNT


async def test_a_job_whose_message_is_poison_tells_so(stopped_archive: Archive) -> None:
    """The instance that was changed behind the archive's back fails with that reason; the others come out."""
    archive = stopped_archive
    limits = {"maxDequeueCount": "2", "visibilityTimeout": "00:00:00"}
    queues = {f"AzureFunctionsJobHost__extensions__queues__{name}": value for name, value in limits.items()}
    await archive.start(**SECRET, **queues)
    for number in range(1, 5):
        await stored(archive, an_instance(1, 1, number))
    blobs = archive.container("archive")
    names = [blob.name async for blob in blobs.list_blobs()]
    [changed] = [name for name in names if name.endswith(f"/{uids(1, 1, 2)[2]}.dcm")]
    await blobs.upload_blob(changed, b"something else", overwrite=True)
    url = f"{archive.app.url}/deidentify/studies/{uids(1)[0]}?toPartition=research"
    async with archive.session.post(url) as response:
        status_url = (await response.json())["url"]

    told = {}

    async def finished() -> bool:
        async with archive.session.get(status_url) as response:
            told.update(await response.json())
        return bool(told["status"] == "done")

    await eventually(finished)
    assert (told["done"], told["failed"]) == (3, 1)
    [failed] = [item for item in told["items"] if item["state"] == "failed"]
    assert failed["sopInstanceUid"] == uids(1, 1, 2)[2]
    assert "Given up after several attempts" in failed["error"]
    assert "ObjectChangedError" in failed["error"]


async def stored(archive: Archive, data: bytes) -> None:
    """Store an instance."""
    headers = {"Content-Type": "application/dicom", "Accept": "application/dicom+json"}
    async with archive.session.post(f"{archive.dicomweb}/studies", data=data, headers=headers) as response:
        assert response.status == 200
