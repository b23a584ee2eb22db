"""Find what a header tells of its patient, at every depth. It keeps no values and does not weigh what it finds."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from shared.dicom.elements import DataSet, Element
from shared.dicom.header import Header
from shared.dicom.risk import rules
from shared.dicom.risk.pixel_signals import pixel_signals
from shared.dicom.risk.rules import Rule

_PATIENT_NAME: Final = 0x0010_0010
_PATIENT_ID: Final = 0x0010_0020
_PRIVATE_INFORMATION: Final = 0x0002_0102
_SHORTEST_IDENTIFIER: Final = 4
"""Bytes; a shorter name or number is found in any text by chance."""

_FREE_TEXT_VRS: Final = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
_UNLISTED: Final = {
    "PN": rules.UNLISTED_NAME,
    "DA": rules.UNLISTED_DATE,
    "DT": rules.UNLISTED_DATE,
    "LT": rules.UNLISTED_TEXT,
    "ST": rules.UNLISTED_TEXT,
    "UC": rules.UNLISTED_TEXT,
    "UR": rules.UNLISTED_TEXT,
    "UT": rules.UNLISTED_TEXT,
    "UN": rules.UNKNOWN,
}


class Finding(NamedTuple):
    """Something in a file that tells of its patient.

    Attributes:
        rule: what it is.
        path: where it stands: tags and 0-based item numbers, such as `00400275/0/00400009`; empty for what is of the
            file as a whole.
    """

    rule: Rule
    path: str


def findings(header: Header) -> Iterator[Finding]:
    """Yield what is present and not empty: in the preamble, the file meta information, and the data set at any depth.

    Values too large to be read with the header count as present; what they hold is not looked into.
    """
    if header.preamble_in_use:
        yield Finding(rules.PREAMBLE, "")
    known = _identifiers(header.elements)
    yield from _of_data_set(header.file_meta, "", ())
    yield from _of_data_set(header.elements, "", known)
    yield from (Finding(rule, f"{tag:08X}" if tag else "") for rule, tag in pixel_signals(header))


def rules_found(header: Header) -> set[Rule]:
    """Return the rules by which `findings` finds anything, without the places: every instance is asked at ingest."""
    found = {rule for rule, _ in pixel_signals(header)}
    if header.preamble_in_use:
        found.add(rules.PREAMBLE)
    known = _identifiers(header.elements)
    pending = [header.elements]
    for element in header.file_meta.values():
        if not _is_empty(element):
            found.update(_of_element(element, ()))
    while pending:
        for element in pending.pop().values():
            if not _is_empty(element):
                found.update(_of_element(element, known))
                if isinstance(element.value, list):
                    pending += element.value
    return found


def _of_data_set(data_set: DataSet, path: str, known: tuple[bytes, ...]) -> Iterator[Finding]:
    for element in data_set.values():
        if not _is_empty(element):
            for rule in _of_element(element, known):
                yield Finding(rule, f"{path}{element.tag:08X}")
            if isinstance(element.value, list):
                for number, item in enumerate(element.value):
                    yield from _of_data_set(item, f"{path}{element.tag:08X}/{number}/", known)


def _of_element(element: Element, known: tuple[bytes, ...]) -> tuple[Rule, ...]:
    tag, vr, _, _, value = element
    by_tag = _by_tag(tag, vr)
    if known and vr in _FREE_TEXT_VRS and tag != _PATIENT_ID and isinstance(value, bytes):
        text = value.lower()
        for identifier in known:
            if identifier in text:
                return (*by_tag, rules.COPIED_IDENTIFIER)
    return by_tag


@lru_cache(maxsize=8192)
def _by_tag(tag: int, vr: str) -> tuple[Rule, ...]:
    """Return the rule that an attribute falls under whatever its value, if there is one."""
    if tag >> 16 & 1 or tag == _PRIVATE_INFORMATION:
        # The creator's name only says whose elements follow.
        return () if 0x10 <= tag & 0xFFFF <= 0xFF else (rules.PRIVATE,)
    rule = rules.rule_of(tag) or _UNLISTED.get(vr)
    return () if rule is None else (rule,)


def _is_empty(element: Element) -> bool:
    value = element.value
    return value is not None and not (value.strip(b" \0") if isinstance(value, bytes) else value)


def _identifiers(data_set: DataSet) -> tuple[bytes, ...]:
    """Return the patient's own name parts and number as they stand in the file, in lower case."""
    found: set[bytes] = set()
    for tag in (_PATIENT_NAME, _PATIENT_ID):
        element = data_set.get(tag)
        if element is not None and isinstance(element.value, bytes):
            parts = element.value.replace(b"=", b"^").split(b"^") if tag == _PATIENT_NAME else [element.value]
            found.update(part.strip(b" \0").lower() for part in parts)
    return tuple(sorted(part for part in found if len(part) >= _SHORTEST_IDENTIFIER))
