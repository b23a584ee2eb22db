"""Say in a data set that and how it was de-identified.

Source: PS3.3 2024e §C.7.1.1 and §C.12.1; PS3.15 2026d §E.1.1; PS3.16 2024e CID 7050
"""

from collections.abc import Iterable
from typing import Final

from shared.dicom.deidentification.profile import CLEAN_PIXEL_DATA, Code, Profile
from shared.dicom.elements import DataSet, Element

MARKS: Final = ((0x0012_0062, 0x0012_0063, 0x0012_0064), (0x0028_0303,))
"""What `mark` writes of words, in runs between which no other attribute stands."""


def mark(data_set: DataSet, profile: Profile, *, pixels_masked: bool) -> None:
    """Write (0012,0062), (0012,0063), (0012,0064) and (0028,0303) into *data_set*; what stood there goes.

    Args:
        data_set: rewritten by *profile*.
        profile: what was done; one that only removes private attributes leaves no mark, for the patient is still named.
        pixels_masked: whether the pixels were cleaned; then (0028,0301) BurnedInAnnotation says NO.
    """
    if profile.private_only:
        return
    _put(data_set, 0x0012_0062, "CS", b"YES")
    _put(data_set, 0x0012_0063, "LO", "\\".join(profile.method).encode("ascii"))
    codes = (*profile.codes, *((CLEAN_PIXEL_DATA,) if pixels_masked else ()))
    data_set[0x0012_0064] = Element(0x0012_0064, "SQ", 0, 0, list(_items(codes)))
    _put(data_set, 0x0028_0303, "CS", profile.dates.value.encode("ascii"))
    if pixels_masked:
        _put(data_set, 0x0028_0301, "CS", b"NO")


def _items(codes: Iterable[Code]) -> Iterable[DataSet]:
    for code, meaning in sorted(codes):
        item: DataSet = {}
        _put(item, 0x0008_0100, "SH", code.encode("ascii"))
        _put(item, 0x0008_0102, "SH", b"DCM")
        _put(item, 0x0008_0104, "LO", meaning.encode("ascii"))
        yield item


def _put(data_set: DataSet, tag: int, vr: str, value: bytes) -> None:
    data_set[tag] = Element(tag, vr, 0, len(value), value)
