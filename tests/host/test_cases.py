"""Clinical cases through the running app: indexed on request, stored as a whole, on real storage."""

import signal
from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from shared.case_views import VIEWS
from tests.host.archive import Archive, eventually
from tests.instances import an_instance

pytestmark = [pytest.mark.host]

REPORT = "Befund: «ok»\r\n"


def a_form(number: int) -> aiohttp.FormData:
    """Return the body of a case, as an HTTP library makes it."""
    form = aiohttp.FormData()
    for view, data in files_of(number).items():
        form.add_field(view, data, filename=f"{view}.dcm")
    form.add_field("report", REPORT, content_type="text/plain; charset=utf-8")
    return form


def files_of(number: int) -> dict[str, bytes]:
    """Return the images of a case."""
    return {view: an_instance(number, 1, image) for image, view in enumerate(VIEWS, start=1)}


async def case_of(archive: Archive, case_id: str) -> tuple[int, object]:
    """Return status and content of a whole case of 2014."""
    url = f"{archive.app.url}/cases/2014/{case_id}"
    async with archive.session.get(url, params={"strict": "true"}) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_cases_are_indexed_on_request_and_stored_as_a_whole(stopped_archive: Archive) -> None:
    """C000-1, C000-2, C000-3 and C000-11: no event comes; a second start lists nothing; what was deleted is gone."""
    archive = stopped_archive
    images = archive.container("images")
    for number, case_id in enumerate(("S1", "S10"), start=1):
        for view, data in files_of(number).items():
            await images.upload_blob(f"mg/2014/{case_id}/{view}/1.dcm", data)
    await archive.start(DICOM_BLOB_EVENTS="queue")
    index = f"{archive.app.url}/cases/index"
    async with archive.session.post(index) as answer:
        counts = await answer.json()
        assert (answer.status, counts["done"], counts["indexed"], counts["read"]) == (200, True, 8, 8)

    async with archive.session.put(f"{archive.app.url}/cases/2014/S2", data=a_form(3)) as answer:
        assert answer.status == 201, await answer.text()
    async with archive.session.put(
        f"{archive.app.url}/cases/2014/S1/report", data="BI-RADS 1", headers={"Content-Type": "text/plain"}
    ) as answer:
        assert answer.status == 201

    archive.stop(signal.SIGKILL)
    await archive.start(DICOM_BLOB_EVENTS="queue")
    status, case = await case_of(archive, "S2")
    assert status == 200
    assert isinstance(case, dict)
    assert (case["report"], case["missing"]) == (REPORT, [])
    for view, data in files_of(3).items():
        async with archive.session.get(
            case["views"][view]["url"], headers={"Accept": "application/dicom; transfer-syntax=*"}
        ) as answer:
            assert await answer.read() == data
    assert (await case_of(archive, "S1"))[0] == 200
    assert (await case_of(archive, "S10"))[0] == 404

    await images.delete_blob("mg/2014/S1/L__CC/1.dcm")
    async with archive.session.post(index) as answer:
        counts = await answer.json()
        assert (counts["gone"], counts["read"], counts["indexed"]) == (1, 0, 7)
    async with archive.session.get(f"{archive.app.url}/cases", params={"complete": "true"}) as answer:
        assert [case["id"] for case in (await answer.json())["cases"]] == ["S2"]
    assert (await case_of(archive, "S1"))[0] == 404


async def test_a_case_whose_storing_was_killed_is_not_there(stopped_archive: Archive) -> None:
    """C000-11: killed while the body came, nothing is visible; the same request again stores it."""
    archive = stopped_archive
    await archive.start(DICOM_BLOB_EVENTS="queue")
    boundary, sent = "b0undary", list(files_of(1).items())

    async def half() -> AsyncIterator[bytes]:
        for view, data in sent[:3]:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{view}"\r\n\r\n'
            yield head.encode() + data + b"\r\n"

        async def written() -> bool:
            return len([blob async for blob in archive.container("archive").list_blobs()]) >= 2

        await eventually(written)
        archive.stop(signal.SIGKILL)
        yield b"--"

    with pytest.raises(aiohttp.ClientError):
        await archive.session.put(
            f"{archive.app.url}/cases/2014/S1",
            data=half(),
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )
    await archive.start(DICOM_BLOB_EVENTS="queue")
    assert (await case_of(archive, "S1"))[0] == 404
    assert await archive.search("studies") == []
    async with archive.session.get(f"{archive.app.url}/cases") as answer:
        assert (await answer.json())["cases"] == []
    async with archive.session.put(f"{archive.app.url}/cases/2014/S1", data=a_form(1)) as answer:
        assert answer.status == 201, await answer.text()
    assert (await case_of(archive, "S1"))[0] == 200


async def test_ids_with_slashes_are_reached_and_told_apart(stopped_archive: Archive) -> None:
    """C000-3 and C000-7: `12/34` and `12%2F34` are two ids, as PatientIDs may be; each has its own image and report."""
    archive = stopped_archive
    ids = {"12/34": "12%2F34", "12%2F34": "12%252F34"}
    for number, case_id in enumerate(ids, start=1):
        image = an_instance(
            number, 1, 1, PatientID=case_id, StudyDate="20140512", ImageLaterality="L", ViewPosition="CC"
        )
        await archive.container("images").upload_blob(f"{number}.dcm", image)
    await archive.start(DICOM_BLOB_EVENTS="queue")
    async with archive.session.post(f"{archive.app.url}/cases/index") as answer:
        assert (await answer.json())["by_attributes"] == 2
    for case_id, quoted in ids.items():
        url = URL(f"{archive.app.url}/cases/2014/{quoted}", encoded=True)
        report = URL(f"{url}/report", encoded=True)
        headers = {"Content-Type": "text/plain"}
        async with archive.session.put(report, data=f"of {case_id}", headers=headers) as answer:
            assert answer.status == 201
    for case_id, quoted in ids.items():
        url = URL(f"{archive.app.url}/cases/2014/{quoted}", encoded=True)
        async with archive.session.get(url) as answer:
            assert answer.status == 200, await answer.text()
            case = await answer.json()
        assert (case["id"], case["report"], list(case["views"])) == (case_id, f"of {case_id}", ["L__CC"])
