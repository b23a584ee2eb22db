"""A case as a ZIP: every file of it, each object read once, and never a part without saying so."""

import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian
from starlette.requests import ClientDisconnect

from functions import http_cases
from shared.errors import BackendUnavailableError, ObjectChangedError
from shared.records import ObjectKey
from tests.unit.flows.builders import to_file
from tests.unit.functions.case_files import (
    CASE_ID,
    REPORT,
    VIEWS,
    YEAR,
    a_view,
    ask,
    ask_view,
    count_calls,
    name_of,
    put,
    put_case,
)
from tests.unit.functions.requests import Answer, make_request, receive_answer
from tests.unit.functions.service import Service, user_function

ZIP = "application/zip"
CHUNK = 1024
"""Bytes that the store yields at a time in tests that look at what is held."""


def files_of(answer: Answer) -> dict[str, bytes]:
    """Return the files of a ZIP, read by its directory and checked by their CRC."""
    assert (answer.status, answer.headers["content-type"]) == (200, ZIP), answer.body[:300]
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_a_zip_holds_all_of_a_case_in_open_formats(service: Service) -> None:
    """C000-9: DICOM as it is stored, pictures in both depths, the report as text, and a sidecar that names all."""
    stored = await put_case(service)
    answer = await ask(service, accept=ZIP)
    files = files_of(answer)
    assert sorted(files) == sorted(
        [
            *(f"{folder}/{view}.png" for folder in ("png8", "png16") for view in VIEWS),
            *(f"dicom/{view}.dcm" for view in VIEWS),
            "report.txt",
            "case.json",
        ]
    )
    assert list(files)[-1] == "case.json"
    assert {view: files[f"dicom/{view}.dcm"] for view in VIEWS} == stored
    assert files["report.txt"].decode() == REPORT
    for view in VIEWS:
        for folder, bits in (("png8", 8), ("png16", 16)):
            assert files[f"{folder}/{view}.png"] == (await ask_view(service, view, f"bits={bits}")).body
        assert np.asarray(Image.open(io.BytesIO(files[f"png16/{view}.png"]))).dtype == np.uint16
    sidecar = orjson.loads(files["case.json"])
    assert {one["name"]: (one["size"], one["sha256"]) for one in sidecar["files"]} == {
        name: (len(data), hashlib.sha256(data).hexdigest())
        for name, data in files.items()
        if name != "case.json"
    }
    assert (sidecar["missing"], sidecar["problems"], sidecar["report"]) == ([], [], REPORT)
    assert sidecar["views"] == (await ask(service)).json["views"]
    assert f"case-{YEAR}-{CASE_ID}.zip" in answer.headers["content-disposition"]


@pytest.mark.parametrize("query", ["", "strict=true"])
async def test_a_zip_costs_four_reads_and_one_report(service: Service, query: str) -> None:
    """C000-4: the pictures are made of what passes by; nothing is read twice and nothing listed."""
    await put_case(service)
    calls = count_calls(service)
    files_of(await ask(service, query, accept=ZIP))
    assert sorted(calls) == [
        "cases.images_of",
        *["index.get"] * 4,
        *["objects.stream"] * 4,
        "reports.get",
    ]


async def test_a_partial_case_comes_with_what_it_lacks_in_its_sidecar(service: Service) -> None:
    """C000-5: and the files that there are."""
    await put_case(service, without=("R__MLO", "report"))
    files = files_of(await ask(service, accept=ZIP))
    assert "report.txt" not in files
    assert "dicom/R__MLO.dcm" not in files
    assert orjson.loads(files["case.json"])["missing"] == ["R__MLO", "report"]


async def test_an_object_that_has_just_gone_is_missing(service: Service) -> None:
    """C000-5: its sidecar says so; who wants all is told before the first byte."""
    await put_case(service)
    del service.world.objects.objects[ObjectKey("images", name_of("L__MLO"))]
    files = files_of(await ask(service, accept=ZIP))
    sidecar = orjson.loads(files["case.json"])
    assert sidecar["missing"] == ["L__MLO"]
    assert "L__MLO" not in sidecar["views"]
    assert not [name for name in files if "L__MLO" in name]
    strict = await ask(service, "strict=true", accept=ZIP)
    assert (strict.status, strict.json["code"]) == (404, "IncompleteCase")
    assert "L__MLO" in strict.json["detail"]


async def test_an_object_that_was_replaced_is_asked_for_again_by_who_wants_all(service: Service) -> None:
    """It is about to be indexed anew."""
    await put_case(service)
    service.world.objects.write(ObjectKey("images", name_of("L__CC")), to_file(a_view("R__CC")))
    assert (await ask(service, "strict=true", accept=ZIP)).status == 503
    assert orjson.loads(files_of(await ask(service, accept=ZIP))["case.json"])["missing"] == ["L__CC"]


async def test_a_case_of_which_nothing_can_be_read_is_not_found(service: Service) -> None:
    """Rather than an empty ZIP."""
    await put_case(service, without=("report",))
    service.world.objects.objects.clear()
    assert (await ask(service, accept=ZIP)).status == 404


