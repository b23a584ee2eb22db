"""Carry out what was decided, element by element, at every depth. It reads no bytes of a file and writes none.

The scanner has capped depth, elements and bytes, so recursion and lists are bounded here.
Source: PS3.15 2026d §E.1 to §E.3
"""

from dataclasses import dataclass, field, replace
from typing import Final

from shared.dicom.charsets import Decode, text_decoder
from shared.dicom.deidentification import dates, structured_content
from shared.dicom.deidentification.decisions import (
    KEPT,
    Action,
    Decision,
    decide,
    is_overlay,
    without_options,
)
from shared.dicom.deidentification.dummies import TEXT_VRS
from shared.dicom.deidentification.identifiers import Identifiers
from shared.dicom.deidentification.private_elements import creator_tag, is_private, is_safe
from shared.dicom.deidentification.profile import Option, Profile
from shared.dicom.deidentification.replacements import Replacements
from shared.dicom.deidentification.report import Report
from shared.dicom.deidentification.table import attribute_row
from shared.dicom.elements import DataSet, Element, integer_of
from shared.dicom.tags import PIXEL_DATA_TAGS, PIXEL_REPRESENTATION, SPECIFIC_CHARACTER_SET, tag_text
from shared.dicom.vr_lookup import resolve_ambiguous_vr

