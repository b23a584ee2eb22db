"""What is shown is what the standard's arithmetic gives, and what pydicom's gives."""

import base64
import io
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRLittleEndian

from shared.errors import DamagedDicomError, InvalidQueryError, UnsupportedQueryError
from shared.pixels.grey import shown_grey
from shared.pixels.image_attributes import frame_attributes, image_attributes
from shared.pixels.lookup_tables import palette
from shared.pixels.picture import JPEG, PNG, fit, make_picture
from shared.pixels.rendering_parameters import Rendering, Viewport, Window, WindowFunction, parse_rendering
from tests.unit.pixels.images import bundled_images, described, first_frame, grey_attributes, json_of
from tests.unit.pixels.test_decode_frame import NOT_DECODED

IMAGES = {name: data_set for name, data_set in bundled_images() if name not in NOT_DECODED}
GREY = [name for name, data_set in IMAGES.items() if data_set.PhotometricInterpretation.startswith("MONO")]
PALETTES = [
    name for name, data_set in IMAGES.items() if data_set.PhotometricInterpretation == "PALETTE COLOR"
]
COLOUR = [name for name in IMAGES if name not in GREY and name not in PALETTES]


def rendered(name: str, media_type: str = PNG, **rendering: Any) -> npt.NDArray[np.uint8]:
    """Return the pixels of the picture of a bundled file."""
    data_set = IMAGES[name]
    picture = make_picture(
        first_frame(data_set),
        described(data_set),
        frame_attributes(json_of(data_set), 1),
        str(data_set.file_meta.TransferSyntaxUID),
        byte_order="<" if data_set.original_encoding[1] else ">",
        rendering=Rendering(**rendering),
        media_type=media_type,
    )
    return np.asarray(Image.open(io.BytesIO(picture)))


def first_pixels(data_set: Any) -> npt.NDArray[Any]:
    """Return the first frame as pydicom decodes it."""
    pixels: npt.NDArray[Any] = data_set.pixel_array
    return pixels[0] if int(data_set.get("NumberOfFrames") or 1) > 1 else pixels


@pytest.mark.parametrize("name", GREY)
def test_grey_is_what_pydicoms_luts_give(name: str) -> None:
    """Modality LUT and VOI LUT or window where the file has one, else the range of its values."""
    data_set = IMAGES[name]
    values = np.asarray(apply_modality_lut(first_pixels(data_set), data_set), np.float64)
    low, high = values.min(), values.max()
    has_window = data_set.get("WindowWidth") and "VOILUTSequence" not in data_set
    if has_window:
        values = np.asarray(apply_voi_lut(values, data_set), np.float64)
        # pydicom gives the range that the stored bits can have after the modality LUT.
        stored = np.array([-(2 ** (data_set.BitsStored - 1)), 2 ** (data_set.BitsStored - 1) - 1])
        stored = stored if data_set.PixelRepresentation else np.array([0, 2**data_set.BitsStored - 1])
        low, high = np.asarray(apply_modality_lut(stored, data_set))
    expected = np.zeros(values.shape) if high == low else (values - low) / (high - low) * 255
    if data_set.PhotometricInterpretation == "MONOCHROME1":
        expected = 255 - expected

    assert np.abs(rendered(name) - expected).max() <= 0.51


@pytest.mark.parametrize("name", PALETTES)
def test_a_palette_is_what_pydicom_makes_of_it(name: str) -> None:
    """Entries of 16 bits are shown by their upper 8."""
    expected = apply_color_lut(first_pixels(IMAGES[name]), IMAGES[name]) >> 8

    assert np.array_equal(expected, rendered(name))


@pytest.mark.parametrize("name", COLOUR)
def test_colours_are_those_that_pydicom_decodes(name: str) -> None:
    """Shown as they are; deeper samples by their upper 8 bits."""
    pixels = first_pixels(IMAGES[name])
    expected = pixels >> (IMAGES[name].BitsStored - 8)

    assert np.array_equal(expected, rendered(name))


def test_there_are_images_of_each_kind() -> None:
    """Else the tests above show nothing."""
    assert (len(GREY) > 20, len(PALETTES) > 0, len(COLOUR) > 20) == (True, True, True)


