"""Attributes set in files: what pydicom reads of the copy, and that all else is as it was."""

from __future__ import annotations

import copy
import io
from typing import Any

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from shared.dicom.tagging.legal_text import why_illegal
from shared.dicom.tagging.mapping import DEFAULT_MAPPING, TagValue, request_type_of, tag_rules, tag_values
from shared.dicom.tagging.retag import TagChange
from shared.errors import InvalidAttributeError, RejectedInstanceError, SettingsError, UnsupportedObjectError
from shared.flows._file_source import HeldFile
from shared.flows._tagged_file import tagged_file
from tests.instances import a_dataset, an_instance, part10

METADATA = {
    "patient-name": "Doe^Jane",
    "request_species": "Canine",
    "test_type": "cbc",
    "clinic-name": "Clinic",
}
RULES = tag_rules(DEFAULT_MAPPING)
KEYWORDS = ("PatientName", "PatientSpeciesDescription", "BarcodeValue", "InstitutionName", "PatientID")


def values(**metadata: Any) -> tuple[TagValue, ...]:
    """Return what is set for a sample."""
    return tag_values(RULES, METADATA | metadata, sample_id="ref01", attempt=2)


async def tagged(data: bytes, *wanted: TagValue) -> tuple[bytes, dict[str, str], bool]:
    """Return the copy of a file, the report by keyword, and whether the character set changed."""
    made = await tagged_file(HeldFile(data), wanted or values())
    content = b"".join([chunk async for chunk in made.stream()])
    assert len(content) == made.size
    assert content == b"".join([chunk async for chunk in made.stream()])
    report = {pydicom.datadict.keyword_for_tag(tag): change.value for tag, change in made.report.items()}
    return content, report, made.charset_changed


def read(data: bytes) -> Dataset:
    """Return what pydicom reads."""
    return pydicom.dcmread(io.BytesIO(data))


def rest_of(data_set: Dataset, *more: str) -> Dataset:
    """Return a data set without what is set."""
    left = copy.deepcopy(data_set)
    for keyword in (*KEYWORDS, *more):
        if keyword in left:
            delattr(left, keyword)
    return left


SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    JPEGBaseline8Bit,
]


def in_syntax(syntax: str, **attributes: Any) -> bytes:
    """Return a file in a transfer syntax, with a sequence, a private element and one behind the pixel data's group."""
    data_set = a_dataset(1, **attributes)
    item = Dataset()
    item.CodeMeaning = "inner"
    data_set.ProcedureCodeSequence = [item]
    data_set.add_new(0x00090010, "LO", "MAKER")
    data_set.add_new(0x00091001, "UN", b"\1\2\3\4")
    if syntax == JPEGBaseline8Bit:
        data_set.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8" + bytes(60) + b"\xff\xd9"])
        data_set["PixelData"].VR = "OB"
        data_set["PixelData"].is_undefined_length = True
    data_set.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    data_set.file_meta.MediaStorageSOPClassUID = data_set.SOPClassUID
    data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID
    pydicom.dcmwrite(buffer, data_set, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: str(syntax.name))
async def test_five_attributes_are_set_and_nothing_else(syntax: Any) -> None:
    """In every way that a file is encoded: pydicom reads the values, and all else as before."""
    original = in_syntax(syntax, PatientID="ref01-002")
    copied, report, switched = await tagged(original)

    before, after = read(original), read(copied)
    assert (after.PatientName, after.InstitutionName, after.PatientID) == ("Doe^Jane", "Clinic", "ref01-002")
    assert (after.PatientSpeciesDescription, after.BarcodeValue) == ("Canine", "cbc")
    assert report == {
        "PatientName": "changed",
        "PatientSpeciesDescription": "added",
        "BarcodeValue": "added",
        "InstitutionName": "added",
        "PatientID": "same",
    }
    assert not switched
    assert rest_of(after) == rest_of(before)
    assert after.file_meta == before.file_meta


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: str(syntax.name))
async def test_a_file_that_is_right_stays_byte_for_byte(syntax: Any) -> None:
    """What was tagged once is sent as it is the second time."""
    once, _, _ = await tagged(in_syntax(syntax))
    twice, report, _ = await tagged(once)

    assert twice == once
    assert set(report.values()) == {"same"}


