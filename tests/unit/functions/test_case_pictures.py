"""Pictures of the views of a case, in both depths and of every kind of image."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom.data
import pytest
from PIL import Image
from pydicom.uid import (
    UID,
    BreastTomosynthesisImageStorage,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from tests.unit.flows.builders import to_file
from tests.unit.functions.case_files import (
    CASE_ID,
    COLUMNS,
    ROWS,
    YEAR,
    a_view,
    ask,
    ask_view,
    count_calls,
    name_of,
    put,
    put_case,
    values_of,
)
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service

BUNDLED = Path(pydicom.data.__file__).parent / "test_files"
FRAMES = [np.full((ROWS, COLUMNS), number * 40, np.uint8) for number in range(1, 6)]


def pixels_of(answer: Answer) -> npt.NDArray[Any]:
    """Return the pixels of a picture that was answered."""
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png"), answer.body[:200]
    return np.asarray(Image.open(io.BytesIO(answer.body)))


def windowed(values: npt.NDArray[Any], center: float, width: float, most: int) -> npt.NDArray[np.float64]:
    """Return what a linear window makes of values. Source: PS3.3 2024e §C.11.2.1.2.1."""
    return np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1) * most


@pytest.mark.parametrize(("bits", "most"), [(8, 255), (16, 65535)])
@pytest.mark.parametrize(
    ("query", "window"),
    [
        ("", (2000.5, 4001)),
        ("&window=1500,800", (1500, 800)),
        ("&preset=2", (1000.5, 2001)),
        ("&preset=softer", (1000.5, 2001)),
        ("&scale=voi", (2000.5, 4001)),
    ],
)
async def test_a_view_is_shown_through_its_window(
    service: Service, bits: int, most: int, query: str, window: tuple[float, float]
) -> None:
    """C000-8: its first, another of its own, or one that is given, to 8 and to 16 bits."""
    await put_case(service)
    shown = pixels_of(await ask_view(service, "R__CC", f"bits={bits}{query}"))
    assert shown.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert np.abs(shown - windowed(values_of("R__CC"), *window, most)).max() <= 0.5


async def test_the_forerunners_scale_gives_the_forerunners_pixels(service: Service) -> None:
    """C000-8: of a plain image of unsigned words, whatever windows it has."""
    await put_case(service)
    arr = values_of("L__MLO")
    arr = arr - np.min(arr)
    expected = (arr / np.max(arr) * 255).astype(np.uint8)
    assert np.array_equal(pixels_of(await ask_view(service, "L__MLO", "scale=minmax")), expected)


async def test_the_same_picture_has_two_addresses(service: Service) -> None:
    """Its own, and the case's with Accept and the view as a parameter."""
    await put_case(service)
    one = await ask_view(service, "L__CC", "bits=16")
    other = await ask(service, "view=L__CC&bits=16", accept="image/png")
    assert pixels_of(one).tolist() == pixels_of(other).tolist()


async def test_a_picture_costs_one_read_of_one_object(service: Service) -> None:
    """C000-4: four pictures are four reads, and none asks for the report."""
    await put_case(service)
    calls = count_calls(service)
    await ask_view(service, "L__CC")
    assert sorted(calls) == ["cases.images_of", "index.get", "objects.read_range"]


async def test_who_has_a_picture_is_told_so(service: Service) -> None:
    """By its ETag; no cache shares it."""
    await put_case(service)
    first = await ask_view(service)
    again = await ask_view(service, if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert first.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    "query", ["bits=12", "scale=log", "frame=0", "window=1", "preset=9", "window=1,2&preset=1"]
)
async def test_a_parameter_without_meaning_is_refused(service: Service, query: str) -> None:
    """And not ignored."""
    await put_case(service)
    assert (await ask_view(service, query=query)).status == 400


async def test_a_view_that_is_not_there_is_not_found(service: Service) -> None:
    """Typed as the case is."""
    await put_case(service, without=("R__CC",))
    answer = await ask_view(service, "R__CC")
    assert (answer.status, answer.json["code"]) == (404, "CaseNotFound")
    assert (await ask_view(service, "L__CC", "frame=2")).status == 404


@pytest.mark.parametrize(
    "syntax", [DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless]
)
@pytest.mark.parametrize("bits", [8, 16])
async def test_compressed_views_are_shown_alike(service: Service, syntax: str, bits: int) -> None:
    """C000-8: without a loss, to the last pixel."""
    data_set = a_view()
    data_set.file_meta = pydicom.dataset.FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    if UID(syntax).is_encapsulated:
        data_set.compress(syntax, values_of("L__CC"), generate_instance_uid=False)
    file = to_file(data_set, transfer_syntax_uid=syntax)
    if UID(syntax).is_encapsulated:
        buffer = io.BytesIO()
        data_set.file_meta.MediaStorageSOPClassUID = data_set.SOPClassUID
        data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
        data_set.save_as(buffer, enforce_file_format=True)
        file = buffer.getvalue()
    await put(service, name_of("L__CC"), file)
    shown = pixels_of(await ask_view(service, query=f"bits={bits}"))
    expected = windowed(values_of("L__CC"), 2000.5, 4001, 2**bits - 1)
    assert np.abs(shown - expected).max() <= 0.5


