"""Say how a mammogram is to be turned so that it hangs as radiologists look at it. It turns nothing."""

from collections.abc import Sequence
from typing import Final, NamedTuple

_OPPOSITE: Final = {"A": "P", "P": "A", "L": "R", "R": "L", "F": "H", "H": "F"}


class Hanging(NamedTuple):
    """How a stored image is to be turned."""

    flip_horizontally: bool
    flip_vertically: bool


def hanging(view: str, patient_orientation: Sequence[str]) -> Hanging:
    """Return how an image is to be turned so that the chest wall of a right breast is at the right, of a left one left.

    A craniocaudal view has the lateral side on top, an oblique one the head. What the file does not tell is taken to
    be right as it is.

    Args:
        view: Laterality and projection, such as "R__MLO".
        patient_orientation: Where a row leads to, and where a column: values of (0020,0020).

    Source: PS3.3 2024e §C.7.6.1.1.1; IHE Mammography Image Profile, hanging of views
    """
    is_right = view.startswith("R")
    row, column = (*(value[:1].upper() for value in patient_orientation), "", "")[:2]
    # A row of a right breast that begins in front leads to the back.
    wanted_column = ("L" if is_right else "R") if view.endswith("CC") else "F"
    return Hanging(
        row == _OPPOSITE["P" if is_right else "A"],
        column == _OPPOSITE[wanted_column],
    )
