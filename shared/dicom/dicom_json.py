"""Turn a header into the DICOM JSON model. It reads no files and makes no absolute URI."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from shared.dicom.charsets import text_decoder
from shared.dicom.elements import DataSet, integer_of
from shared.dicom.header import Header
from shared.dicom.json_values import ReadValues, inline_binary, value_readers
from shared.dicom.tags import PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET
from shared.dicom.vr_lookup import resolve_ambiguous_vr

BULK_DATA_PREFIX: Final = "bulkdata/"
_LUT_DESCRIPTORS: Final = frozenset({0x0028_1101, 0x0028_1102, 0x0028_1103, 0x0028_3002})


@dataclass(frozen=True, slots=True)
class BulkValue:
    """Where a value lies that the JSON only names.

    Attributes:
        offset: in bytes from the file's start (deflated files: of the inflated data set).
        length: in bytes.
        vr: of its element.
    """

    offset: int
    length: int
    vr: str


class DicomJson(NamedTuple):
    """A data set in the DICOM JSON model, and the values it only names.

    Attributes:
        attributes: by tag as eight upper-case hexadecimal digits, in ascending order.
        bulk_data: by path: tags and 0-based item numbers, such as `00409096/0/00409212`. The JSON names each by the
            relative URI `bulkdata/{path}`.
    """

    attributes: dict[str, Any]
    bulk_data: dict[str, BulkValue]


def to_dicom_json(header: Header, *, of_file_meta: bool = False) -> DicomJson:
    """Return the data set of a header in the DICOM JSON model.

    Left out are the file meta group and group lengths. Values that were not read with the header, and pixel data
    always, are named by a BulkDataURI. It equals pydicom's `Dataset.to_json_dict()` but for these, where pydicom
    leaves the standard or fails (each is an entry of a list in this module's test):

    - an empty value among several is null, not "" (F.2.5);
    - an empty sequence has no "Value" (F.2.5);
    - empty component groups of a person name are left out (F.2.2);
    - group lengths are left out (F.2.2);
    - IS and DS values that are no numbers are strings (F.2.3), where pydicom raises or truncates;
    - FL and FD that are infinite or no number are "Infinity", "-Infinity" and "NaN", for JSON has no such numbers.

    Binary values keep the byte order they are stored in.

    Args:
        header: of the file.
        of_file_meta: to convert the file meta group in place of the data set; it never has a place in an answer of
            DICOMweb.

    Source: PS3.18 2024e §F.2
    """
    writer = _Writer("<" if of_file_meta else header.byte_order)
    elements = header.file_meta if of_file_meta else header.elements
    attributes = writer.attributes(elements, "", writer.readers(b""), 0)
    return DicomJson(attributes, writer.bulk_data)


class _Writer:
    """Converts data sets, and collects the values that are only named."""

    def __init__(self, byte_order: str) -> None:
        self._byte_order = byte_order
        self._readers: dict[bytes, dict[str, ReadValues]] = {}
        self.bulk_data: dict[str, BulkValue] = {}

    def readers(self, character_set: bytes) -> dict[str, ReadValues]:
        """Return the readers for a value of (0008,0005)."""
        readers = self._readers.get(character_set)
        if readers is None:
            readers = value_readers(self._byte_order, text_decoder(character_set))
            self._readers[character_set] = readers
        return readers

    def attributes(
        self, data_set: DataSet, path: str, readers: dict[str, ReadValues], pixel_representation: int
    ) -> dict[str, Any]:
        """Convert one data set, whose character set and pixel representation come from around it unless it has them."""
        charset = data_set.get(SPECIFIC_CHARACTER_SET)
        if charset is not None and isinstance(charset.value, bytes):
            readers = self.readers(charset.value)
        own = integer_of(data_set, PIXEL_REPRESENTATION, self._byte_order)
        pixel_representation = pixel_representation if own is None else own
        attributes: dict[str, Any] = {}
        for tag, stored_vr, offset, length, value in data_set.values():
            key = f"{tag:08X}"
            if " or " in stored_vr:
                vr = resolve_ambiguous_vr(stored_vr, tag, data_set, self._byte_order, pixel_representation)
            else:
                vr = stored_vr
            if isinstance(value, bytes):
                attributes[key] = _attribute(tag, vr, value, readers)
            elif value is None:
                attributes[key] = self._bulk(path + key, BulkValue(offset, length, vr))
            else:
                items = [
                    self.attributes(item, f"{path}{key}/{index}/", readers, pixel_representation)
                    for index, item in enumerate(value)
                ]
                attributes[key] = {"vr": vr, "Value": items} if items else {"vr": vr}
        return attributes if _ascending(data_set) else dict(sorted(attributes.items()))

    def _bulk(self, path: str, value: BulkValue) -> dict[str, Any]:
        self.bulk_data[path] = value
        return {"vr": value.vr, "BulkDataURI": BULK_DATA_PREFIX + path}


def _attribute(tag: int, vr: str, value: bytes, readers: dict[str, ReadValues]) -> dict[str, Any]:
    """Convert a value that was read with the header; one whose length its VR cannot have becomes UN, as in pydicom."""
    reader = readers.get(vr)
    if reader is None:
        return {"vr": vr, "InlineBinary": inline_binary(value)} if value else {"vr": vr}
    try:
        values = reader(value)
    except ValueError:
        return {"vr": "UN", "InlineBinary": inline_binary(value)}
    if not values:
        return {"vr": vr}
    if vr == "SS" and tag in _LUT_DESCRIPTORS and values[0] < 0:
        values[0] += 65536
    return {"vr": vr, "Value": values}


def _ascending(data_set: DataSet) -> bool:
    tags = list(data_set)
    return tags == sorted(tags)
