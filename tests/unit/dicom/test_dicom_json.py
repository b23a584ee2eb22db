"""DICOM JSON is that of pydicom, but where pydicom leaves Annex F; every difference is listed here with its reason."""

import base64
import json
import math
from collections import Counter
from struct import pack
from typing import Any

import orjson
import pytest
from pydicom.dataset import Dataset

from shared.dicom.deflate import inflate_data_set
from shared.dicom.dicom_json import BulkValue, DicomJson, to_dicom_json
from shared.dicom.header import read_header
from tests.unit.dicom.dicom_files import (
    RangeReads,
    bundled,
    element,
    item,
    part10,
    pydicom_data_set,
    quiet,
    readable_files,
)
from tests.unit.flows.builders import make_data_set, to_file

GROUP_LENGTH = "F.2.2: group lengths shall not be included"
EMPTY_VALUE = "F.2.5: an empty value among several is null"
EMPTY_SEQUENCE = "F.2.5: an element without a value has no Value"
NOT_A_NUMBER = "F.2.3: IS and DS may be strings; pydicom's to_json_dict raises ValueError"

# How often pydicom differs from Annex F in its bundled files, by reason: nothing else may differ.
DIFFERENCES = {GROUP_LENGTH: 40, EMPTY_VALUE: 7, EMPTY_SEQUENCE: 8, NOT_A_NUMBER: 1}
NOT_NUMBERS = {"test_files/badVR.dcm": ("00280008", {"vr": "IS", "Value": ["1A"]})}


async def json_of(data: bytes) -> DicomJson:
    """Read a header by ranges and convert it."""
    return to_dicom_json(await read_header(RangeReads(data), len(data)))


async def attributes_of(*elements: bytes) -> dict[str, Any]:
    """Convert a file of these elements."""
    return (await json_of(part10(*elements))).attributes


def as_annex_f(attributes: dict[str, Any], reasons: Counter[str]) -> dict[str, Any]:
    """Correct what pydicom writes against Annex F, and count why."""
    corrected: dict[str, Any] = {}
    for key, attribute in attributes.items():
        if key.endswith("0000"):
            reasons[GROUP_LENGTH] += 1
            continue
        corrected[key] = dict(attribute)
        values = attribute.get("Value")
        if attribute["vr"] == "SQ" and values == []:
            reasons[EMPTY_SEQUENCE] += 1
            del corrected[key]["Value"]
        elif attribute["vr"] == "SQ":
            corrected[key]["Value"] = [as_annex_f(item, reasons) for item in values]
        elif values and "" in values:
            reasons[EMPTY_VALUE] += values.count("")
            corrected[key]["Value"] = [value if value != "" else None for value in values]
    return corrected


def with_bulk_inline(attributes: dict[str, Any], bulk: dict[str, BulkValue], data: bytes) -> dict[str, Any]:
    """Replace each BulkDataURI by the bytes that it names, in base64."""
    inline: dict[str, Any] = {}
    for key, attribute in attributes.items():
        inline[key] = dict(attribute)
        if "BulkDataURI" in attribute:
            value = bulk[inline[key].pop("BulkDataURI").removeprefix("bulkdata/")]
            stored = data[value.offset : value.offset + value.length]
            inline[key]["InlineBinary"] = base64.b64encode(stored).decode()
        elif attribute["vr"] == "SQ" and "Value" in attribute:
            inline[key]["Value"] = [with_bulk_inline(item, bulk, data) for item in attribute["Value"]]
    return inline


async def compare(name: str) -> Counter[str]:
    """Compare a file's JSON to pydicom's, corrected, and return why that had to be."""
    data = bundled(name)
    header = await read_header(RangeReads(data), len(data))
    attributes, bulk = to_dicom_json(header)
    body = (
        await inflate_data_set(RangeReads(data), header.dataset_offset, len(data))
        if header.deflated
        else data
    )
    ours = with_bulk_inline(attributes, bulk, body)
    data_set = pydicom_data_set(data)
    reasons: Counter[str] = Counter()
    if name in NOT_NUMBERS:
        tag, attribute = NOT_NUMBERS[name]
        with quiet(), pytest.raises(ValueError, match="invalid literal"):
            data_set.to_json_dict()
        del data_set[int(tag, 16)]
        reasons[NOT_A_NUMBER] += 1
        assert attribute == ours.pop(tag)
    with quiet():
        expected = as_annex_f(data_set.to_json_dict(), reasons)
    assert expected == ours
    return reasons