async def test_a_view_that_cannot_be_shown_comes_as_dicom_with_its_reason(service: Service) -> None:
    """In the sidecar; colours come in 8 bits."""
    await put(service, name_of("L__CC"), to_file(a_view("L__CC", 1, Rows=30000)))
    without = a_view("L__MLO", 2)
    del without.PixelData
    await put(service, name_of("L__MLO"), to_file(without))
    colour = a_view("R__CC", 3, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    colour.PixelData = bytes(colour.Rows * colour.Columns * 6)
    colour["PixelData"].VR = "OW"
    await put(service, name_of("R__CC"), to_file(colour))
    files = files_of(await ask(service, accept=ZIP))
    assert sorted(files) == [
        "case.json",
        *(f"dicom/{view}.dcm" for view in ("L__CC", "L__MLO", "R__CC")),
        "png8/R__CC.png",
    ]
    problems = orjson.loads(files["case.json"])["problems"]
    assert [problem["view"] for problem in problems] == ["L__CC", "L__MLO"]


async def test_deflated_instances_and_large_tables_are_read_once_too(service: Service) -> None:
    """C000-4: what a picture needs is kept, wherever it lies in the object."""
    item = a_view()
    table = type(item)()
    table.LUTDescriptor = [4096, 0, 12]
    table.LUTData = np.arange(4095, -1, -1).astype("<u2").tobytes()
    table["LUTData"].VR = "OW"
    await put(service, name_of("L__CC"), to_file(a_view("L__CC", 1, VOILUTSequence=[table])))
    deflated = to_file(a_view("R__CC", 2), transfer_syntax_uid=DeflatedExplicitVRLittleEndian)
    await put(service, name_of("R__CC"), deflated)
    expected = [(await ask_view(service, view)).body for view in ("L__CC", "R__CC")]
    calls = count_calls(service)
    files = files_of(await ask(service, accept=ZIP))
    assert [files[f"png8/{view}.png"] for view in ("L__CC", "R__CC")] == expected
    assert [call for call in calls if call.startswith("objects")] == ["objects.stream"] * 2


async def put_large_case(service: Service) -> None:
    """Drop four views of 2.4 MB each."""
    pixels = np.arange(1200 * 1000).astype("<u2").tobytes()
    for number, view in enumerate(VIEWS, 1):
        large = a_view(view, number, Rows=1200, Columns=1000, PixelData=pixels)
        await put(service, name_of(view), to_file(large))


async def test_a_zip_is_sent_as_it_is_read(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """No view is read beyond its first chunk before those ahead of it are sent."""
    await put_large_case(service)
    monkeypatch.setattr("shared.backends.memory.object_store.CHUNK_LENGTH", CHUNK * 64)
    read: list[int] = []
    stream = service.world.objects.stream

    async def counted(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        async for chunk in stream(*args, **kwargs):
            read.append(len(chunk))
            yield chunk

    monkeypatch.setattr(service.world.objects, "stream", counted)
    [builder] = [
        one for one in http_cases.bp._function_builders if one._function.get_function_name() == "get_case"
    ]
    request = make_request("GET", "/", headers={"accept": ZIP}, route={"year": YEAR, "id": CASE_ID})
    response = await user_function(builder)(request)
    held_at_first = sum(read)
    assert held_at_first <= 5 * CHUNK * 64
    with pytest.raises(ClientDisconnect):
        await receive_answer(response, leave_after=3)
    assert sum(read) < 12 * CHUNK * 64


@pytest.mark.parametrize("error", [ObjectChangedError("replaced"), BackendUnavailableError("gone")])
@pytest.mark.parametrize("query", ["", "strict=true"])
async def test_what_breaks_off_on_the_way_is_no_zip(
    service: Service, monkeypatch: pytest.MonkeyPatch, error: Exception, query: str
) -> None:
    """The connection breaks after the views before it, so that nobody takes what came for the whole."""
    await put_large_case(service)
    service.world.reports.texts[YEAR, CASE_ID] = REPORT
    stream = service.world.objects.stream

    async def broken(key: ObjectKey, *args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        async for chunk in stream(key, *args, **kwargs):
            yield chunk[:CHUNK]
            if "R__CC" in key.name:
                raise error
            yield chunk[CHUNK:]

    monkeypatch.setattr(service.world.objects, "stream", broken)
    with pytest.raises(type(error)):
        files_of(await ask(service, query, accept=ZIP))


async def test_each_file_of_a_zip_is_dicom(service: Service) -> None:
    """C000-9: as pydicom reads it, byte for byte what was dropped."""
    await put_case(service)
    files = files_of(await ask(service, accept=ZIP))
    read = dcmread(io.BytesIO(files["dicom/L__CC.dcm"]))
    assert read.pixel_array.shape == (read.Rows, read.Columns)
    assert not [name for name in files if name.endswith((".pkl", ".pickle"))]
