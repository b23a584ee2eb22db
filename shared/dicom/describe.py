"""List every attribute of a file with its names and values, for people and scripts. It reads no file itself.

Sequences are nested, values of binary VRs and those too large to be read with the header are summarised by their
length, and a text that its character set does not fit is shown with replacement characters.
"""

from collections.abc import Mapping
from typing import Any, Final

from shared.dicom.dicom_json import to_dicom_json
from shared.dicom.header import Header
from shared.dicom.tag_names import KeyScheme, name_of

MAX_ENTRIES: Final = 20_000
"""Attributes described of one file, at all depths together."""
MAX_TEXT: Final = 4096
"""Characters shown of one value."""

_BASE64: Final = (3, 4)
"""Bytes, and the characters they take in base64."""


def describe(header: Header, scheme: KeyScheme) -> dict[str, Any]:
    """Return what a file holds.

    Returns:
        "file_meta" and "attributes", lists in the order of the tags, and "truncated", whether there were more
        attributes than `MAX_ENTRIES`. An entry has "key" (the name in *scheme*), "tag", "name", "keyword", "vr",
        "retired" where it is true, "private_creator" where there is one, and one of "value" (a list), "items" (a
        list of lists of entries) and "binary" ({"length": bytes}); none of these where it is empty.
    """
    writer = _Writer(scheme)
    meta, data_set = to_dicom_json(header, of_file_meta=True), to_dicom_json(header)
    return {
        "transfer_syntax_uid": header.transfer_syntax_uid,
        "file_meta": writer.entries(
            meta.attributes, {path: bulk.length for path, bulk in meta.bulk_data.items()}
        ),
        "attributes": writer.entries(
            data_set.attributes, {path: bulk.length for path, bulk in data_set.bulk_data.items()}
        ),
        "truncated": writer.left <= 0,
    }


class _Writer:
    """Writes entries until there are too many."""

    def __init__(self, scheme: KeyScheme) -> None:
        self._scheme = scheme
        self.left = MAX_ENTRIES

    def entries(
        self, attributes: Mapping[str, Any], lengths: Mapping[str, int], path: str = ""
    ) -> list[dict[str, Any]]:
        """Return the entries of one data set; *lengths* has the bytes of values left out of it, by path."""
        described = []
        for tag, attribute in attributes.items():
            if self.left <= 0:
                break
            self.left -= 1
            described.append(self._entry(tag, attribute, attributes, lengths, path))
        return described

    def _entry(
        self,
        tag: str,
        attribute: Mapping[str, Any],
        attributes: Mapping[str, Any],
        lengths: Mapping[str, int],
        path: str,
    ) -> dict[str, Any]:
        number = int(tag, 16)
        creator = _creator(number, attributes)
        name = name_of(number, creator)
        entry: dict[str, Any] = {
            "key": name.by(self._scheme),
            "tag": name.tag,
            "name": name.name,
            "keyword": name.keyword,
            "vr": attribute["vr"],
        }
        if name.retired:
            entry["retired"] = True
        if creator:
            entry["private_creator"] = creator
        if attribute["vr"] == "SQ":
            items = enumerate(attribute.get("Value", ()))
            entry["items"] = [
                self.entries(item, lengths, f"{path}{tag}/{index}/") for index, item in items if self.left > 0
            ]
        elif "InlineBinary" in attribute:
            entry["binary"] = {"length": _binary_length(attribute["InlineBinary"])}
        elif "BulkDataURI" in attribute:
            entry["binary"] = {"length": lengths[path + tag]}
        elif "Value" in attribute:
            entry["value"] = [_shown(value) for value in attribute["Value"]]
        return entry


def _creator(tag: int, attributes: Mapping[str, Any]) -> str:
    """Return the creator of a private attribute's block, from the same data set; else "".

    Source: PS3.5 2024e §7.8.1
    """
    block = (tag & 0xFFFF) >> 8
    if not tag >> 16 & 1 or block < 0x10:
        return ""
    creator: Mapping[str, Any] = attributes.get(f"{tag >> 16:04X}00{block:02X}", {})
    value = next(iter(creator.get("Value", ())), "")
    return value if isinstance(value, str) else ""


def _shown(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return f"{value[:MAX_TEXT]}… ({len(value)} characters)"
    return value


def _binary_length(base64: str) -> int:
    taken, written = _BASE64
    return len(base64) // written * taken - base64[-2:].count("=")
