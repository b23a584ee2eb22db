"""The patient's own identifiers are found however they are written, and nothing else is taken for one."""

from typing import Any

import pytest

from shared.dicom.deidentification.identifiers import Identifiers, identifiers_of
from shared.dicom.deidentification.profile import PRIVATE, Option, Profile
from shared.dicom.header import read_header
from tests.instances import a_dataset, part10
from tests.unit.dicom.dicom_files import RangeReads


async def identifiers(profile: Profile | None = None, **attributes: Any) -> Identifiers:
    """Return what identifies the patient of a made file."""
    values: dict[str, Any] = {
        "PatientName": "Müller^Anna=Ännchen",
        "PatientID": "471108",
        "AccessionNumber": "A/77",
    }
    data = part10(a_dataset(1, SpecificCharacterSet="ISO_IR 100", **(values | attributes)))
    header = await read_header(RangeReads(data), len(data))
    return identifiers_of(header.elements, profile or Profile())


@pytest.mark.parametrize(
    "data",
    [
        "of Müller.".encode(),
        "MÜLLER".encode("latin-1"),
        "\x01müller^".encode(),
        "Anna Müller".encode("utf-16-le"),
        "Anna Müller".encode("utf-16-be"),
        b"anna",
        b"id 471108.",
        b"\\471108\\",
        b"1.2.826.0.1.3680043.10.1517.1.1 ",
        b"x" * 9000 + b"(A/77)",
    ],
)
async def test_finds(data: bytes) -> None:
    """In any case, in UTF-8, Latin-1 and UTF-16, between any bytes that are no letters or digits."""
    assert (await identifiers()).are_in(data)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"Hanna", b"annabel", b"Jo", b"0.471108", b"471108.5", b"14711088", b"1.2.826.0.1.3680043.10.1517.1.1.5",
        b"A/777",
    ],
)  # fmt: skip
async def test_takes_nothing_else_for_one(data: bytes) -> None:
    """Not a part of a longer word, number or UID."""
    assert not (await identifiers()).are_in(data)


async def test_leaves_out_what_is_everywhere() -> None:
    """Short values, words of the file's own codes, dummies, and UIDs that the profile retains."""
    found = await identifiers(
        PatientName="Chest^Unknown", PatientID="12345", AccessionNumber="A7", BodyPartExamined="CHEST"
    )

    assert found.texts == (b"chest^unknown",)
    assert b"mrn4711" in (await identifiers(PatientID="MRN4711", BodyPartExamined="MRN4711")).texts
    assert not (await identifiers(Profile(options=frozenset({Option.RETAIN_UIDS})))).uids
    assert not (await identifiers(PRIVATE)).texts
