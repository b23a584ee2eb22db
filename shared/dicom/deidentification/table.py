"""The tables of PS3.15 Annex E as data: what becomes of an attribute or content item. It decides nothing.

Source: PS3.15 2026d Table E.1-1 and Table E.3.4-1; PS3.15 2025b Table E.3.10-1
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

EDITION: Final = "2026d"
_PRIVATE: Final = "PRIVATE"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        name: of the attribute or content item.
        vr: of the attribute by the data dictionary; the value type of a content item.
        basic: action codes of the Basic Profile, such as "X/Z/D".
        options: by the name of an option, the action that it puts in the place of *basic*: "K" or "C".
        category: the class of identifiers that the attribute may hold; empty for content items.
    """

    name: str
    vr: str
    basic: str
    options: Mapping[str, str]
    category: str = ""


@functools.cache
def attribute_rows() -> Mapping[int, Row]:
    """Return the rows of Table E.1-1 by tag; repeating groups by their first tag, such as 0x60003000."""
    classes = {entry["tag"]: entry for entry in _read("phi-map.json")}
    rows = {}
    for rule in _read("ps315-table-e1-1.json")["rules"]:
        if rule["tag"] == _PRIVATE:
            continue
        known = classes[rule["tag"]]
        tag = int(rule["tag"].replace("x", "0"), 16)
        rows[tag] = Row(rule["name"], known["vr"], rule["basic"], rule["options"], known["category"])
    return rows


def attribute_row(tag: int) -> Row | None:
    """Return the row of Table E.1-1 that names an attribute, a repeating group's too."""
    group = tag >> 16
    if 0x5000 <= group <= 0x50FF:
        tag = 0x5000_0000
    elif 0x6000 <= group <= 0x60FF:
        tag = 0x6000_0000 | tag & 0xFFFF
    return attribute_rows().get(tag)


@functools.cache
def content_item_rows() -> Mapping[tuple[str, str, str], Row]:
    """Return the rows of Table E.3.4-1 by the concept's code and coding scheme, and the value type."""
    return {
        (item["code"], item["scheme"], item["value_type"]): Row(
            item["meaning"], item["value_type"], item["basic"], item["options"]
        )
        for item in _read("ps315-table-e1-1.json")["content_items"]
    }


@functools.cache
def safe_private_vrs() -> Mapping[tuple[str, int, int], str]:
    """Return the VRs of Table E.3.10-1 by private creator, group and low byte of the element number."""
    return {
        (row["creator"], int(row["group"], 16), int(row["element"].removeprefix("xx"), base=16)): row["vr"]
        for row in _read("safe-private.json")["rows"]
    }


def _read(name: str) -> Any:
    return json.loads(files(__package__).joinpath("data", name).read_bytes())
