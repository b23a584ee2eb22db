"""Make the value that stands in the place of another. It decides nothing and knows no places.

Source: PS3.15 2026d §E.1.1 (actions D, Z, U and C)
"""

import re
from dataclasses import dataclass
from typing import Final

from shared.dicom.charsets import Decode
from shared.dicom.deidentification import structured_content
from shared.dicom.deidentification.dates import cap_ages, keep_years, shift_dates
from shared.dicom.deidentification.decisions import Action
from shared.dicom.deidentification.dummies import TEXT_VRS, consists_of, dummy_value
from shared.dicom.deidentification.profile import Profile
from shared.dicom.deidentification.pseudonyms import Pseudonyms
from shared.dicom.deidentification.table import attribute_row
from shared.dicom.elements import DataSet, Element

PATIENT_NAME: Final = 0x0010_0010
PATIENT_ID: Final = 0x0010_0020
_TIMEZONE: Final = 0x0008_0201
_CURVES: Final = range(0x5000, 0x5100)
_NAMES_AN_ID: Final = re.compile(r"\b(?:ID|Identifier|Number)\b")
_OF_BYTES: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


@dataclass(frozen=True, slots=True)
class Replacements:
    """What stands in the place of the values of one file.

    Attributes:
        profile: what is kept of what is cleaned.
        pseudonyms: what stands for identifiers.
        patient: whose file it is: what the shift of dates and the pseudonym of the name are made of.
    """

    profile: Profile
    pseudonyms: Pseudonyms
    patient: str

    def replace(self, action: Action, element: Element, decode: Decode, code: DataSet | None) -> bytes:
        """Return the value for the actions Z, D and U; ids get a pseudonym, so that what was equal stays equal.

        Args:
            action: EMPTY, DUMMY or MAP_UID.
            element: no sequence.
            decode: the text of its data set.
            code: its data set, if what a known code says may stay.
        """
        value = element.value
        if not isinstance(value, bytes):
            return b"" if action is Action.EMPTY else dummy_value(element.vr)
        if action is Action.MAP_UID or (action is Action.DUMMY and element.vr == "UI"):
            return self.uids(value)
        if code is not None and element.tag in structured_content.CODE_TAGS:
            known = structured_content.code_value(element.tag, value, code)
            return dummy_value(element.vr) if known is None else known
        if element.vr in TEXT_VRS and (pseudonym := self._pseudonym(element.tag, value, decode)):
            return pseudonym
        return b"" if action is Action.EMPTY else dummy_value(element.vr, value.count(b"\\") + 1)

    def clean(self, element: Element, decode: Decode) -> bytes | None:
        """Return what may stay of a value (action C), or None if nothing may."""
        value, vr = element.value, element.vr
        if not isinstance(value, bytes) or element.tag >> 16 in _CURVES or vr in _OF_BYTES:
            return None
        if vr in ("AS", "DA", "DT"):
            return self._changed(value, vr)
        if vr == "AE":
            title = value.decode("latin-1").strip(" \0")
            return self.pseudonyms.identifier("AE", title).encode() if title else b""
        if vr in TEXT_VRS or vr == "CS":
            is_clean = element.tag == _TIMEZONE or consists_of(decode(value), self.profile.vocabulary)
            return value if is_clean else None
        return value

    def _changed(self, value: bytes, vr: str) -> bytes:
        """Return dates shifted or cut, or ages capped."""
        if vr == "AS":
            return cap_ages(value)
        if self.profile.year_only:
            return keep_years(value, vr)
        return shift_dates(value, vr, self.pseudonyms.days(self.patient))

    def of_repeated(self, element: Element) -> bytes:
        """Return what stands in the place of a value in which an identifier of the patient was found."""
        if element.vr == "UI" and isinstance(element.value, bytes):
            return self.uids(element.value)
        return dummy_value(element.vr) if element.vr in TEXT_VRS else b""

    def uids(self, value: bytes) -> bytes:
        """Return one or several UIDs, mapped."""
        uids = (uid.strip(b" \0").decode("latin-1") for uid in value.split(b"\\"))
        return "\\".join(self.pseudonyms.uid(uid) if uid else "" for uid in uids).encode()

    def _pseudonym(self, tag: int, value: bytes, decode: Decode) -> bytes:
        if tag == PATIENT_NAME:
            return self.pseudonyms.identifier("patient", self.patient).encode()
        row = attribute_row(tag)
        text = decode(value).strip(" \0")
        if row is None or _NAMES_AN_ID.search(row.name) is None or not text:
            return b""
        domain = "patient" if tag == PATIENT_ID else f"{tag:08X}"
        return self.pseudonyms.identifier(domain, text).encode()
