"""What is to be kept, cleaned and dropped: the options of PS3.15 Annex E, and profiles made of them.

Source: PS3.15 2026d §E.2 and §E.3; PS3.16 2024e CID 7050
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.dicom.deidentification.table import EDITION
from shared.errors import InvalidRequestError


class Option(StrEnum):
    """The option columns of Table E.1-1."""

    RETAIN_SAFE_PRIVATE = "retain_safe_private"
    RETAIN_UIDS = "retain_uids"
    RETAIN_DEVICE_IDENTITY = "retain_device_identity"
    RETAIN_INSTITUTION_IDENTITY = "retain_institution_identity"
    RETAIN_PATIENT_CHARACTERISTICS = "retain_patient_characteristics"
    RETAIN_FULL_DATES = "retain_longitudinal_full_dates"
    RETAIN_MODIFIED_DATES = "retain_longitudinal_modified_dates"
    CLEAN_DESCRIPTORS = "clean_descriptors"
    CLEAN_STRUCTURED_CONTENT = "clean_structured_content"
    CLEAN_GRAPHICS = "clean_graphics"


type Code = tuple[str, str]
"""A code of the coding scheme DCM, and its meaning."""

BASIC_PROFILE: Final[Code] = ("113100", "Basic Application Confidentiality Profile")
CLEAN_PIXEL_DATA: Final[Code] = ("113101", "Clean Pixel Data Option")
_CODES: Final[dict[Option, Code]] = {
    Option.CLEAN_GRAPHICS: ("113103", "Clean Graphics Option"),
    Option.CLEAN_STRUCTURED_CONTENT: ("113104", "Clean Structured Content Option"),
    Option.CLEAN_DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.RETAIN_FULL_DATES: ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    Option.RETAIN_MODIFIED_DATES: (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    Option.RETAIN_PATIENT_CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE_IDENTITY: ("113109", "Retain Device Identity Option"),
    Option.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    Option.RETAIN_SAFE_PRIVATE: ("113111", "Retain Safe Private Option"),
    Option.RETAIN_INSTITUTION_IDENTITY: ("113112", "Retain Institution Identity Option"),
}


_KEY_HELD: Final = "the key held apart"
_KEY_GONE: Final = "the key thrown away"


class Dates(StrEnum):
    """What becomes of dates; the value is that of (0028,0303) LongitudinalTemporalInformationModified."""

    DROPPED = "REMOVED"
    KEPT = "UNMODIFIED"
    CHANGED = "MODIFIED"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a file is rewritten by.

    Attributes:
        name: for reports and (0012,0063) DeidentificationMethod.
        options: that hold besides the Basic Profile.
        year_only: whether dates keep their year, and nothing else.
        private_only: whether private attributes are all that is removed; the result still names its patient.
        vocabulary: words that descriptors and text of structured content may consist of, in lower case. Text with any
            other word is dropped, so an empty vocabulary drops all.
        random_pseudonyms: whether the key of the pseudonyms is thrown away, so that they are derived from nothing that
            anybody has.

    Raises:
        InvalidRequestError: Two options contradict each other.
    """

    name: str = "Basic Profile"
    options: frozenset[Option] = frozenset()
    year_only: bool = False
    private_only: bool = False
    vocabulary: frozenset[str] = frozenset()
    random_pseudonyms: bool = False

    def __post_init__(self) -> None:
        about_dates = self.options & {Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES}
        if len(about_dates) + self.year_only > 1:
            raise InvalidRequestError("dates are retained in full, modified, or by year: choose one of them")

    @property
    def dates(self) -> Dates:
        """What becomes of dates."""
        if Option.RETAIN_FULL_DATES in self.options:
            return Dates.KEPT
        if self.year_only or Option.RETAIN_MODIFIED_DATES in self.options:
            return Dates.CHANGED
        return Dates.DROPPED

    @property
    def codes(self) -> tuple[Code, ...]:
        """What (0012,0064) DeidentificationMethodCodeSequence says of it."""
        return (BASIC_PROFILE, *(code for option, code in _CODES.items() if option in self.options))

    @property
    def method(self) -> tuple[str, ...]:
        """What (0012,0063) DeidentificationMethod says of it: texts of 64 characters at most."""
        said = (f"dicom-functions, PS3.15 {EDITION}", self.name.replace(_KEY_HELD, _KEY_GONE))
        if not self.random_pseudonyms:
            return (said[0], self.name)
        return said if said[1] != self.name else (*said, "Pseudonyms at random")


PRIVATE: Final = Profile("FILTER_PRIVATE: private attributes removed", private_only=True)
SAFE_HARBOR: Final = Profile(
    "FILTER_HIPAA: Safe Harbor profile, dates by year",
    frozenset({Option.RETAIN_PATIENT_CHARACTERISTICS}),
    year_only=True,
)
PSEUDONYMISATION: Final = Profile(f"FILTER_GDPR: PSEUDONYMISED, {_KEY_HELD}")
FILTERS: Final = {
    "FILTER_PRIVATE": PRIVATE,
    "FILTER_HIPAA": SAFE_HARBOR,
    "FILTER_GDPR": PSEUDONYMISATION,
}
"""By the names that callers know from before. They describe what is done, not whether a law is satisfied."""


def combine(filters: Sequence[str]) -> Profile:
    """Return the profile of named filters: for every attribute the more protective action of any of them.

    Args:
        filters: Names of FILTERS, in any order, "HIPAA" as well as "FILTER_HIPAA".

    Raises:
        InvalidRequestError: One is unknown, or there is none.
    """
    names = sorted({_full_name(name) for name in filters})
    if not names:
        raise InvalidRequestError(f"name a filter: {', '.join(FILTERS)}")
    profiles = [FILTERS[name] for name in names]
    whole = [profile for profile in profiles if not profile.private_only]
    if len(whole) <= 1:
        return whole[0] if whole else PRIVATE
    return Profile(
        f"FILTER_HIPAA and FILTER_GDPR: PSEUDONYMISED, {_KEY_HELD}",
        frozenset.intersection(*(profile.options for profile in whole)),
        year_only=all(profile.year_only for profile in whole),
    )


def _full_name(name: str) -> str:
    full = name.strip().upper()
    full = full if full.startswith("FILTER_") else f"FILTER_{full}"
    if full not in FILTERS:
        raise InvalidRequestError(f"an unknown filter: use {', '.join(FILTERS)}")
    return full
