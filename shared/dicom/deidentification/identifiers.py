"""Gather what identifies a file's patient, and find it again in bytes. Nothing found is ever told, only that it was.

Searched for are names and their parts, ids, addresses, telephone numbers and the UIDs that were mapped, in the file's
own bytes, in UTF-8, Latin-1 and UTF-16 of both byte orders, in either case of ASCII letters. They count where no letter
or digit touches them. Not searched for is what would be found everywhere: fewer than four characters, fewer than six
where all are digits, and words without a digit that are codes of the file too (a patient called CHEST).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from shared.dicom.charsets import Decode, text_decoder
from shared.dicom.deidentification.decisions import Action, decide
from shared.dicom.deidentification.profile import Profile
from shared.dicom.elements import DataSet
from shared.dicom.tags import SPECIFIC_CHARACTER_SET

_SHORTEST: Final = 4
_SHORTEST_NUMBER: Final = 6
MAX_TEXTS: Final = 500
"""Of one file that are searched for: each takes a pass. UIDs may be as many as they are."""
_SHORTEST_IN_NOISE: Final = 6
"""Shorter texts stand in a gigabyte of compressed pixels by chance."""
_UID: Final = re.compile(rb"[0-9]+(?:\.[0-9]+)+")
_MAPPED: Final = (Action.MAP_UID, Action.DUMMY)
_OF_THE_PATIENT: Final = frozenset(
    {
        0x0008_0050,  # AccessionNumber
        0x0010_0010,  # PatientName
        0x0010_0020,  # PatientID
        0x0010_1000,  # OtherPatientIDs
        0x0010_1001,  # OtherPatientNames
        0x0010_1005,  # PatientBirthName
        0x0010_1040,  # PatientAddress
        0x0010_1050,  # InsurancePlanIdentification
        0x0010_1060,  # PatientMotherBirthName
        0x0010_1090,  # MedicalRecordLocator
        0x0010_2154,  # PatientTelephoneNumbers
        0x0010_2155,  # PatientTelecomInformation
        0x0010_2297,  # ResponsiblePerson
        0x0038_0010,  # AdmissionID
    }
)
_REGISTERED: Final = b"1.2.840.10008."
_DUMMIES: Final = frozenset({"deidentified", "anonymous", "anonymized", "anonymised", "unknown", "none"})
"""Words that stand where a name or id was taken out before."""


@dataclass(frozen=True, slots=True)
class Identifiers:
    """What identifies one patient, in the forms in which it may stand in a file.

    Attributes:
        texts: names, ids and their like, ASCII letters in lower case.
        wide: the same in UTF-16.
        uids: as they stand.
    """

    texts: tuple[bytes, ...]
    wide: tuple[bytes, ...]
    uids: frozenset[bytes]

    def are_in(self, data: bytes) -> bool:
        """Tell whether any of them stands in *data*."""
        if self.uids and not self.uids.isdisjoint(_UID.findall(data)):
            return True
        lower = data.lower()
        return any(text in lower for text in self.wide) or any(_stands_in(text, lower) for text in self.texts)

    def unmistakable(self) -> "Identifiers":
        """Return those that stand in compressed pixels by intent only, as in a comment of JPEG, and not by chance."""
        texts = tuple(text for text in self.texts if len(text) >= _SHORTEST_IN_NOISE)
        return Identifiers(texts, self.wide, frozenset())


def identifiers_of(data_set: DataSet, profile: Profile) -> Identifiers:
    """Return what identifies the patient of a data set, at any depth, as far as *profile* does not retain it."""
    found = _Found(set(), set(), set())
    if not profile.private_only:
        _gather(data_set, profile, text_decoder(b""), found)
    texts = [text for text in sorted(found.texts) if text.lower() not in found.codes or _has_digit(text)]
    known = list(islice(_worth_finding(texts), MAX_TEXTS))
    variants = {variant for text in known for variant in _variants(text)}
    narrow = {text.encode(codec, "ignore").lower() for text in variants for codec in ("utf-8", "latin-1")}
    return Identifiers(
        texts=tuple(sorted(text for text in narrow if len(text) >= _SHORTEST)),
        wide=tuple(
            sorted(text.encode(codec).lower() for text in variants for codec in ("utf-16-le", "utf-16-be"))
        ),
        uids=frozenset(uid for uid in found.uids if not uid.startswith(_REGISTERED) and uid.count(b".") > 1),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    texts: set[str]
    uids: set[bytes]
    codes: set[str]


def _gather(data_set: DataSet, profile: Profile, decode: Decode, found: _Found) -> None:
    charset = data_set.get(SPECIFIC_CHARACTER_SET)
    if charset is not None and isinstance(charset.value, bytes):
        decode = text_decoder(charset.value)
    for tag, element in data_set.items():
        value = element.value
        if isinstance(value, list):
            for item in value:
                _gather(item, profile, decode, found)
        elif not value:
            continue
        elif tag in _OF_THE_PATIENT:
            found.texts.update(_parts(decode(value)), _parts(value.decode("latin-1")))
        elif element.vr == "CS":
            found.codes.update(code.strip(" \0").lower() for code in value.decode("latin-1").split("\\"))
        elif element.vr == "UI" and decide(profile, tag, "UI").action in _MAPPED:
            found.uids.update(uid.strip(b" \0") for uid in value.split(b"\\"))


def _has_digit(text: str) -> bool:
    """Tell whether a text is a number of somebody rather than a word: no code is one by chance."""
    return any(character.isdigit() for character in text)


def _stands_in(text: bytes, data: bytes) -> bool:
    """Tell whether *text* stands in *data* with no letter or digit touching it, and in a number no decimal point."""
    number = text.isdigit()
    at = data.find(text)
    while at >= 0:
        end = at + len(text)
        before, after = data[max(at - 2, 0) : at], data[end : end + 2]
        goes_on = before[-1:].isalnum() or after[:1].isalnum()
        is_fraction = number and (
            (before[-1:] == b"." and before[:1].isdigit()) or (after[:1] == b"." and after[1:].isdigit())
        )
        if not goes_on and not is_fraction:
            return True
        at = data.find(text, at + 1)
    return False


def _parts(text: str) -> set[str]:
    """Return a value and what it is made of: values, and the components and words of names."""
    values = {value.strip(" \0\r\n") for value in text.split("\\")}
    words = {word for value in values for word in re.split(r"[\s^=,;]+", value)}
    return values | words


def _variants(text: str) -> set[str]:
    """Return a text in the cases it may be written in; those of ASCII letters are the pattern's matter."""
    return {text} if text.isascii() else {text, text.lower(), text.upper(), text.title()}


def _worth_finding(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        if text.lower() in _DUMMIES:
            continue
        if len(text) >= (_SHORTEST_NUMBER if text.isdecimal() else _SHORTEST):
            yield text
