"""A file is described completely, under any of three kinds of names, whatever its character sets and depth."""

import re

import orjson
import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom._private_dict import private_dictionaries

from shared.dicom.describe import MAX_ENTRIES, MAX_TEXT, describe
from shared.dicom.header import Header, read_header
from shared.dicom.tag_names import KeyScheme, name_of
from tests.unit.dicom.dicom_files import (
    RangeReads,
    bundled,
    element,
    item,
    part10,
    pydicom_data_set,
    readable_files,
)


async def header_of(data: bytes) -> Header:
    """Read a file."""
    return await read_header(RangeReads(data), len(data))


@pytest.mark.parametrize(
    ("scheme", "key"),
    [(KeyScheme.NUMERIC, "(0010,0020)"), (KeyScheme.HUMAN, "Patient ID"), (KeyScheme.KEYWORD, "PatientID")],
)
async def test_an_attribute_has_the_name_that_was_asked_for(scheme: KeyScheme, key: str) -> None:
    """And all the others beside it."""
    [entry] = describe(await header_of(part10(element(0x00100020, "LO", b"X1"))), scheme)["attributes"]

    assert entry == {
        "key": key,
        "tag": "(0010,0020)",
        "name": "Patient ID",
        "keyword": "PatientID",
        "vr": "LO",
        "value": ["X1"],
    }


def test_every_entry_of_the_dictionary_has_its_names() -> None:
    """More than the forerunner's 4,840; no keyword has a zero width space in it."""
    names = {tag: name_of(tag) for tag in DicomDictionary}

    assert len(names) > 5000
    assert all(names[tag].keyword == entry[4] for tag, entry in DicomDictionary.items() if tag & 0xFFFF)
    assert not any("\u200b" in name.keyword + name.name for name in names.values())


def test_retired_attributes_and_repeating_groups_are_known() -> None:
    """(60xx,4000) and the curves of 50xx are in no plain dictionary."""
    assert name_of(0x0008_0010).retired
    assert not name_of(0x0010_0020).retired
    assert name_of(0x6002_4000).keyword == "OverlayComments"
    assert name_of(0x5004_3000).name == "Curve Data"


async def test_private_attributes_have_their_creators_names() -> None:
    """Each block by the creator of its own data set; what no dictionary knows keeps its number."""
    block = element(0x00190010, "LO", b"SIEMENS MR HEADER ") + element(0x0019100C, "IS", b"5 ")
    unknown = element(0x00210010, "LO", b"NOBODY") + element(0x00211001, "LO", b"x ")
    entries = describe(await header_of(part10(block, unknown)), KeyScheme.HUMAN)["attributes"]

    assert [entry["key"] for entry in entries] == [
        "Private Creator",
        "B_value",
        "Private Creator",
        "(0021,1001)",
    ]
    assert entries[1]["private_creator"] == "SIEMENS MR HEADER"
    assert "private_creator" not in entries[0]


def test_every_private_attribute_that_pydicom_knows_has_its_name() -> None:
    """In any block of its group; numbers that are no private attributes, such as creators' own, apart."""
    known = {
        (creator, template): entry[2]
        for creator, entries in private_dictionaries.items()
        for template, entry in entries.items()
        if re.fullmatch("[0-9A-F]{3}[13579BDF]xx[0-9A-F]{2}", template)
    }

    assert len(known) > 8500
    for (creator, template), name in known.items():
        assert name_of(int(template.replace("xx", "2A"), 16), creator).name == name


async def test_sequences_are_nested() -> None:
    """Items within items, each a list of entries."""
    inner = item(element(0x00080100, "SH", b"A1"))
    outer = item(element(0x00400008, "SQ", inner + inner))
    [entry] = describe(await header_of(part10(element(0x00400275, "SQ", outer))), KeyScheme.KEYWORD)[
        "attributes"
    ]

    assert [code["key"] for items in entry["items"] for code in items] == ["ScheduledProtocolCodeSequence"]
    assert [found[0]["value"] for found in entry["items"][0][0]["items"]] == [["A1"], ["A1"]]


@pytest.mark.parametrize("length", [2, 4, 6, 100, 5000])
async def test_binary_values_are_summarised_by_their_length(length: int) -> None:
    """Those of the header and those beyond it."""
    [entry] = describe(await header_of(part10(element(0x00282000, "OB", b"x" * length))), KeyScheme.KEYWORD)[
        "attributes"
    ]

    assert entry["binary"] == {"length": length}
    assert "value" not in entry


async def test_a_broken_character_set_is_survived() -> None:
    """The name is shown as far as it can be read."""
    header = await header_of(
        part10(element(0x00080005, "CS", b"ISO_IR 192"), element(0x00100010, "PN", b"\xff\xfeB^C "))
    )

    entries = describe(header, KeyScheme.KEYWORD)["attributes"]

    assert entries[1]["key"] == "PatientName"
    assert entries[1]["value"][0]["Alphabetic"].endswith("B^C")


async def test_long_texts_are_cut() -> None:
    """With their length, so that nobody takes a part for the whole."""
    [entry] = describe(await header_of(part10(element(0x0040A160, "UT", b"x" * 10_000))), KeyScheme.KEYWORD)[
        "attributes"
    ]

    assert entry["value"][0].startswith("x" * MAX_TEXT)
    assert entry["value"][0].endswith("(10000 characters)")


async def test_more_attributes_than_can_be_shown_are_cut_and_told() -> None:
    """A sequence of more items than the limit."""
    items = item(element(0x00100010, "PN", b"A^B ")) * (MAX_ENTRIES + 1)
    described = describe(await header_of(part10(element(0x00101002, "SQ", items))), KeyScheme.NUMERIC)

    assert described["truncated"]
    assert len(orjson.dumps(described)) < 10_000_000


@pytest.mark.parametrize("name", readable_files())
async def test_every_bundled_file_is_described_completely(name: str) -> None:
    """As many attributes at the top as pydicom reads, group lengths apart, and file meta besides."""
    data = bundled(name)
    described = describe(await header_of(data), KeyScheme.KEYWORD)
    expected = pydicom_data_set(data)

    tags = {entry["tag"] for entry in described["attributes"]}
    assert tags == {
        f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in map(int, expected.keys()) if tag & 0xFFFF
    }
    assert not described["truncated"]
    assert orjson.dumps(described)