@pytest.mark.parametrize(
    ("charset", "name", "switches"),
    [
        (None, "Doe^Jane", False),
        (None, "Zoë^Ann", True),
        ("ISO_IR 100", "Zoë^Ann", False),
        ("ISO_IR 100", "Łukasz^Ann", True),
        ("ISO_IR 101", "Łukasz^Ann", False),
        ("ISO_IR 192", "山田^太郎=ヤマダ", False),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎", False),
        (["", "ISO 2022 IR 87"], "Zoë^Ann", True),
        ("ISO_IR 144", "Люкс^Жук", False),
        ("GB18030", "王^小东", False),
    ],
)
async def test_a_name_is_written_in_the_files_own_characters_or_in_unicode(
    charset: Any, name: str, switches: Any
) -> None:
    """And where the file goes over to Unicode, its other texts say the same as before."""
    extra = {"SpecificCharacterSet": charset} if charset else {}
    described = {"ISO_IR 100": "Größe", "ISO_IR 101": "Łódź"}.get(str(charset), "plain")
    item = Dataset()
    item.CodeMeaning = described
    original = an_instance(1, StudyDescription=described, ProcedureCodeSequence=[item], **extra)
    copied, _, switched = await tagged(original, *values(**{"patient-name": name}))

    after = read(copied)
    after.decode()
    assert str(after.PatientName) == name
    assert switched is switches
    assert (after.StudyDescription, after.ProcedureCodeSequence[0].CodeMeaning) == (described, described)
    if switches:
        assert after.SpecificCharacterSet == "ISO_IR 192"
    else:
        assert after.get("SpecificCharacterSet") == read(original).get("SpecificCharacterSet")


async def test_an_item_with_characters_of_its_own_keeps_them() -> None:
    """Only what takes its character set from the file is written anew."""
    item = Dataset()
    item.SpecificCharacterSet = "ISO_IR 101"
    item.CodeMeaning = "Łódź"
    original = an_instance(1, SpecificCharacterSet="ISO_IR 100", ProcedureCodeSequence=[item])
    copied, _, switched = await tagged(original, *values(**{"patient-name": "Жук^A"}))

    inner = read(copied).ProcedureCodeSequence[0]
    assert switched
    assert (inner.SpecificCharacterSet, inner.CodeMeaning) == ("ISO_IR 101", "Łódź")


async def test_texts_that_cannot_be_carried_over_are_refused() -> None:
    """Rather than written as question marks."""
    original = an_instance(1, SpecificCharacterSet="ISO_IR 192", StudyDescription="ab")
    broken = original.replace(b"LO\2\0ab", b"LO\2\0\xff\xfe").replace(b"ISO_IR 192", b"ISO_IR 13 ")
    assert broken != original
    with pytest.raises(UnsupportedObjectError, match=r"\(0008,1030\)"):
        await tagged(broken, *values(**{"patient-name": "Zoë"}))


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("patient-name", None, "patient-name"),
        ("patient-name", 7, "no text"),
        ("patient-name", "", "empty"),
        ("patient-name", "a" * 65, "65 characters"),
        ("patient-name", "a=b=c=d", "groups"),
        ("patient-name", "a^b^c^d^e^f", "components"),
        ("clinic-name", "a\\b", "backslash"),
        ("clinic-name", "a" * 65, "65 characters"),
        ("clinic-name", "a\nb", "control"),
        ("clinic-name", "a\x1bb", "control"),
        ("clinic-name", "\ud800", "control"),
        ("test_type", "a" * 10241, "10241"),
        ("request_species", "   ", "empty"),
    ],
)
def test_what_cannot_stand_in_its_attribute_is_named(key: str, value: Any, why: str) -> None:
    """By key, attribute and reason; never by its value."""
    with pytest.raises(InvalidAttributeError, match=why) as refused:
        values(**{key: value})
    assert key in str(refused.value)
    if isinstance(value, str) and value.strip():
        assert value not in str(refused.value)


