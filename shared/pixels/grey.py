"""Turn stored grey values to the grey that is shown: modality LUT, VOI LUT or window, polarity. It decodes nothing.

Source: PS3.3 2024e §C.11.1, §C.11.2 and §C.7.6.3.1.2
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from shared.pixels.image_attributes import Attributes, first_number, first_text, items
from shared.pixels.lookup_tables import grey_table
from shared.pixels.rendering_parameters import Window, WindowFunction

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    type Curve = Callable[[npt.NDArray[Any]], npt.NDArray[np.float64]]

_ROWS_AT_ONCE: Final = 256
"""Rows of wide samples that are computed in one piece, which bounds what is held in between."""
_FUNCTIONS: Final = {"LINEAR_EXACT": WindowFunction.LINEAR_EXACT, "SIGMOID": WindowFunction.SIGMOID}


def shown_grey(
    pixels: "npt.NDArray[Any]", attributes: Attributes, byte_order: str, *, window: Window | None
) -> "npt.NDArray[np.uint8]":
    """Return *pixels* as they are shown, from 0 black to 255 white.

    A given *window* goes before the image's own VOI LUT, that before its first window; without either the range of
    the image's values is spread, padding left out.

    Args:
        pixels: Stored values of one frame.
        attributes: That hold for the frame.
        byte_order: Of the image's binary values, "<" or ">".
        window: On the values that the modality LUT gives.

    Raises:
        DamagedDicomError: A lookup table is damaged.
    """
    modality = _modality_curve(attributes, byte_order, is_signed=pixels.dtype.kind == "i")
    voi = _voi_curve(attributes, byte_order, window, is_signed=pixels.dtype.kind == "i")
    if voi is None:
        voi = _spread(*_range_of(pixels, attributes, modality))
    inverted = first_text(attributes, "00280004") == "MONOCHROME1"
    return _apply(pixels, modality, voi, inverted=inverted)


def _apply(
    pixels: "npt.NDArray[Any]", modality: "Curve", voi: "Curve", *, inverted: bool
) -> "npt.NDArray[np.uint8]":
    """Return the grey of each pixel: narrow values by a table of all there can be, wide ones row by row."""
    import numpy as np

    def shown(values: "npt.NDArray[Any]") -> "npt.NDArray[np.uint8]":
        grey = np.clip(np.nan_to_num(voi(modality(values)), nan=0.0), 0.0, 1.0)
        return np.rint((1.0 - grey if inverted else grey) * 255).astype(np.uint8)

    if pixels.dtype.kind in "iu" and pixels.dtype.itemsize <= 2:
        limits = np.iinfo(pixels.dtype)
        table = shown(np.arange(limits.min, limits.max + 1))
        # A negative index counts from the end, so a table that begins at zero serves signed values too.
        by_index = np.roll(table, limits.min)
        narrow: npt.NDArray[np.uint8] = by_index[pixels]
        return narrow
    out = np.empty(pixels.shape, np.uint8)
    for row in range(0, len(pixels), _ROWS_AT_ONCE):
        out[row : row + _ROWS_AT_ONCE] = shown(pixels[row : row + _ROWS_AT_ONCE])
    return out


def _modality_curve(attributes: Attributes, byte_order: str, *, is_signed: bool) -> "Curve":
    import numpy as np

    for item in items(attributes, "00283000")[:1]:
        table = grey_table(item, byte_order, is_signed=is_signed)
        return lambda values: table.look_up(values).astype(np.float64)
    slope, intercept = first_number(attributes, "00281053"), first_number(attributes, "00281052")
    factor, offset = 1.0 if slope is None else slope, intercept or 0.0

    def rescaled(values: "npt.NDArray[Any]") -> "npt.NDArray[np.float64]":
        with np.errstate(all="ignore"):
            scaled: npt.NDArray[np.float64] = np.asarray(values, np.float64) * factor + offset
        return scaled

    return rescaled


def _voi_curve(
    attributes: Attributes, byte_order: str, window: Window | None, *, is_signed: bool
) -> "Curve | None":
    if window is not None:
        return windowed(window)
    for item in items(attributes, "00283010")[:1]:
        table = grey_table(
            item, byte_order, is_signed=_is_signed_after_modality(attributes, is_signed=is_signed)
        )
        return lambda values: table.look_up(values) / float(2**table.bits - 1)
    center, width = first_number(attributes, "00281050"), first_number(attributes, "00281051")
    function = _FUNCTIONS.get(first_text(attributes, "00281056").upper(), WindowFunction.LINEAR)
    if center is None or width is None or width <= 0 or (function is WindowFunction.LINEAR and width < 1):
        return None
    return windowed(Window(center, width, function))


def _is_signed_after_modality(attributes: Attributes, *, is_signed: bool) -> bool:
    """Tell whether the values that a VOI LUT looks up may be negative."""
    if items(attributes, "00283000"):
        return False
    return is_signed or (first_number(attributes, "00281052") or 0.0) < 0


def windowed(window: Window) -> "Curve":
    """Return the function that turns values to grey from 0 to 1 by a window.

    Source: PS3.3 2024e §C.11.2.1.2 and §C.11.2.1.3
    """
    import numpy as np

    center, width = window.center, window.width

    def linear(values: "npt.NDArray[Any]") -> "npt.NDArray[np.float64]":
        if width == 1:
            return (values > center - 0.5).astype(np.float64)
        return (values - (center - 0.5)) / (width - 1) + 0.5

    def linear_exact(values: "npt.NDArray[Any]") -> "npt.NDArray[np.float64]":
        return (values - center) / width + 0.5

    def sigmoid(values: "npt.NDArray[Any]") -> "npt.NDArray[np.float64]":
        with np.errstate(all="ignore"):
            return 1.0 / (1.0 + np.exp(-4.0 * (values - center) / width))

    curves: dict[WindowFunction, Curve] = {
        WindowFunction.LINEAR: linear,
        WindowFunction.LINEAR_EXACT: linear_exact,
        WindowFunction.SIGMOID: sigmoid,
    }
    return curves[window.function]


def _spread(low: float, high: float) -> "Curve":
    import numpy as np

    def spread(values: "npt.NDArray[Any]") -> "npt.NDArray[np.float64]":
        if high <= low:
            return np.zeros(values.shape)
        with np.errstate(all="ignore"):
            return (values - low) / (high - low)

    return spread


def _range_of(pixels: "npt.NDArray[Any]", attributes: Attributes, modality: "Curve") -> tuple[float, float]:
    """Return the least and the greatest value that the modality LUT gives, padding left out."""
    import numpy as np

    kept = pixels
    padding = first_number(attributes, "00280120")
    if padding is not None:
        limit = first_number(attributes, "00280121")
        low, high = sorted((padding, padding if limit is None else limit))
        kept = pixels[(pixels < low) | (pixels > high)]
    if pixels.dtype.kind == "f":
        kept = kept[np.isfinite(kept)]
    if kept.size == 0:
        return 0.0, 0.0
    ends = modality(np.array([kept.min(), kept.max()]))
    return float(ends.min()), float(ends.max())
