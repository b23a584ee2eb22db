"""Make the document of an instance for the search index, out of its DICOM JSON. It stores nothing.

Hostile files have many elements, deep ones and long ones: what is over a limit is left out, and `truncated` says so.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from shared.dicom.index.fields import DELETED, INFO, NAME_PARTS, PARTITION, UIDS, Kind, attributes, kind_of
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.index.values import texts, vr_of
from shared.dicom.person_names import fold_name
from shared.dicom.references import InstanceRef

MAX_PAIRS: Final = 4096
"""Entries of `info` in one document."""
MAX_DEPTH: Final = 8
"""Sequences around an attribute."""
_MAX_BYTES: Final = 512 * 1024
"""Of all entries of `info`."""
_MAX_TEXT: Final = 256
"""Characters of a value in a field of its own."""
_MAX_VALUES: Final = 64
"""Values in a field of its own."""
_LARGEST_INTEGER: Final = 2**63 - 1
_ALPHABETIC: Final = ("family", "given", "middle", "prefix", "suffix")


def document_of(
    ref: InstanceRef, attributes_json: Mapping[str, Any], own: Mapping[str, Any], policy: IndexPolicy
) -> dict[str, Any]:
    """Return the document of an instance.

    Args:
        ref: which one.
        attributes_json: its data set as DICOM JSON.
        own: fields of `fields.OWN` that do not follow from the data set.
        policy: which attributes enter it, and how.
    """
    pairs = _Pairs(policy)
    pairs.add(attributes_json, ())
    document = {**own, **_fields(attributes_json, policy), **_identity(ref), DELETED: False}
    study_date = _first(attributes_json, "00080020")
    if (day := _day(study_date)) is not None and "00080020" not in policy.omitted:
        document["year"] = day[:4]
    return document | {INFO: list(pairs.found), "truncated": pairs.truncated}


def bare_document(ref: InstanceRef, partition: str, *, deleted_on: str | None = None) -> dict[str, Any]:
    """Return a document that says of an instance only that it is there, or on which day it was found deleted.

    Deletions are documents too: their versions outlast every write that comes late.
    """
    is_deleted = deleted_on is not None
    document = {PARTITION: partition, DELETED: is_deleted, "truncated": not is_deleted, **_identity(ref)}
    return document | ({"indexed_on": deleted_on} if is_deleted else {})


def document_id(partition: str, ref: InstanceRef) -> str:
    """Return the id of an instance's document."""
    return f"{partition}/{instance_id(ref)}"


def instance_id(ref: InstanceRef) -> str:
    """Return the id by which clients know an instance: its three UIDs, the study's first."""
    return f"{ref.study_instance_uid}/{ref.series_instance_uid}/{ref.sop_instance_uid}"


def field_of(document: Mapping[str, Any], name: str) -> Any:
    """Return what a document has in a field, such as `PatientName.family`; None if it has none."""
    held: Any = document
    for part in name.split("."):
        held = held.get(part) if isinstance(held, Mapping) else None
    return held


def _identity(ref: InstanceRef) -> dict[str, str]:
    values = (ref.study_instance_uid, ref.series_instance_uid, ref.sop_instance_uid)
    return dict(zip(UIDS, values, strict=True))


@dataclass(slots=True)
class _Pairs:
    """Collects entries of `info`."""

    policy: IndexPolicy
    found: dict[str, None] = field(default_factory=dict)
    truncated: bool = False
    size: int = 0

    def add(self, data_set: Mapping[str, Any], above: tuple[str, ...]) -> None:
        """Add those of a data set or item."""
        if len(above) > MAX_DEPTH:
            self.truncated = True
            return
        for tag, attribute in data_set.items():
            if self.truncated and len(self.found) >= MAX_PAIRS:
                return
            path = (*above, tag)
            vr = vr_of(tag, str(attribute.get("vr", "")))
            for value in attribute.get("Value", ()):
                if isinstance(value, Mapping) and attribute.get("vr") == "SQ":
                    self.add(value, path)
                else:
                    self._add_value(path, vr, value)

    def _add_value(self, path: tuple[str, ...], vr: str, value: Any) -> None:
        for text in texts(vr, value):
            pair = self.policy.pair(path, vr, text)
            if pair is None or pair in self.found:
                continue
            length = len(pair.encode("utf-8", "replace"))
            if len(self.found) >= MAX_PAIRS or self.size + length > _MAX_BYTES:
                self.truncated = True
                return
            self.size += length
            self.found[_storable(pair)] = None


def _fields(data_set: Mapping[str, Any], policy: IndexPolicy) -> dict[str, Any]:
    """Return the attributes that have fields of their own and may stand there as they are."""
    found: dict[str, Any] = {}
    for tag in attributes().keys() & data_set.keys():
        attribute = attributes()[tag]
        if policy.form_of((tag,), attribute.vr) != "plain":
            continue
        values = list(data_set[tag].get("Value", ()))[:_MAX_VALUES]
        if attribute.vr == "UI":
            values = [one for one in values if policy.form_of((tag,), "UI", str(one)) == "plain"]
        if attribute.vr == "PN":
            held: Any = _name_parts(values)
        else:
            held = [fitting for value in values for fitting in _fitting(kind_of(attribute), value)]
        if held:
            found[attribute.keyword] = held
    return found


def _name_parts(values: list[Any]) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    for value in values:
        if not isinstance(value, Mapping):
            continue
        components = fold_name(str(value.get("Alphabetic") or "")).split("^")
        named = dict(zip(_ALPHABETIC, components, strict=False))
        for group in NAME_PARTS[len(_ALPHABETIC) :]:
            named[group] = fold_name(str(value.get(group.capitalize()) or ""))
        for part, text in named.items():
            if text:
                parts.setdefault(part, []).append(_storable(text[:_MAX_TEXT]))
    return parts


def _fitting(kind: Kind, value: Any) -> Iterator[Any]:
    """Yield the value as a field of this kind can hold it; nothing if it cannot."""
    if value is None or isinstance(value, Mapping | list):
        return
    if kind is Kind.DATE:
        if (day := _day(str(value))) is not None:
            yield day
    elif kind is Kind.TEXT:
        text = str(value).strip(" \0")
        if 0 < len(text) <= _MAX_TEXT:
            yield _storable(text)
    else:
        yield from _number(kind, value)


def _number(kind: Kind, value: Any) -> Iterator[Any]:
    try:
        number = float(value)
        if kind is Kind.NUMBER and math.isfinite(number):
            yield number
        elif kind is Kind.INTEGER and number == int(number) and abs(int(value)) <= _LARGEST_INTEGER:
            yield int(value)
    except (ValueError, OverflowError):
        return


def _day(text: str) -> str | None:
    if len(text) != len("YYYYMMDD") or not text.isascii() or not text.isdigit():
        return None
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return text


def _first(data_set: Mapping[str, Any], tag: str) -> str:
    return str(next(iter(data_set.get(tag, {}).get("Value", ())), "") or "")


def _storable(text: str) -> str:
    """Return *text* without lone surrogates, which no JSON in UTF-8 can have."""
    return text.encode("utf-8", "replace").decode()