async def test_equals_pydicom_but_for_the_listed_differences() -> None:
    """All bundled files: every difference has a reason in Annex F, and each reason occurs as often as listed."""
    reasons: Counter[str] = Counter()
    for name in readable_files():
        reasons += await compare(name)
    assert reasons == DIFFERENCES


@pytest.mark.parametrize("name", readable_files())
async def test_is_json_in_ascending_order(name: str) -> None:
    """Attributes are in the order F.2.2 asks for, and orjson and json read back what was written."""
    attributes = (await json_of(bundled(name))).attributes
    assert sorted(attributes) == list(attributes)
    written = orjson.dumps(attributes)
    assert attributes == json.loads(written)


async def test_names_values_that_were_not_read_by_their_path() -> None:
    """A waveform of 240,000 bytes in a sequence item is named by tag, item number from 0, and tag."""
    data = bundled("test_files/waveform_ecg.dcm")
    attributes, bulk = await json_of(data)
    path = "54000100/0/54001010"
    assert {"vr": "OW", "BulkDataURI": f"bulkdata/{path}"} == attributes["54000100"]["Value"][0]["54001010"]
    stored = pydicom_data_set(data).WaveformSequence[0].WaveformData
    assert stored == data[bulk[path].offset :][: bulk[path].length]


async def test_small_binary_values_are_inline_and_large_ones_are_named() -> None:
    """4,095 bytes are given, 4,096 are named."""
    attributes = await attributes_of(element(0x00091001, "UN", b"x" * 4095))
    assert {"vr": "UN", "InlineBinary": base64.b64encode(b"x" * 4095).decode()} == attributes["00091001"]
    attributes = await attributes_of(element(0x00091001, "UN", b"x" * 4096))
    assert attributes["00091001"] == {"vr": "UN", "BulkDataURI": "bulkdata/00091001"}


async def test_sorts_elements_that_are_out_of_order() -> None:
    """A file with descending tags has ascending JSON."""
    attributes = await attributes_of(element(0x00100020, "LO", b"B "), element(0x00080060, "CS", b"MR"))
    assert list(attributes) == ["00080060", "00100020"]


async def test_numbers_that_json_has_not_are_strings() -> None:
    """FL and FD may be infinite or no number; orjson would write null for them."""
    attributes = await attributes_of(
        element(0x00089459, "FL", pack("<4f", math.inf, -math.inf, math.nan, 1.5))
    )
    assert attributes["00089459"]["Value"] == ["Infinity", "-Infinity", "NaN", 1.5]


async def test_a_value_of_wrong_length_is_unknown() -> None:
    """Three bytes are no US: they are kept as UN, as pydicom keeps them."""
    attributes = await attributes_of(element(0x00280010, "US", b"abc"))
    assert {"vr": "UN", "InlineBinary": base64.b64encode(b"abc").decode()} == attributes["00280010"]


async def test_the_first_value_of_a_lut_descriptor_is_unsigned() -> None:
    """65,535 entries of a signed image's table are no negative number (PS3.3 C.11.1.1)."""
    attributes = await attributes_of(element(0x00283002, "SS", pack("<3h", -1, -5, 16)))
    assert attributes["00283002"]["Value"] == [65535, -5, 16]


async def test_items_inherit_the_character_set_unless_they_have_one() -> None:
    """An item is decoded by its own character set, else by that around it (PS3.5 7.5.3)."""
    name = element(0x00100010, "PN", "\u00c4".encode())
    items = item(element(0x00080005, "CS", b"ISO_IR 100") + name) + item(name)
    attributes = await attributes_of(
        element(0x00080005, "CS", b"ISO_IR 192"), element(0x00081110, "SQ", items)
    )
    names = [each["00100010"]["Value"][0]["Alphabetic"] for each in attributes["00081110"]["Value"]]
    assert names == ["\u00c3\u0084", "\u00c4"]


async def test_a_contour_of_some_hundred_points_is_only_named() -> None:
    """Numbers as text are bulk data from 4 KiB on, though their length has two bytes; other text is not."""
    points = [f"{number / 8:.3f}" for number in range(-450, 450)]
    structure, contour = Dataset(), Dataset()
    contour.ContourData = points
    structure.ContourSequence = [contour]
    data = to_file(make_data_set(ROIContourSequence=[structure], PatientComments="x" * 5000))
    attributes, bulk = await json_of(data)

    [value] = bulk.values()
    assert list(bulk) == ["30060039/0/30060040/0/30060050"]
    assert data[value.offset : value.offset + value.length].rstrip() == "\\".join(points).encode()
    assert attributes["00104000"]["Value"] == ["x" * 5000]