def shown(pixels: Any, kind: Any = np.int16, window: Window | None = None, **changes: Any) -> list[int]:
    """Return the grey of a row of stored values."""
    row = np.array([pixels], dtype=kind)
    grey: list[int] = shown_grey(row, grey_attributes(**changes), "<", window=window)[0].tolist()
    return grey


def test_a_linear_window_is_the_standards() -> None:
    """PS3.3 C.11.2.1.2.1: c=2048, w=4096 maps 0 to 0, 4095 to the most, and 1365 to a third of it."""
    window = Window(2048, 4096)

    assert shown([-1, 0, 1365, 4095, 4096], window=window) == [0, 0, 85, 255, 255]


def test_a_linear_window_of_width_one_is_a_threshold() -> None:
    """PS3.3 C.11.2.1.2.1, note 3: values above c - 0.5 are white."""
    assert shown([9, 10, 11], window=Window(10, 1)) == [0, 255, 255]


def test_an_exact_window_is_the_standards() -> None:
    """PS3.3 C.11.2.1.3.2: half a width to each side of the centre."""
    window = Window(100, 100, WindowFunction.LINEAR_EXACT)

    assert shown([50, 51, 100, 149, 150], window=window) == [0, 3, 128, 252, 255]


def test_a_sigmoid_window_is_the_standards() -> None:
    """PS3.3 C.11.2.1.3.1: at the centre half, a width above it 1 / (1 + exp(-4))."""
    window = Window(100, 50, WindowFunction.SIGMOID)

    assert shown([-30000, 50, 100, 150, 30000], window=window) == [0, 5, 128, 250, 255]


@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.int32, np.float32, np.uint8])
def test_every_kind_of_sample_is_windowed_alike(kind: Any) -> None:
    """Narrow samples go by a table, wide ones by arithmetic."""
    assert shown([0, 50, 100, 120], kind, Window(50.5, 101)) == [0, 128, 255, 255]


def test_the_first_window_of_several_applies_after_the_rescale() -> None:
    """Its centre is in the units of the modality LUT."""
    changes = {"t00281053": 2, "t00281052": -100}
    attributes = grey_attributes(**changes) | {
        "00281050": {"vr": "DS", "Value": [0, 500]},
        "00281051": {"vr": "DS", "Value": [101, 10]},
    }

    grey = shown_grey(np.array([[0, 50, 100]], np.int16), attributes, "<", window=None)

    assert grey.tolist() == [[0, 129, 255]]


def test_padding_does_not_count_for_the_range() -> None:
    """PixelPaddingValue, with and without a range limit."""
    assert shown([-2000, 0, 100]) == [0, 243, 255]
    assert shown([-2000, 0, 100], t00280120=-2000) == [0, 0, 255]
    assert shown([-2000, -1990, 0, 100], t00280120=-2000, t00280121=-1990) == [0, 0, 0, 255]


def test_a_constant_image_is_flat() -> None:
    """There is no range to spread; neither is there if all is padding, or nothing is finite."""
    assert shown([7, 7, 7]) == [0, 0, 0]
    assert shown([7, 7, 7], t00280120=7) == [0, 0, 0]
    assert shown([np.nan, np.nan], np.float32) == [0, 0]


def test_monochrome1_is_inverted() -> None:
    """The least value is white."""
    assert shown([0, 50, 100], t00280004="MONOCHROME1") == [255, 128, 0]


@pytest.mark.parametrize("width", [0, -5, 0.5])
def test_a_window_without_meaning_is_none(width: float) -> None:
    """A file may say anything; the range of the values is spread instead."""
    assert shown([0, 50, 100], t00281050=1, t00281051=width) == [0, 128, 255]


def binary(values: list[int], kind: str) -> dict[str, Any]:
    """Return a binary element."""
    return {"vr": "OW", "InlineBinary": base64.b64encode(np.array(values, kind).tobytes()).decode()}


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_lookup_tables_clamp_at_both_ends(byte_order: str) -> None:
    """A VOI LUT from -1 on with four entries of 12 bits, before which a modality LUT of values stands."""
    modality = {
        "00283002": {"vr": "US", "Value": [3, 10, 16]},
        "00283006": {"vr": "US", "Value": [0, 1, 2]},
    }
    voi = {
        "00283002": {"vr": "US", "Value": [3, 0, 12]},
        "00283006": binary([0, 2047, 4095], f"{byte_order}u2"),
    }
    attributes = grey_attributes() | {
        "00283000": {"vr": "SQ", "Value": [modality]},
        "00283010": {"vr": "SQ", "Value": [voi]},
    }

    grey = shown_grey(np.array([[0, 10, 11, 12, 99]], np.uint16), attributes, byte_order, window=None)

    assert grey.tolist() == [[0, 0, 127, 255, 255]]


