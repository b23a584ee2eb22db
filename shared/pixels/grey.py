"""Turn stored grey values to the grey that is shown: modality LUT, VOI LUT or window, polarity. It decodes nothing.

Source: PS3.3 2024e §C.11.1, §C.11.2 and §C.7.6.3.1.2
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.pixels.by_value import by_value
from shared.pixels.image_attributes import Attributes, first_number, first_text, items
from shared.pixels.lookup_tables import grey_table
from shared.pixels.presets import choose_preset, presets_of
from shared.pixels.rendering_parameters import Window, WindowFunction

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    type Curve = Callable[[npt.NDArray[Any]], npt.NDArray[np.float64]]


def shown_grey(
    pixels: "npt.NDArray[Any]",
    attributes: Attributes,
    byte_order: str,
    *,
    window: Window | None,
    preset: str = "",
    bits: int = 8,
) -> "npt.NDArray[Any]":
    """Return *pixels* as they are shown, from 0 black to all bits set, white.

    A given *window* goes before a given *preset*, that before the image's first preset; without any the range of the
    image's values is spread, padding left out. Padding is black.

    Args:
        pixels: Stored values of one frame.
        attributes: That hold for the frame.
        byte_order: Of the image's binary values, "<" or ">".
        window: On the values that the modality LUT gives.
        preset: Number or explanation of one of the image's own.
        bits: Of the result, 8 or 16.

    Raises:
        DamagedDicomError: A lookup table is damaged.
        InvalidQueryError: There is no such preset.
    """
    is_signed = pixels.dtype.kind == "i"
    modality = _modality_curve(attributes, byte_order, is_signed=is_signed)
    voi = _voi_curve(attributes, byte_order, window, preset, is_signed=is_signed)
    padding = padding_range(attributes, bits=pixels.dtype.itemsize * 8, is_signed=is_signed)
    if voi is None:
        voi = _spread(*_range_of(pixels, padding, modality))
    shown = _shown(
        modality,
        voi,
        inverted=first_text(attributes, "00280004") == "MONOCHROME1",
        padding=padding,
        bits=bits,
    )
    return by_value(pixels, shown)


def _shown(
    modality: "Curve", voi: "Curve", *, inverted: bool, padding: tuple[float, float] | None, bits: int
) -> "Callable[[npt.NDArray[Any]], npt.NDArray[Any]]":
    import numpy as np

    kind, most = (np.uint8, 255) if bits == 8 else (np.uint16, 65535)

    def shown(values: "npt.NDArray[Any]") -> "npt.NDArray[Any]":
        grey = np.clip(np.nan_to_num(voi(modality(values)), nan=0.0), 0.0, 1.0)
        result = np.rint((1.0 - grey if inverted else grey) * most).astype(kind)
        if padding is not None:
            result[(values >= padding[0]) & (values <= padding[1])] = 0
        return result

    return shown


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
    attributes: Attributes, byte_order: str, window: Window | None, preset: str, *, is_signed: bool
) -> "Curve | None":
    if window is not None:
        return windowed(window)
    presets = presets_of(attributes)
    chosen = choose_preset(presets, preset) if preset else next(iter(presets), None)
    if chosen is None:
        return None
    if chosen.table is None:
        return None if chosen.window is None else windowed(chosen.window)
    table = grey_table(
        chosen.table, byte_order, is_signed=_is_signed_after_modality(attributes, is_signed=is_signed)
    )
    return lambda values: table.look_up(values) / float(2**table.bits - 1)


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


def padding_range(attributes: Attributes, *, bits: int, is_signed: bool) -> tuple[float, float] | None:
    """Return the least and the greatest stored value that is padding, which no part of the picture is.

    Args:
        attributes: Of the image.
        bits: Of a stored value as it is allocated.
        is_signed: Whether stored values are.

    Source: PS3.3 2024e §C.7.5.1.1.2
    """
    ends = [first_number(attributes, "00280120"), first_number(attributes, "00280121")]
    if ends[0] is None:
        return None
    if is_signed:
        # A writer that took the value for an unsigned one has stored its bits.
        ends = [end - 2**bits if end is not None and end >= 2 ** (bits - 1) else end for end in ends]
    known = [end for end in ends if end is not None]
    return min(known), max(known)


def _range_of(
    pixels: "npt.NDArray[Any]", padding: tuple[float, float] | None, modality: "Curve"
) -> tuple[float, float]:
    """Return the least and the greatest value that the modality LUT gives, padding left out."""
    import numpy as np

    kept = pixels
    if padding is not None:
        kept = pixels[(pixels < padding[0]) | (pixels > padding[1])]
    if pixels.dtype.kind == "f":
        kept = kept[np.isfinite(kept)]
    if kept.size == 0:
        return 0.0, 0.0
    ends = modality(np.array([kept.min(), kept.max()]))
    return float(ends.min()), float(ends.max())