_OVERLAY_TYPE: Final = 0x0040
_OVERLAY_DATA: Final = 0x3000
_SAID_IN_TEXT: Final = TEXT_VRS | {"AS", "DA", "DS", "DT", "IS", "TM", "UN"}
"""VRs whose values become dummies throughout a sequence that must itself become one."""
_STRUCTURE: Final = frozenset({0x0008_1160, 0x0040_DB73})
"""ReferencedFrameNumber and ReferencedContentItemIdentifier: they number parts of the file itself."""
_CONTENT: Final = frozenset({0x0040_0555, 0x0040_0610, 0x0040_A730, 0x0040_B020})
"""Sequences of content items, which the Clean Structured Content Option is about."""
_GRAPHICS: Final = Decision(Action.REMOVE, "overlay that may draw or write anything")
_UNREAD: Final = Decision(Action.REMOVE, "text too long to be looked into")
_NESTED_IMAGE: Final = Decision(
    Action.REMOVE, "compressed pixels inside a sequence, which are not looked into"
)
_REPEATED: Final = Decision(Action.DUMMY, "a value that repeats an identifier of the patient")
_PRIVATE: Final = Decision(Action.REMOVE, "PS3.15 2026d Table E.1-1, private attribute")
_SAFE_PRIVATE: Final = Decision(Action.KEEP, "PS3.15 2025b Table E.3.10-1, option retain_safe_private")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file an element stands.

    Attributes:
        prefix: the path of its data set, with a slash at its end; empty at the top.
        decode: the text of its data set.
        strict: what becomes of all that is said in text here: D, or C in a sequence that is kept if it is clean; None
            where each element is judged for itself.
        content: what becomes of the values of the content item that its data set is, if it is one.
        pixel_representation: of the nearest data set around that has it.
    """

    prefix: str
    decode: Decode
    strict: Decision | None = None
    content: Decision | None = None
    pixel_representation: int = 0


@dataclass(slots=True)
class Rewriter:
    """Rewrites the data set of one file.

    Attributes:
        profile: what is to be done.
        replacements: what stands in the place of values.
        byte_order: "<" or ">".
        encapsulated: whether pixel data is compressed.
        repeats: what must not stand in values that are kept; None for not looking.
        report: what was done.
    """

    profile: Profile
    replacements: Replacements
    byte_order: str
    encapsulated: bool
    repeats: Identifiers | None = None
    report: Report = field(default_factory=Report)

    def rewrite(self, data_set: DataSet) -> DataSet:
        """Return the data set as it is to be written."""
        return self._data_set(data_set, Place("", text_decoder(b"")))

    def _data_set(self, data_set: DataSet, place: Place) -> DataSet:
        charset = data_set.get(SPECIFIC_CHARACTER_SET)
        if charset is not None and isinstance(charset.value, bytes):
            place = replace(place, decode=text_decoder(charset.value))
        representation = integer_of(data_set, PIXEL_REPRESENTATION, self.byte_order)
        if representation is not None:
            place = replace(place, pixel_representation=representation)
        rewritten: DataSet = {}
        for tag, element in data_set.items():
            if is_private(tag):
                self._private(element, data_set, place, rewritten)
                continue
            new = self._element(element, data_set, place)
            if new is not None:
                rewritten[tag] = new
        return rewritten

    def _private(self, element: Element, data_set: DataSet, place: Place, rewritten: DataSet) -> None:
        """Put a private element that is safe into *rewritten*, with its creator."""
        at = creator_tag(element.tag)
        keeps = Option.RETAIN_SAFE_PRIVATE in self.profile.options and place.strict is None
        if keeps and at is not None and is_safe(element, data_set):
            rewritten[at] = data_set[at]
            kept = self._carry_out(_SAFE_PRIVATE, element, data_set, place)
            if kept is not None:
                rewritten[element.tag] = kept
        elif at is not None or not keeps:
            self.report.add(place.prefix + tag_text(element.tag), _PRIVATE)

    def _element(self, element: Element, data_set: DataSet, place: Place) -> Element | None:
        element = self._with_known_vr(element, data_set, place)
        return self._carry_out(self._decide(element, data_set, place), element, data_set, place)

    def _with_known_vr(self, element: Element, data_set: DataSet, place: Place) -> Element:
        vr = element.vr
        if " or " in vr:
            vr = resolve_ambiguous_vr(vr, element.tag, data_set, self.byte_order, place.pixel_representation)
        elif vr == "UN" and (row := attribute_row(element.tag)) is not None and row.vr not in ("", "SQ"):
            vr = row.vr
        return element if vr == element.vr else element._replace(vr=vr)

    def _decide(self, element: Element, data_set: DataSet, place: Place) -> Decision:
        tag, vr = element.tag, element.vr
        if tag in PIXEL_DATA_TAGS:
            return _NESTED_IMAGE if place.prefix and self.encapsulated else KEPT
        if self.profile.private_only:
            return KEPT
        if is_overlay(tag) and Option.CLEAN_GRAPHICS in self.profile.options:
            return self._of_overlay(element, data_set)
        if place.content is not None and tag in structured_content.VALUE_TAGS:
            action = place.content.action
            if action is Action.KEEP or (action is Action.CLEAN and vr in TEXT_VRS):
                return place.content
        decision = decide(self.profile, tag, vr)
        if decision.action is Action.KEEP and place.strict is not None:
            said = _SAID_IN_TEXT if place.strict.action is Action.DUMMY else TEXT_VRS
            return place.strict if vr in said and tag not in _STRUCTURE else decision
        return decision

    def _of_overlay(self, element: Element, data_set: DataSet) -> Decision:
        """Keep an overlay that marks a region of interest; one that draws or writes something goes as a whole."""
        kind = data_set.get(element.tag & 0xFFFF_0000 | _OVERLAY_TYPE)
        if kind is None or not isinstance(kind.value, bytes) or kind.value.strip(b" \0") != b"R":
            return _GRAPHICS
        decision = decide(self.profile, element.tag, element.vr)
        is_data = element.tag & 0xFFFF == _OVERLAY_DATA
        return decision._replace(action=Action.KEEP) if is_data else decision

    def _carry_out(
        self, decision: Decision, element: Element, data_set: DataSet, place: Place
    ) -> Element | None:
        if decision.action is Action.KEEP:
            return self._kept(decision, element, place)
        if decision.action is Action.CLEAN:
            return self._cleaned(decision, element, data_set, place)
        if decision.action is Action.REMOVE:
            self.report.add(place.prefix + tag_text(element.tag), decision)
            return None
        if not element.length and not element.value:
            return element
        self.report.add(place.prefix + tag_text(element.tag), decision)
        return self._replaced(decision, element, data_set, place)

    def _replaced(self, decision: Decision, element: Element, data_set: DataSet, place: Place) -> Element:
        if isinstance(element.value, list):
            if decision.action is Action.EMPTY:
                return element._replace(value=[])
            strict = decision if decision.action is Action.DUMMY else place.strict
            return self._items(element, replace(place, strict=strict))
        code = data_set if place.strict is not None else None
        return _with_value(element, self.replacements.replace(decision.action, element, place.decode, code))

    def _cleaned(
        self, decision: Decision, element: Element, data_set: DataSet, place: Place
    ) -> Element | None:
        if isinstance(element.value, list):
            cleaned: Element | None = self._items(element, replace(place, strict=decision))
        else:
            value = self.replacements.clean(element, place.decode)
            cleaned = None if value is None else _with_value(element, value)
        if cleaned is None:
            instead = without_options(element.tag, decision)
            if decision is place.strict:
                instead = instead._replace(action=Action.DUMMY)
            return self._carry_out(instead, element, data_set, place)
        self.report.add(place.prefix + tag_text(element.tag), decision)
        return cleaned

    def _kept(self, decision: Decision, element: Element, place: Place) -> Element | None:
        path = place.prefix + tag_text(element.tag)
        if decision.rule:
            self.report.add(path, decision)
        if isinstance(element.value, list):
            return self._items(element, place)
        if element.value is None:
            if element.vr in TEXT_VRS and not self.profile.private_only:
                self.report.add(path, _UNREAD)
                return None
            return element
        if element.vr == "AS" and not self.profile.private_only:
            return _with_value(element, dates.cap_ages(element.value))
        if self.repeats is not None and self.repeats.are_in(element.value):
            self.report.add(path, _REPEATED)
            return _with_value(element, self.replacements.of_repeated(element))
        return element

    def _items(self, element: Element, place: Place) -> Element:
        items: list[DataSet] = []
        content = element.tag in _CONTENT and Option.CLEAN_STRUCTURED_CONTENT in self.profile.options
        for number, item in enumerate(element.value if isinstance(element.value, list) else [], 1):
            path = f"{place.prefix}{tag_text(element.tag)}[{number}]"
            inner = replace(place, prefix=f"{path}/", content=None)
            if content and (place.strict is None or place.strict.action is Action.CLEAN):
                decision = structured_content.judge_item(item, self.profile)
                if decision.action in (Action.REMOVE, Action.DUMMY):
                    self.report.add(path, decision)
                if decision.action is Action.REMOVE:
                    continue
                strict = None if decision.action is Action.KEEP else decision
                inner = replace(inner, content=decision, strict=strict)
            items.append(self._data_set(item, inner))
        return element._replace(value=items)


def _with_value(element: Element, value: bytes) -> Element:
    return Element(element.tag, element.vr, 0, len(value), value)
