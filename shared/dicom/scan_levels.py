"""Hold what a scan of elements has open, and say why it stopped. It scans nothing."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from shared.dicom.elements import DataSet

DATA_SET: Final = 0
SEQUENCE: Final = 1
FRAGMENTS: Final = 2


class Wanted(NamedTuple):
    """The bytes [start, end) of the object without which a scan cannot go on."""

    start: int
    end: int


class PixelDataFound(NamedTuple):
    """Where a scan stopped: the top-level pixel data, whose value begins at `offset`."""

    tag: int
    vr: str
    offset: int
    length: int


type Stop = Wanted | PixelDataFound | None


@dataclass(slots=True, kw_only=True)
class Level:
    """A data set, a sequence or a run of fragments that is open.

    Attributes:
        kind: which of the three.
        end: its own end, or of what holds it if it is ended by a delimiter, in bytes from the object's start.
        delimited: whether its length is undefined, so that a delimiter ends it.
        implicit: whether its elements carry no VR.
        tag: of the element that it is the value of; of a data set 0.
        vr: of that element.
        offset: of that element's value, in bytes from the object's start.
        data_set: the elements, of a data set.
        items: the items, of a sequence.
    """

    kind: int
    end: int
    delimited: bool
    implicit: bool
    tag: int = 0
    vr: str = ""
    offset: int = 0
    data_set: DataSet = field(default_factory=dict)
    items: list[DataSet] = field(default_factory=list)


def sequence_in(outer: Level, *, end: int, tag: int, offset: int) -> Level:
    """Return the level that a sequence of defined length opens."""
    return Level(kind=SEQUENCE, end=end, delimited=False, implicit=outer.implicit, tag=tag, offset=offset)


def undefined_in(outer: Level, *, vr: str, tag: int, offset: int) -> Level:
    """Return the level that an element of undefined length opens: a sequence, or fragments (a nested image, say).

    Source: PS3.5 2024e §6.2.2 (UN of undefined length is a sequence) and §A.4
    """
    return Level(
        kind=SEQUENCE if vr in ("SQ", "UN") else FRAGMENTS,
        end=outer.end,
        delimited=True,
        implicit=outer.implicit,
        tag=tag,
        vr="OB" if " or " in vr else vr,
        offset=offset,
    )