def test_a_segmented_palette_is_expanded() -> None:
    """Two discrete entries, a line of three, and the first segment again."""
    segments = [0, 2, 10, 40, 1, 3, 100, 2, 1, 0, 0]
    attributes = {
        **{f"0028110{number}": {"vr": "US", "Value": [7, 0, 16]} for number in (1, 2, 3)},
        **{f"0028122{number}": binary(segments, "<u2") for number in (1, 2, 3)},
    }

    red, _, _ = palette(attributes, "<", is_signed=False)

    assert red.entries.tolist() == [10, 40, 60, 80, 100, 10, 40]


@pytest.mark.parametrize(
    "segments", [[], [1, 3, 100], [2, 1, 0, 0], [0, 1, 9, 2, 65535, 0, 0], [7, 7, 7], [0, 65535]]
)
def test_a_palette_that_never_fills_is_damaged(segments: list[int]) -> None:
    """Segments that repeat themselves, that name no kind, or that end early."""
    attributes = {
        **{f"0028110{number}": {"vr": "US", "Value": [0, 0, 16]} for number in (1, 2, 3)},
        **{f"0028122{number}": binary(segments, "<u2") for number in (1, 2, 3)},
    }

    with pytest.raises(DamagedDicomError):
        palette(attributes, "<", is_signed=False)


NUMBERS = st.integers(-(2**70), 2**70)


@settings(max_examples=100, deadline=None)
@given(
    descriptor=st.lists(NUMBERS, min_size=2, max_size=4),
    data=st.lists(NUMBERS, max_size=20),
    window=st.tuples(st.floats(), st.floats()),
    rescale=st.tuples(st.floats(), st.floats()),
)
def test_hostile_tables_and_windows_give_grey_or_are_refused(
    descriptor: list[int], data: list[int], window: tuple[float, float], rescale: tuple[float, float]
) -> None:
    """Whatever numbers a file holds, nothing else is raised."""
    item = {"00283002": {"vr": "UV", "Value": descriptor}, "00283006": {"vr": "UV", "Value": data}}
    attributes = grey_attributes(
        t00281050=window[0], t00281051=window[1], t00281052=rescale[0], t00281053=rescale[1]
    )
    pixels = np.array([[-32768, 0, 32767]], np.int16)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert shown_grey(pixels, attributes, "<", window=None).shape == (1, 3)
        try:
            grey = shown_grey(
                pixels, attributes | {"00283010": {"vr": "SQ", "Value": [item]}}, "<", window=None
            )
        except DamagedDicomError:
            return
        assert grey.shape == (1, 3)


def test_functional_groups_go_before_the_image() -> None:
    """Shared ones, then those of the frame."""
    attributes = {
        "00281053": {"vr": "DS", "Value": [1]},
        "52009229": {"vr": "SQ", "Value": [{"00289145": {"vr": "SQ", "Value": [{"00281053": 2}]}}]},
        "52009230": {"vr": "SQ", "Value": [{}, {"00289145": {"vr": "SQ", "Value": [{"00281053": 3}]}}]},
    }

    assert [frame_attributes(attributes, number)["00281053"] for number in (1, 2)] == [2, 3]


def test_jpeg_quality_counts() -> None:
    """Less quality, fewer bytes; both are close to the picture."""
    exact = rendered("CT_small.dcm").astype(int)
    good = rendered("CT_small.dcm", JPEG, quality=95).astype(int)
    poor = rendered("CT_small.dcm", JPEG, quality=5).astype(int)

    assert np.abs(good - exact).mean() < 2 < np.abs(poor - exact).mean()


