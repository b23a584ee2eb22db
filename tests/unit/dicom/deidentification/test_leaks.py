"""What may say who the patient is does not survive; what an option retains does, and nothing else."""

from io import BytesIO

import pydicom
import pytest

from shared.dicom.deidentification.profile import Option, Profile
from shared.dicom.deidentification.table import attribute_row
from tests.unit.dicom.deidentification.canaries import (
    ENCODINGS,
    PIXELS,
    Canary,
    a_planted_file,
    rewritten,
    surviving,
)


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_nothing_survives_the_basic_profile(encoding: str) -> None:
    """Of canaries in every listed attribute, private ones, file meta and preamble, at every depth, none is left."""
    data, canaries = a_planted_file(encoding)
    if encoding != "deflated":
        assert len(surviving(canaries, data, big_endian=encoding == "big endian")) == len(canaries) > 1400

    out, _ = await rewritten(data, Profile())

    left = surviving(canaries, out, big_endian=encoding == "big endian")
    assert [(f"{canary.tag:08X}", canary.place) for canary in left] == []
    data_set = pydicom.dcmread(BytesIO(out))
    assert data_set.PixelData == PIXELS
    assert data_set.PatientIdentityRemoved == "YES"


def is_retained(canary: Canary, option: Option) -> bool:
    """Tell by the table alone whether an option retains what was planted as it is."""
    row = attribute_row(canary.tag)
    if canary.tag >> 16 < 0x0008:  # of commands and directories: nothing that a data set holds
        return False
    if row is None or "private" in canary.place or canary.place in ("meta", "preamble"):
        return False
    action = row.options.get(option.value)
    if option is Option.RETAIN_MODIFIED_DATES:  # whole days: times of day and the time zone stay
        return action == "C" and canary.vr in ("TM", "SH")
    return action == "K"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("option", Option)
async def test_an_option_retains_exactly_its_rows(option: Option, encoding: str) -> None:
    """What the option's column says K of survives, at the top and nested; all else goes as without it."""
    data, canaries = a_planted_file(encoding)

    out, _ = await rewritten(data, Profile(options=frozenset({option})))

    left = {
        (f"{one.tag:08X}", one.place, one.needle)
        for one in surviving(canaries, out, big_endian=encoding == "big endian")
    }
    expected = {(f"{one.tag:08X}", one.place, one.needle) for one in canaries if is_retained(one, option)}
    assert left == expected
