"""Read how an image's pixels are to be understood from its DICOM JSON, and refuse what cannot be. It decodes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from shared.errors import DamagedDicomError, NotAcceptableError

type Attributes = Mapping[str, Any]
"""A data set in the DICOM JSON model, by tag as eight hexadecimal digits."""

MAX_FRAME_BYTES: Final = 256 * 1024 * 1024
"""Of one frame when it is decoded; a larger one is refused before anything is allocated for it."""

PALETTE_COLOR: Final = "PALETTE COLOR"
_SAMPLES: Final = {"MONOCHROME1": 1, "MONOCHROME2": 1, PALETTE_COLOR: 1}
_COLOUR: Final = frozenset(
    {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", "YBR_PARTIAL_422"}
)
_PIXEL_KEYWORDS: Final = {
    0x7FE0_0010: "PixelData",
    0x7FE0_0008: "FloatPixelData",
    0x7FE0_0009: "DoubleFloatPixelData",
}


@dataclass(frozen=True, slots=True)
class ImageAttributes:
    """The Image Pixel Module of one image, checked.

    Attributes:
        rows: of a frame.
        columns: of a frame.
        samples_per_pixel: 1 or 3.
        bits_allocated: 1, 8, 16, 32 or 64.
        bits_stored: at most as many as are allocated.
        pixel_representation: 0 unsigned, 1 signed.
        planar_configuration: 0 by pixel, 1 by plane.
        photometric_interpretation: as the file has it.
        pixel_keyword: PixelData, FloatPixelData or DoubleFloatPixelData.
        pixel_vr: of the pixel data, which tells how 8-bit samples lie in big endian files.

    Source: PS3.3 2024e §C.7.6.3
    """

    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    pixel_representation: int
    planar_configuration: int
    photometric_interpretation: str
    pixel_keyword: str
    pixel_vr: str

    @property
    def is_grey(self) -> bool:
        """Tell whether it has grey values, rather than colours."""
        return self.samples_per_pixel == 1 and self.photometric_interpretation != PALETTE_COLOR

    @property
    def decoded_length(self) -> int:
        """Bytes of one decoded frame."""
        return self.rows * self.columns * self.samples_per_pixel * max(self.bits_allocated // 8, 1)


def image_attributes(attributes: Attributes, *, pixel_tag: int, pixel_vr: str) -> ImageAttributes:
    """Return how the pixels of an image are to be understood.

    Args:
        attributes: Its data set.
        pixel_tag: Of its pixel data.
        pixel_vr: Of its pixel data.

    Raises:
        DamagedDicomError: An attribute is absent, or has no meaning beside the others.
        NotAcceptableError: A frame would be larger than MAX_FRAME_BYTES.
    """
    keyword = _PIXEL_KEYWORDS[pixel_tag]
    is_float = keyword != "PixelData"
    bits_allocated = _within(attributes, "00280100", "BitsAllocated", {1, 8, 16, 32, 64})
    photometric = first_text(attributes, "00280004")
    if is_float and not photometric:
        photometric = "MONOCHROME2"
    samples = _within(attributes, "00280002", "SamplesPerPixel", {1, 3}, default=1)
    if samples != _SAMPLES.get(photometric, 3 if photometric in _COLOUR else 0):
        raise DamagedDicomError(
            "(0028,0004) PhotometricInterpretation and (0028,0002) SamplesPerPixel do not describe an image"
        )
    bits_stored = first_integer(attributes, "00280101") or bits_allocated
    if not 0 < bits_stored <= bits_allocated:
        raise DamagedDicomError("(0028,0101) BitsStored is not within (0028,0100) BitsAllocated")
    image = ImageAttributes(
        rows=_within(attributes, "00280010", "Rows", range(1, 65536)),
        columns=_within(attributes, "00280011", "Columns", range(1, 65536)),
        samples_per_pixel=samples,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        pixel_representation=_within(attributes, "00280103", "PixelRepresentation", {0, 1}, default=0),
        planar_configuration=_within(attributes, "00280006", "PlanarConfiguration", {0, 1}, default=0),
        photometric_interpretation=photometric,
        pixel_keyword=keyword,
        pixel_vr=pixel_vr,
    )
    if image.decoded_length > MAX_FRAME_BYTES:
        raise NotAcceptableError(
            f"a frame has {image.decoded_length} bytes when decoded, and {MAX_FRAME_BYTES} are decoded at most;"
            " retrieve the frame with transfer-syntax=* to have it as it is stored"
        )
    return image


def frame_attributes(attributes: Attributes, frame_number: int) -> Attributes:
    """Return the attributes that hold for one frame: those of its functional groups go before those of the image.

    Args:
        attributes: The data set.
        frame_number: 1-based.

    Source: PS3.3 2024e §C.7.6.16
    """
    merged = dict(attributes)
    shared = items(attributes, "52009229")[:1]
    per_frame = items(attributes, "52009230")[frame_number - 1 : frame_number]
    for group in (*shared, *per_frame):
        for macro in (_PIXEL_VALUE_TRANSFORMATION, _FRAME_VOI_LUT):
            for item in items(group, macro)[:1]:
                merged |= item
    return merged


_PIXEL_VALUE_TRANSFORMATION: Final = "00289145"
_FRAME_VOI_LUT: Final = "00289132"


def items(attributes: Attributes, tag: str) -> list[Attributes]:
    """Return the items of a sequence; none if it is absent, empty or no sequence."""
    return [item for item in _values(attributes, tag) if isinstance(item, Mapping)]


def first_number(attributes: Attributes, tag: str) -> float | None:
    """Return the first value of an attribute if it is a finite number."""
    return next(iter(finite_numbers(attributes, tag)), None)


def finite_numbers(attributes: Attributes, tag: str) -> list[float | None]:
    """Return the values of an attribute, None in place of each that is no finite number."""
    return [
        float(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        else None
        for value in _values(attributes, tag)
    ]


def first_integer(attributes: Attributes, tag: str) -> int | None:
    """Return the first value of an attribute if it is a whole number."""
    number = first_number(attributes, tag)
    return int(number) if number is not None and number.is_integer() else None


def first_text(attributes: Attributes, tag: str) -> str:
    """Return the first value of an attribute if it is text, without spaces around; else nothing."""
    return next(iter(texts(attributes, tag)), "")


def texts(attributes: Attributes, tag: str) -> list[str]:
    """Return the values of an attribute without spaces around, nothing in place of each that is no text."""
    return [value.strip() if isinstance(value, str) else "" for value in _values(attributes, tag)]


def _values(attributes: Attributes, tag: str) -> list[Any]:
    element = attributes.get(tag)
    values = element.get("Value") if isinstance(element, Mapping) else None
    return values if isinstance(values, list) else []


def _within(
    attributes: Attributes, tag: str, keyword: str, allowed: set[int] | range, *, default: int | None = None
) -> int:
    number = first_integer(attributes, tag)
    if number is None:
        number = default
    if number is None or number not in allowed:
        raise DamagedDicomError(
            f"({tag[:4]},{tag[4:]}) {keyword} is absent or has no meaning, so there are no pixels to decode"
        )
    return number