def test_a_text_of_many_lines_may_stand_where_lines_may() -> None:
    """LT takes line ends and a backslash."""
    assert why_illegal("LT", "a\r\nb\\c\t" + "d" * 10230) == ""


def test_the_kind_of_analysis_must_be_there() -> None:
    """Whatever attributes are set from."""
    assert request_type_of({"test_type": "cbc"}) == "cbc"
    with pytest.raises(InvalidAttributeError, match="test_type"):
        request_type_of({"test_type": ""})


def test_a_mapping_names_attributes_of_text() -> None:
    """By keyword or tag; anything else is said at once."""
    assert [rule.key for rule in tag_rules("00100010=a,PatientComments=b")] == ["a", "b"]
    for mapping in ("Nothing=a", "PatientName", "PatientName=a,00100010=b", "StudyDate=a", "PixelData=a", ""):
        with pytest.raises(SettingsError, match="DICOM_PARTNER_TAGS"):
            tag_rules(mapping)


TEXTS = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\\^="), min_size=1, max_size=64
)


@settings(max_examples=60, deadline=None)
@given(
    name=TEXTS,
    place=TEXTS,
    charset=st.sampled_from([None, "ISO_IR 100", "ISO_IR 13", "ISO_IR 192", "GB18030"]),
)
async def test_any_legal_text_comes_back_as_it_was_set(name: str, place: str, charset: str | None) -> None:
    """Whatever characters it has, and whatever the file's are; the second time nothing is to do."""
    name, place = name.strip(" "), place.strip(" ")
    if not name or not place:
        return
    extra: dict[str, Any] = {"SpecificCharacterSet": charset} if charset else {}
    wanted = values(**{"patient-name": name, "clinic-name": place})
    copied, _, _ = await tagged(an_instance(1, **extra), *wanted)
    again = await tagged_file(HeldFile(copied), wanted)

    assert set(again.report.values()) == {TagChange.SAME}
    assert str(read(copied).InstitutionName) == place


@pytest.mark.parametrize("data", [b"", b"no DICOM at all", an_instance(1)[:-20], an_instance(1)[:400]])
async def test_what_is_no_whole_file_is_refused(data: bytes) -> None:
    """Nothing of it is sent."""
    with pytest.raises(RejectedInstanceError):
        await tagged(data)


async def test_group_lengths_and_padding_do_not_get_in_the_way() -> None:
    """A group length that would be wrong now is left out."""
    data_set = a_dataset(1)
    data_set.add_new(0x00100000, "UL", 30)
    data_set.DataSetTrailingPadding = bytes(10)
    copied, _, _ = await tagged(part10(data_set))

    after = read(copied)
    assert 0x00100000 not in after
    assert after.PatientName == "Doe^Jane"


@settings(max_examples=150, deadline=None)
@given(at=st.integers(132, 700), junk=st.binary(min_size=1, max_size=8))
async def test_a_damaged_file_is_refused_or_set_rightly(at: int, junk: bytes) -> None:
    """Whichever bytes of its header are wrong: no error but a refusal, and what goes out says what was set."""
    data = an_instance(1, SpecificCharacterSet="ISO_IR 100", InstitutionName="Größe")
    damaged = data[:at] + junk + data[at + len(junk) :]
    try:
        made = await tagged_file(HeldFile(damaged), values())
    except RejectedInstanceError:
        return
    again = await tagged_file(made.content, values())
    assert set(again.report.values()) == {TagChange.SAME}
