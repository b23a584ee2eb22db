"""Cases whose images share a SOP Instance UID with another object: each shows its own object, whoever serves the UID."""

import io
import zipfile
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from functions import _wiring
from tests.unit.flows.builders import to_file
from tests.unit.functions.case_files import a_view, ask, name_of, put
from tests.unit.functions.service import Service
from tests.unit.functions.test_deidentify import SECRET

DICOM = "application/dicom; transfer-syntax=*"


def an_image(value: int) -> bytes:
    """Return a mammogram, always of the same UIDs, whose pixels all have *value*."""
    pixels = value.to_bytes(2, "little") * (80 * 64)
    return to_file(a_view("L__CC", 1, PixelData=pixels, WindowCenter=2048, WindowWidth=4096))


async def in_zip(service: Service, case_id: str) -> bytes:
    """Return the view's file as the ZIP has it."""
    answer = await ask(service, case_id=case_id, accept="application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        return archive.read("dicom/L__CC.dcm")


@pytest.mark.parametrize("first", ["S1", "S2"])
async def test_a_uid_used_twice_shows_no_image_of_another_case(service: Service, first: str) -> None:
    """C000-3: whatever came first, each case shows the object of its name: in JSON, by URL, as picture, in the ZIP."""
    files = {"S1": an_image(0), "S2": an_image(4000)}
    for case_id in sorted(files, reverse=first == "S2"):
        await put(service, name_of("L__CC", case_id), files[case_id])
    pictures, served = [], {}
    for case_id, file in files.items():
        view = (await ask(service, case_id=case_id)).json["views"]["L__CC"]
        assert view["name"] == name_of("L__CC", case_id)
        served[case_id] = view["served"]
        assert (view["values"] is not None) == view["served"]
        path = urlsplit(view["url"]).path.removeprefix("/dicomweb/studies/")
        assert (await service.retrieve(path, accept=DICOM)).body == file
        assert await in_zip(service, case_id) == file
        picture = await ask(service, "view=L__CC", case_id=case_id, accept="image/png")
        assert picture.status == 200
        pictures.append(picture.body)
        page = (await ask(service, case_id=case_id, accept="text/html")).body.decode()
        assert ("Metadata" in page) == view["served"]
    assert pictures[0] != pictures[1]
    assert served == {case_id: case_id == first for case_id in files}


async def test_a_copy_that_serves_nothing_is_linked_as_it_is(service: Service) -> None:
    """Of a duplicate whose UIDs another object serves the link leads to the duplicate."""
    for name in ("mg/2014/S1/L__CC/1.dcm", "mg/2014/S1/L__CC/2.dcm"):
        await put(service, name, an_image(7))
    case = (await ask(service, case_id="S1")).json
    [copy] = case["duplicates"]
    assert (case["views"]["L__CC"]["served"], copy["served"], copy["picture"]) == (True, False, None)
    page = (await ask(service, case_id="S1", accept="text/html")).body.decode()
    assert f'href="{copy["url"]}"' in page


async def test_a_job_takes_no_image_of_another_case(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case whose image is not what its UIDs serve is not de-identified: 409; the other one's is."""
    service.settings = service.settings.model_copy(update={"deidentify_secret": SecretStr(SECRET)})
    monkeypatch.setattr(_wiring, "settings", lambda: service.settings)
    for case_id, value in (("S1", 0), ("S2", 4000)):
        await put(service, name_of("L__CC", case_id), an_image(value))
    said = {}
    for case_id in ("S1", "S2"):
        route = {"year": "2014", "id": case_id}
        answer = await service.call("deidentify_case", "/deidentify?dryRun=true", method="POST", route=route)
        said[case_id] = answer.status
    assert said == {"S1": 202, "S2": 409}
