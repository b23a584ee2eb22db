"""VRs that a file leaves out come from the dictionaries, and ambiguous ones from the data set."""

from struct import pack

import pytest

from shared.dicom.elements import DataSet, Element, ElementHeader
from shared.dicom.vr_lookup import look_up_vr, resolve_ambiguous_vr, vr_of


def data_set(*elements: tuple[int, str, bytes]) -> DataSet:
    """Return a data set of small elements."""
    return {tag: Element(tag, vr, 0, len(value), value) for tag, vr, value in elements}


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (0x00100010, "PN"),
        (0x60023000, "OB or OW"),
        (0x00280106, "US or SS"),
        (0x00090010, "LO"),
        (0x00191002, "SL"),
        (0x00191102, None),
        (0x00080003, None),
    ],
)
def test_tags_are_looked_up_by_group_and_private_creator(tag: int, expected: str | None) -> None:
    """Repeating groups, private creators, and private elements of a known creator's block."""
    assert expected == look_up_vr(tag, data_set((0x00190010, "LO", b"GEMS_ACQU_01 ")))


def test_pixel_representation_decides_between_signed_and_unsigned() -> None:
    """0 is unsigned."""
    assert resolve_ambiguous_vr("US or SS", 0x00280106, {}, "<", 0) == "US"
    assert resolve_ambiguous_vr("US or SS", 0x00280106, {}, "<", 1) == "SS"


@pytest.mark.parametrize(("entries", "expected"), [(1, "US"), (256, "OW")])
def test_the_lut_descriptor_decides_about_lut_data(entries: int, expected: str) -> None:
    """One entry is a number, more are words."""
    table = data_set((0x00283002, "US or SS", pack("<3H", entries, 0, 16)))
    assert expected == resolve_ambiguous_vr("US or OW", 0x00283006, table, "<", 0)


def test_other_ambiguous_values_are_words() -> None:
    """As implicit VR has them."""
    assert resolve_ambiguous_vr("OB or OW", 0x60003000, {}, "<", 0) == "OW"


@pytest.mark.parametrize(
    ("vr", "length", "expected"),
    [("LO", 4, "LO"), (None, 4, "PN"), ("UN", 4, "PN"), ("UN", 0xFFFF, "UN"), ("UN", 0xFFFFFFFF, "UN")],
)
def test_a_vr_that_is_left_out_or_unknown_is_looked_up(vr: str | None, length: int, expected: str) -> None:
    """A long UN stays one, as in pydicom."""
    assert expected == vr_of(ElementHeader(0x00100010, vr, length, 8), {})
