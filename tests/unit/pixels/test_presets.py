"""An image's own windows and tables are listed and chosen; polarity and padding are as they should be, in both depths."""

import base64
from typing import Any

import numpy as np
import pytest

from shared.errors import InvalidQueryError
from shared.pixels.grey import shown_grey
from shared.pixels.presets import choose_preset, presets_of
from shared.pixels.rendering_parameters import Window, WindowFunction
from tests.unit.pixels.images import grey_attributes

WINDOWS = {
    "00281050": {"vr": "DS", "Value": [50.5, 100.5, 7]},
    "00281051": {"vr": "DS", "Value": [101, 201, 0]},
    "00281055": {"vr": "LO", "Value": ["Normal", "Softer"]},
}


def table(*entries: int, explanation: str = "") -> dict[str, Any]:
    """Return an item of the VOI LUT Sequence, of 8 bits from 0 on."""
    data = base64.b64encode(np.array(entries, "<u2").tobytes()).decode()
    return {
        "00283002": {"vr": "US", "Value": [len(entries), 0, 8]},
        "00283003": {"vr": "LO", "Value": [explanation]},
        "00283006": {"vr": "OW", "InlineBinary": data},
    }


TABLES = {"00283010": {"vr": "SQ", "Value": [table(0, 255), table(255, 0, explanation="Harder")]}}


def shown(values: list[int], attributes: dict[str, Any], kind: Any = np.uint16, **how: Any) -> list[int]:
    """Return the grey of a row of stored values."""
    row = shown_grey(np.array([values], kind), attributes, "<", window=how.pop("window", None), **how)
    grey: list[int] = row[0].tolist()
    return grey


def test_tables_are_listed_before_windows_and_windows_without_meaning_are_not() -> None:
    """The first of the list is what is shown unless another is asked for."""
    presets = presets_of(grey_attributes() | WINDOWS | TABLES)
    assert [(preset.explanation, preset.window) for preset in presets] == [
        ("", None),
        ("Harder", None),
        ("Normal", Window(50.5, 101)),
        ("Softer", Window(100.5, 201)),
    ]
    assert presets_of(grey_attributes()) == []


def test_the_function_of_a_file_is_that_of_its_windows() -> None:
    """SIGMOID and LINEAR_EXACT take widths below 1."""
    attributes = {
        "00281050": {"vr": "DS", "Value": [5]},
        "00281051": {"vr": "DS", "Value": [0.5]},
        "00281056": {"vr": "CS", "Value": ["SIGMOID"]},
    }
    assert presets_of(attributes)[0].window == Window(5, 0.5, WindowFunction.SIGMOID)
    assert presets_of(attributes | {"00281056": {"vr": "CS", "Value": ["LINEAR"]}}) == []


@pytest.mark.parametrize("wanted", ["1", "Normal", "normal", " NORMAL "])
def test_a_preset_is_chosen_by_number_or_explanation(wanted: str) -> None:
    """C000-8: of several windows."""
    attributes = grey_attributes() | WINDOWS
    assert shown([0, 50, 100], attributes, preset=wanted) == [0, 128, 255]
    assert shown([0, 100, 200], attributes, preset="Softer") == [0, 128, 255]
    assert shown([0, 100, 200], attributes, preset="2") == [0, 128, 255]


@pytest.mark.parametrize("wanted", ["3", "0", "-1", "Secret", "99999", "1.5"])
def test_a_preset_that_is_none_is_refused(wanted: str) -> None:
    """By saying how many there are, and none of the file's words."""
    with pytest.raises(InvalidQueryError, match="2 presets") as refused:
        choose_preset(presets_of(WINDOWS), wanted)
    assert "Normal" not in str(refused.value)


def test_a_table_of_several_is_chosen() -> None:
    """C000-8: VOI LUT Sequence, its second item as well as its first."""
    attributes = grey_attributes() | TABLES | WINDOWS
    assert shown([0, 1, 9], attributes) == [0, 255, 255]
    assert shown([0, 1, 9], attributes, preset="Harder") == [255, 0, 0]
    assert shown([0, 50, 100], attributes, preset="3") == [0, 128, 255]


def test_sixteen_bits_have_the_same_grey_more_finely() -> None:
    """C000-8: window, rescale and inversion alike in both depths."""
    attributes = grey_attributes(t00281053=2, t00281052=-10, t00280004="MONOCHROME1")
    values = list(range(0, 4096, 7))
    window = Window(2048, 4096)
    eight, sixteen = (np.array(shown(values, attributes, window=window, bits=bits)) for bits in (8, 16))
    assert sixteen.max() > 60000
    assert np.abs(sixteen / 257 - eight).max() <= 0.5
    assert len(set(sixteen.tolist())) > len(set(eight.tolist()))


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.int32, np.float32])
def test_padding_is_background_whatever_the_window(photometric: str, bits: int, kind: Any) -> None:
    """C000-8: black, where a window would have made it grey or the inversion white; a range of values too."""
    attributes = grey_attributes(t00280004=photometric, t00280120=60, t00280121=70)
    row = shown([40, 60, 65, 70, 80], attributes, kind, window=Window(50, 200), bits=bits)
    assert row[1:4] == [0, 0, 0]
    assert min(row[0], row[4]) > 0
    assert shown([5, 5, 65], attributes, kind, bits=bits)[2] == 0


def test_padding_written_as_an_unsigned_number_is_understood() -> None:
    """Of signed pixels: 63536 is -2000, as explicit VR US has it."""
    attributes = grey_attributes(t00280120=63536)
    assert shown([-2000, 0, 100], attributes, np.int16, window=Window(-2000, 400)) == [0, 255, 255]


@pytest.mark.parametrize("bits", [8, 16])
def test_a_constant_image_is_flat_in_both_depths(bits: int) -> None:
    """C000-8: and no error."""
    assert shown([7, 7, 7], grey_attributes(), bits=bits) == [0, 0, 0]
