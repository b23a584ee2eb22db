"""Text that known devices burn into their pictures is blanked where the rules of the library deid say it stands."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import pydicom
import pytest
from pydantic import SecretStr
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from functions import _wiring
from shared.dicom.deidentification import known_devices
from tests.instances import a_dataset, part10
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service

LOGIQ = {"Modality": "US", "Manufacturer": "GE Healthcare", "ManufacturerModelName": "LOGIQ9"}
IU22 = {"Modality": "US", "Manufacturer": "Philips Medical Systems", "ManufacturerModelName": "iU22"}
LIGHTSPEED = {
    "Modality": "CT",
    "ManufacturerModelName": "LightSpeed VCT",
    "ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"],
}
ANTARES = {"Modality": "US", "Manufacturer": "SIEMENS", "ManufacturerModelName": "Antares"}


@pytest.fixture
def with_secret(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Give a service that can make pseudonyms."""
    secret = SecretStr("a secret of tests, 32 bytes long")
    service.settings = service.settings.model_copy(update={"deidentify_secret": secret})
    monkeypatch.setattr(_wiring, "settings", lambda: service.settings)
    return service


def picture(
    device: Mapping[str, Any],
    rows: int = 480,
    columns: int = 640,
    *,
    frames: int = 1,
    colour: bool = False,
    syntax: UID = ExplicitVRLittleEndian,
) -> tuple[bytes, np.ndarray[Any, np.dtype[np.uint8]]]:
    """Return a file of a device, and its pixels, of which none is black."""
    samples = 3 if colour else 1
    shape = (frames, rows, columns, samples)
    pixels = (np.indices(shape).sum(axis=0) * 7 % 255 + 1).astype(np.uint8)
    more: dict[str, Any] = {"PlanarConfiguration": 0} if colour else {}
    if frames > 1:
        more["NumberOfFrames"] = frames
    data_set = a_dataset(
        1,
        Rows=rows,
        Columns=columns,
        SamplesPerPixel=samples,
        PhotometricInterpretation="RGB" if colour else "MONOCHROME2",
        PixelData=pixels.tobytes(),
        BurnedInAnnotation="YES",
        **more,
        **device,
    )
    if syntax != ExplicitVRLittleEndian:
        data_set.compress(syntax, generate_instance_uid=False)
    return part10(data_set), pixels


async def post(service: Service, data: bytes, query: str) -> Answer:
    """Have a file de-identified."""
    headers = {"content-type": "application/dicom"}
    return await service.call(
        "deidentify", f"/deidentify?{query}", method="POST", headers=headers, body=[data]
    )


class Pictured(NamedTuple):
    """A kind of picture, and where its device writes."""

    device: Mapping[str, Any]
    rows: int
    columns: int
    blanked: tuple[tuple[int, int, int, int], ...]
    frames: int = 1
    colour: bool = False


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless])
@pytest.mark.parametrize(
    "kind",
    [
        Pictured(LOGIQ, 480, 640, ((0, 0, 640, 30),)),
        Pictured(IU22, 480, 640, ((0, 0, 640, 47),), frames=2),
        Pictured(LIGHTSPEED, 512, 512, ((0, 0, 512, 121),), colour=True),
        Pictured(ANTARES, 768, 1024, ((0, 0, 1024, 60), (200, 60, 220, 80), (800, 65, 904, 79))),
    ],
    ids=lambda kind: kind.device["ManufacturerModelName"],
)
async def test_what_a_device_writes_is_blanked_and_nothing_else(
    with_secret: Service, syntax: UID, kind: Pictured
) -> None:
    """In each frame, grey and colour, compressed or not: black there, bit for bit the same elsewhere."""
    data, pixels = picture(
        kind.device, kind.rows, kind.columns, frames=kind.frames, colour=kind.colour, syntax=syntax
    )
    answer = await post(with_secret, data, "pixels=devices")
    assert answer.status == 200, answer.body

    masked = pydicom.dcmread(BytesIO(answer.body))
    assert masked.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (masked.BurnedInAnnotation, masked.get("NumberOfFrames", 1)) == ("NO", kind.frames)
    assert "113101" in [code.CodeValue for code in masked.DeidentificationMethodCodeSequence]
    for left, top, right, bottom in kind.blanked:
        assert pixels[:, top:bottom, left:right].all()
        pixels[:, top:bottom, left:right] = 0
    assert np.array_equal(masked.pixel_array.reshape(pixels.shape), pixels)
    assert np.count_nonzero(pixels) > pixels.size // 2


