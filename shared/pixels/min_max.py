"""Spread the values of an image from its least to its greatest, as the forerunner of the case service did.

Neither rescale, window, polarity nor padding count: it is kept so that pictures made by either are the same.
"""

from typing import TYPE_CHECKING, Any

from shared.pixels.by_value import by_value

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def min_max(pixels: "npt.NDArray[Any]", bits: int) -> "npt.NDArray[Any]":
    """Return each value less the least, over the greatest then, times the most that *bits* hold, cut to an integer.

    For 8 bits and unsigned values that is the forerunner's arithmetic to the last pixel. A constant image, on which
    that failed, is black; so is what is no finite number.

    Args:
        pixels: Stored values of one frame.
        bits: Of the result, 8 or 16.
    """
    import numpy as np

    kind, most = (np.uint8, 255) if bits == 8 else (np.uint16, 65535)
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    # As wide as can be: of the whole range of 16 signed bits the difference has 17.
    wide = np.float64 if pixels.dtype.kind == "f" or pixels.dtype.itemsize == 8 else np.int64
    low, high = (wide(finite.min()), wide(finite.max())) if finite.size else (wide(0), wide(0))

    def spread(values: "npt.NDArray[Any]") -> "npt.NDArray[np.uint8 | np.uint16]":
        if high == low:
            return np.zeros(values.shape, kind)
        with np.errstate(all="ignore"):
            shown = (values.astype(wide) - low) / (high - low) * most
            # A table holds values that the image does not have.
            clipped: npt.NDArray[np.uint8 | np.uint16] = np.clip(
                np.nan_to_num(shown, nan=0.0), 0, most
            ).astype(kind)
        return clipped

    return by_value(pixels, spread)