@pytest.mark.parametrize(
    ("name", "is_grey"),
    [
        ("JPEG-lossy.dcm", True),
        ("MR_small_jpeg_ls_lossless.dcm", True),
        ("MR_small_RLE.dcm", True),
        ("JPEG2000.dcm", True),
        ("SC_rgb_jpeg_dcmtk.dcm", False),
        ("examples_palette.dcm", False),
    ],
)
async def test_images_of_others_are_shown(service: Service, name: str, is_grey: bool) -> None:  # noqa: FBT001
    """C000-8: colours in 8 bits, which is said to who wants 16."""
    await put(service, name_of("L__CC"), (BUNDLED / name).read_bytes())
    shown = pixels_of(await ask_view(service))
    assert shown.ndim == (2 if is_grey else 3)
    assert shown.std() > 0
    assert (await ask_view(service, query="bits=16")).status == (200 if is_grey else 400)


async def test_an_image_without_a_number_of_frames_is_shown(service: Service) -> None:
    """C000-8: as single frames usually are; the forerunner failed."""
    data_set = a_view()
    assert "NumberOfFrames" not in data_set
    await put(service, name_of("L__CC"), to_file(data_set))
    assert pixels_of(await ask_view(service)).shape == (ROWS, COLUMNS)


async def test_a_constant_image_is_flat(service: Service) -> None:
    """C000-8: in each depth and scale; the forerunner divided by zero."""
    flat = np.full((ROWS, COLUMNS), 700, np.uint16).tobytes()
    data_set = a_view(PixelData=flat, WindowCenter=None, WindowWidth=None)
    await put(service, name_of("L__CC"), to_file(data_set))
    for query in ("", "bits=16", "scale=minmax", "scale=minmax&bits=16"):
        assert set(pixels_of(await ask_view(service, query=query)).ravel().tolist()) == {0}


async def test_monochrome1_is_inverted_and_its_padding_black(service: Service) -> None:
    """C000-8: where the padding value is the greatest, as many mammographs have it."""
    values = values_of("L__CC")
    values[:, :5] = 4095
    attributes: dict[str, Any] = {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 4095}
    await put(service, name_of("L__CC"), to_file(a_view(PixelData=values.tobytes(), **attributes)))
    shown = pixels_of(await ask_view(service))
    assert shown[:, :5].max() == 0
    assert np.abs(shown[:, 5:] - (255 - windowed(values[:, 5:], 2000.5, 4001, 255))).max() <= 0.5


def tomosynthesis() -> bytes:
    """Return an image of five frames, each of one value."""
    return to_file(
        a_view(
            SOPClassUID=BreastTomosynthesisImageStorage,
            NumberOfFrames=len(FRAMES),
            BitsAllocated=8,
            BitsStored=8,
            HighBit=7,
            WindowCenter=127.5,
            WindowWidth=256,
            WindowCenterWidthExplanation=None,
            PixelData=b"".join(frame.tobytes() for frame in FRAMES),
        )
    )


@pytest.mark.parametrize(("query", "value"), [("", 120), ("frame=1", 40), ("frame=5", 200)])
async def test_a_tomosynthesis_is_shown_by_its_middle_frame_or_the_one_asked_for(
    service: Service, query: str, value: int
) -> None:
    """C000-8: frames count from 1."""
    await put(service, name_of("L__CC"), tomosynthesis())
    shown = pixels_of(await ask_view(service, query=query))
    assert np.abs(shown.astype(int) - value).max() <= 1
    view = (await ask(service)).json["views"]["L__CC"]
    assert (view["number_of_frames"], view["frame_number"]) == (5, 3)
    assert (await ask_view(service, query="frame=6")).status == 404


async def test_a_table_that_lies_in_the_object_is_read(service: Service) -> None:
    """C000-8: VOI LUT Sequence, one of two that are too large for the metadata."""
    items = []
    for explanation, entries in (("First", range(4096)), ("Turned", range(4095, -1, -1))):
        item = pydicom.Dataset()
        item.LUTDescriptor = [4096, 0, 12]
        item.LUTExplanation = explanation
        item.LUTData = np.array(entries, "<u2").tobytes()
        item["LUTData"].VR = "OW"
        items.append(item)
    await put(service, name_of("L__CC"), to_file(a_view(VOILUTSequence=items)))
    expected = values_of("L__CC") / 4095 * 65535
    first = pixels_of(await ask_view(service, query="bits=16"))
    turned = pixels_of(await ask_view(service, query="bits=16&preset=turned"))
    assert np.abs(first - expected).max() <= 0.5
    assert np.abs(turned - (65535 - expected)).max() <= 0.5


async def test_what_cannot_be_shown_is_no_failure_of_the_server(service: Service) -> None:
    """An instance without pixels, and pixels that are none."""
    without = a_view()
    del without.PixelData
    await put(service, name_of("L__CC"), to_file(without))
    await put(service, name_of("R__CC"), to_file(a_view("R__CC", 2, Rows=30000)))
    assert (await ask_view(service, "L__CC")).status == 406
    assert (await ask_view(service, "R__CC")).status == 422
    case = await ask(service)
    assert case.json["views"]["L__CC"]["picture"] is None
    assert (case.json["year"], case.json["id"]) == (YEAR, CASE_ID)
