"""List the ways of showing its grey values that an image brings along, and choose one. It shows nothing.

Source: PS3.3 2024e §C.11.2
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.errors import InvalidQueryError
from shared.pixels.image_attributes import Attributes, finite_numbers, first_text, items, texts
from shared.pixels.rendering_parameters import Window, WindowFunction

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_FUNCTIONS: Final = {"LINEAR_EXACT": WindowFunction.LINEAR_EXACT, "SIGMOID": WindowFunction.SIGMOID}


@dataclass(frozen=True, slots=True)
class Preset:
    """One way: a *window*, or an item of the VOI LUT Sequence as *table*, with its maker's *explanation*."""

    explanation: str
    window: Window | None = None
    table: Attributes | None = None


def presets_of(attributes: Attributes) -> list[Preset]:
    """Return the presets of an image, those with a table first, each kind in the order of the file.

    Windows without a meaning are left out.

    Args:
        attributes: That hold for the frame.
    """
    tables = [Preset(first_text(item, "00283003"), table=item) for item in items(attributes, "00283010")]
    function = _FUNCTIONS.get(first_text(attributes, "00281056").upper(), WindowFunction.LINEAR)
    least = 1 if function is WindowFunction.LINEAR else 0
    pairs = zip(finite_numbers(attributes, "00281050"), finite_numbers(attributes, "00281051"), strict=False)
    explanations = texts(attributes, "00281055")
    windows = [
        Preset(explanations[at] if at < len(explanations) else "", Window(center, width, function))
        for at, (center, width) in enumerate(pairs)
        if center is not None and width is not None and width >= least and width > 0
    ]
    return tables + windows


def choose_preset(presets: Sequence[Preset], wanted: str) -> Preset:
    """Return the preset of a number, from 1, or of an explanation, without regard to letter case.

    Raises:
        InvalidQueryError: There is none.
    """
    if _NUMBER.fullmatch(wanted):
        if int(wanted) <= len(presets):
            return presets[int(wanted) - 1]
    else:
        for preset in presets:
            if preset.explanation and preset.explanation.casefold() == wanted.strip().casefold():
                return preset
    raise InvalidQueryError(
        f"the image has {len(presets)} presets, and preset names none of them by its number or its explanation"
    )
