"""`scale=minmax` gives the pixels of the forerunner, and something where that failed."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

from shared.pixels.min_max import min_max


def forerunner(arr: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
    """Return what the forerunner made of an image: its arithmetic, line by line."""
    arr = arr - np.min(arr)
    scaled = arr / np.max(arr)
    scaled = scaled * 255
    return scaled.astype(np.uint8)


@settings(max_examples=200, deadline=None)
@given(arrays.arrays(np.uint16, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_unsigned_words_are_shown_as_the_forerunner_showed_them(arr: npt.NDArray[np.uint16]) -> None:
    """C000-8: to the last pixel, cut and not rounded. A constant image divided by zero there."""
    if arr.min() == arr.max():
        assert min_max(arr, 8).tolist() == np.zeros(arr.shape).tolist()
    else:
        assert min_max(arr, 8).tolist() == forerunner(arr).tolist()


def test_every_word_there_is_is_shown_as_the_forerunner_showed_it() -> None:
    """C000-8: all 65536 of them, and those of twelve bits, from where they begin."""
    for arr in (np.arange(65536), np.arange(4096), np.arange(317, 3000)):
        words = arr.astype(np.uint16).reshape(1, -1)
        shown = min_max(words, 8)
        assert shown.dtype == np.uint8
        assert np.array_equal(shown, forerunner(words))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64])
def test_the_whole_range_of_a_type_does_not_overflow(kind: type) -> None:
    """C000-8: on signed words the forerunner's difference did."""
    limits = np.iinfo(kind)
    shown = min_max(np.array([[limits.min, (limits.min + limits.max) // 2, limits.max]], kind), 8)
    assert shown.tolist() == [[0, 127, 255]]


def test_sixteen_bits_keep_what_eight_lose() -> None:
    """The same arithmetic with another greatest value."""
    shown = min_max(np.array([[1000, 1001, 5095]], np.uint16), 16)
    assert shown.dtype == np.uint16
    assert shown.tolist() == [[0, 16, 65535]]


def test_floats_that_are_no_numbers_are_black() -> None:
    """They neither count for the range nor end the rendering; nor does an image without any number."""
    assert min_max(np.array([[np.nan, -np.inf, 1, 3]], np.float32), 8).tolist() == [[0, 0, 0, 255]]
    assert min_max(np.full((2, 2), np.nan, np.float32), 8).tolist() == [[0, 0], [0, 0]]


def test_colours_are_spread_together() -> None:
    """As the forerunner did, whose arithmetic knew no channels."""
    colours = np.array([[[10, 20, 30], [40, 50, 60]]], np.uint8)
    assert min_max(colours, 8).tolist() == [[[0, 51, 102], [153, 204, 255]]]
