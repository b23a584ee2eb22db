"""Name tags: by number, by the standard's name, by keyword; private ones by pydicom's private dictionaries.

Source: PS3.6 2024e §6 and §7, as pydicom has them
"""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from shared.dicom.tags import tag_text


class KeyScheme(StrEnum):
    """How an attribute is called."""

    NUMERIC = "numeric"
    """(0010,0020)"""
    HUMAN = "human"
    """Patient ID"""
    KEYWORD = "keyword"
    """PatientID"""


class TagName(NamedTuple):
    """What an attribute is called.

    Attributes:
        tag: as the standard writes it, `(0010,0020)`.
        name: the standard's; of a private attribute that of its creator's dictionary; "" where none has it.
        keyword: the standard's; "" for private and unknown ones.
        retired: whether the standard has retired it.
    """

    tag: str
    name: str
    keyword: str
    retired: bool

    def by(self, scheme: KeyScheme) -> str:
        """Return what it is called in a scheme; its number where it has no such name."""
        named = {KeyScheme.NUMERIC: self.tag, KeyScheme.HUMAN: self.name, KeyScheme.KEYWORD: self.keyword}
        return named[scheme] or self.tag


@lru_cache(maxsize=8192)
def name_of(tag: int, creator: str = "") -> TagName:
    """Return what an attribute is called.

    Args:
        tag: group << 16 | element.
        creator: of a private attribute's block; "" if unknown.
    """
    from pydicom.datadict import get_entry, private_dictionary_description

    text = tag_text(tag)
    if tag >> 16 & 1:
        if 0x10 <= tag & 0xFFFF <= 0xFF:
            return TagName(text, "Private Creator", "", retired=False)
        try:
            return TagName(text, str(private_dictionary_description(tag, creator)), "", retired=False)
        except KeyError:
            return TagName(text, "", "", retired=False)
    if not tag & 0xFFFF:
        return TagName(text, "Group Length", "GroupLength", retired=True)
    try:
        _, _, name, is_retired, keyword = get_entry(tag)
    except KeyError:
        return TagName(text, "", "", retired=False)
    return TagName(text, str(name), str(keyword), retired=bool(is_retired))
