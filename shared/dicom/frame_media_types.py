"""In which media types frames can be sent, and which transfer syntax each of them means. It encodes nothing.

Source: PS3.18 2024e §8.7.3.3.2, Table 8.7.3-5
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.dicom.media_types import Offer
from shared.dicom.tags import EXPLICIT_VR_LITTLE_ENDIAN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.dicom.media_types import Choice

BYTES: Final = "application/octet-stream"
JPEG_2000_LOSSLESS: Final = "1.2.840.10008.1.2.4.90"
JPEG_2000: Final = "image/jp2"
_COMPRESSED: Final[Mapping[str, tuple[str, ...]]] = {
    JPEG_2000: (JPEG_2000_LOSSLESS, "1.2.840.10008.1.2.4.91"),
    "image/jpeg": (
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.4.51",
        "1.2.840.10008.1.2.4.57",
    ),
    "image/jls": ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"),
    "image/jpx": ("1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93"),
    "image/jphc": ("1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203"),
    "image/dicom-rle": ("1.2.840.10008.1.2.5",),
}
"""Transfer syntaxes by media type, the one that it means by itself first."""


def frame_offers(stored: str, *, several: bool) -> list[Offer]:
    """Return what frames that are stored in a transfer syntax may be sent in, the default first.

    Args:
        stored: Transfer syntax UID.
        several: Whether there is more than one frame, which need parts.
    """
    compressed = [media_type for media_type, syntaxes in _COMPRESSED.items() if stored in syntaxes]
    media_types = dict.fromkeys([BYTES, *compressed, JPEG_2000])
    parts = [Offer(media_type, multipart=True) for media_type in media_types]
    return parts if several else [*parts, *map(Offer, media_types)]


def frame_syntax(choice: Choice, stored: str) -> str | None:
    """Return the transfer syntax that *choice* asks for, or None if there is none such in its media type.

    A client that names none gets that which the media type means, one that names "*" that which is stored.
    """
    wanted = choice.transfer_syntax
    if choice.offer.part_type == BYTES:
        return stored if wanted == "*" else wanted or EXPLICIT_VR_LITTLE_ENDIAN
    syntaxes = _COMPRESSED[choice.offer.part_type]
    if wanted == "*":
        return stored if stored in syntaxes else syntaxes[0]
    if wanted is None:
        return syntaxes[0]
    return wanted if wanted in syntaxes else None