@pytest.mark.parametrize(
    ("viewport", "size"),
    [
        (Viewport(10, 10), (10, 5)),
        (Viewport(100, 100), (100, 50)),
        (Viewport(6, 100), (6, 3)),
        (Viewport(7, 7, 0, 0, 1, None), (1, 7)),
        (Viewport(20, 20, 15, 5), (20, 20)),
        (Viewport(1, 1), (1, 1)),
    ],
)
def test_a_picture_fits_its_viewport(viewport: Viewport, size: tuple[int, int]) -> None:
    """As large as it can be with its aspect kept: the picture has 20 columns and 10 rows."""
    assert fit(Image.new("L", (20, 10)), viewport).size == size


def test_a_region_is_cut_out_and_flipped() -> None:
    """Negative sizes flip."""
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))

    cut = np.asarray(fit(picture, Viewport(2, 2, 1, 0, 2, 2)))
    flipped = np.asarray(fit(picture, Viewport(2, 2, 1, 0, -2, -2)))

    assert cut.tolist() == [[1, 2], [5, 6]]
    assert flipped.tolist() == [[6, 5], [2, 1]]


@pytest.mark.parametrize(
    "viewport", [Viewport(5, 5, 20, 0), Viewport(5, 5, 0, 0, 21, 10), Viewport(5, 5, 19, 9, 2, 1)]
)
def test_a_region_outside_the_picture_is_refused(viewport: Viewport) -> None:
    """Rather than filled up."""
    with pytest.raises(InvalidQueryError):
        fit(Image.new("L", (20, 10)), viewport)


def test_a_window_on_colours_is_refused() -> None:
    """It would be ignored otherwise."""
    with pytest.raises(UnsupportedQueryError):
        rendered(COLOUR[0], window=Window(1, 2))


def test_parameters_are_read() -> None:
    """All of them, in their longest form."""
    parameters = {"quality": "100", "viewport": "10,20,1.5,,-3,4", "window": "-40.5,4e2,sigmoid", "x": "y"}

    assert parse_rendering(parameters) == Rendering(
        100, Viewport(10, 20, 1.5, 0, -3, 4), Window(-40.5, 400, WindowFunction.SIGMOID)
    )
    assert parse_rendering({"iccprofile": "no"}) == Rendering()


@pytest.mark.parametrize(
    "parameter",
    [
        *(f"quality={text}" for text in ("0", "101", "x", "", "1.5", "-1")),
        *(
            f"viewport={text}"
            for text in ("", "1", "0,1", "1,0", "1,2,3", "1,2,3,4,5", "a,b", "9999,1", "-1,1")
        ),
        *(f"viewport=1,1,{text}" for text in ("-1,0,1,1", "0,-1,1,1", "0,0,0,1", "0,0,1,0", "x,0,1,1")),
        *(
            f"window={text}"
            for text in ("", "1", "1,2", "1,2,x", "1,2,linear,3", "x,2,linear", "1,0.5,linear")
        ),
        *(f"window={text}" for text in ("1,0,sigmoid", "1,-1,linear-exact", "nan,1,linear", "1,inf,linear")),
    ],
)
def test_a_parameter_without_meaning_is_refused(parameter: str) -> None:
    """W24: none is ignored."""
    name, _, value = parameter.partition("=")

    with pytest.raises(InvalidQueryError):
        parse_rendering({name: value})


@pytest.mark.parametrize("parameter", ["annotation=patient", "iccprofile=srgb", "presentationuid=1.2"])
def test_a_parameter_that_is_not_honoured_is_refused(parameter: str) -> None:
    """It has a meaning, but would be ignored."""
    name, _, value = parameter.partition("=")

    with pytest.raises(UnsupportedQueryError):
        parse_rendering({name: value})


def test_a_two_row_image_is_a_png_of_its_size() -> None:
    """From the bytes to the picture, by hand."""
    image = image_attributes(grey_attributes(), pixel_tag=0x7FE00010, pixel_vr="OW")
    frame = np.array([0, 1, 2, 3, 4, 5], "<u2").tobytes()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = make_picture(
            frame,
            image,
            grey_attributes(),
            ExplicitVRLittleEndian,
            byte_order="<",
            rendering=Rendering(),
            media_type=PNG,
        )

    assert np.asarray(Image.open(io.BytesIO(picture))).tolist() == [[0, 51, 102], [153, 204, 255]]