async def test_only_who_asks_for_devices_gets_them(with_secret: Service) -> None:
    """Without, and for devices that no rule knows, all is as it was: refused, as nothing tells where the text is."""
    known, _ = picture(LOGIQ)
    unknown, _ = picture({"Modality": "US", "Manufacturer": "Nobody", "ManufacturerModelName": "None"})

    for data, query in (
        (known, ""),
        (known, "pixels=mask"),
        (known, "pixels=refuse"),
        (unknown, "pixels=devices"),
    ):
        answer = await post(with_secret, data, query)
        assert (answer.status, answer.json["code"]) == (422, "BurnedInPixels")
    kept = await post(with_secret, known, "pixels=keep")
    assert pydicom.dcmread(BytesIO(kept.body)).PixelData == pydicom.dcmread(BytesIO(known)).PixelData


async def test_a_rule_that_lies_outside_of_the_picture_hides_nothing(with_secret: Service) -> None:
    """The picture is smaller than the place where its device would write, so that place is not known."""
    somatom = {
        "Modality": "CT",
        "ManufacturerModelName": "SOMATOM Definition AS+",
        "SeriesDescription": "3D Lab",
    }
    beyond, _ = picture(somatom, 400, 400)
    across, pixels = picture(somatom, 400, 500)
    assert (await post(with_secret, beyond, "pixels=devices")).status == 422
    masked = await post(with_secret, across, "pixels=devices")
    pixels[:, :85, 450:] = 0
    assert np.array_equal(pydicom.dcmread(BytesIO(masked.body)).pixel_array.reshape(pixels.shape), pixels)


async def test_rectangles_and_regions_hold_beside_devices(with_secret: Service) -> None:
    """What is asked for by hand is blanked too."""
    data, pixels = picture(LOGIQ)
    answer = await post(with_secret, data, "pixels=devices&mask=0,400,640,480")
    pixels[:, :30] = pixels[:, 400:480] = 0
    masked = pydicom.dcmread(BytesIO(answer.body)).pixel_array
    assert np.array_equal(masked.reshape(pixels.shape), pixels)


@pytest.mark.parametrize(
    "device",
    [
        {"Manufacturer": "\\".join(["GE"] * 5000)},
        {"Manufacturer": "(((((a+)+)+)+)+)$" * 300, "ManufacturerModelName": "a" * 60_000},
        {"ImageType": ["X"] * 10_000},
        {"WindowWidth": None},
        {"Modality": "U\x00S\x1b$B"},
    ],
)
async def test_hostile_names_of_devices_end_in_an_answer(
    with_secret: Service, device: dict[str, Any]
) -> None:
    """They are cut to what a device is called; no rule fits, or one does."""
    values = {name: value for name, value in device.items() if value is not None}
    data_set = a_dataset(1, BurnedInAnnotation="YES")
    for name, value in values.items():
        data_set[name] = pydicom.DataElement(
            pydicom.datadict.tag_for_keyword(name), "UT" if isinstance(value, str) else "CS", value
        )
    answer = await post(with_secret, part10(data_set), "pixels=devices")
    assert answer.status in (200, 422)


async def test_without_the_extra_it_is_named_and_the_rest_goes_on(
    with_secret: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """501 says what to install; every other way works without it, and gives the same bytes."""
    data, _ = picture(LOGIQ)
    queries = ("pixels=keep", "mask=0,0,640,30")
    before = [(await post(with_secret, data, query)).body for query in queries]
    monkeypatch.setitem(sys.modules, "deid.config", None)
    known_devices._library.cache_clear()
    try:
        answer = await post(with_secret, data, "pixels=devices")
        assert (answer.status, answer.json["code"]) == (501, "NotConfigured")
        assert "requirements-pixels.txt" in answer.json["detail"]
        assert [(await post(with_secret, data, query)).body for query in queries] == before
    finally:
        known_devices._library.cache_clear()
