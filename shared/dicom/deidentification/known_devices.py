"""Where known devices burn text into their pictures, as the rules of the library deid list it. It decodes none.

deid is an optional extra (requirements-pixels.txt). It is given the few attributes that its rules ask for, never a file.
"""

import functools
import importlib
import re
from typing import Any, Final

from shared.dicom.charsets import text_decoder
from shared.dicom.elements import integer_of
from shared.dicom.header import Header
from shared.dicom.tags import SPECIFIC_CHARACTER_SET
from shared.errors import NotConfiguredError

type Rectangle = tuple[int, int, int, int]
"""Columns [left, right) and rows [top, bottom) as left, top, right, bottom."""

_RECIPE: Final = "dicom"
_MASKED: Final = 0
"""How deid marks coordinates that are blanked; 1 is for what stays."""
_MAX_LENGTH: Final = 256
"""Bytes of a value that are looked at; what devices are called is shorter."""
_RECTANGLE: Final = re.compile(r"\s*(\d{1,5})\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*", re.ASCII)
_INTEGERS: Final = frozenset({"US", "SS", "UL", "SL"})


def device_rectangles(header: Header) -> tuple[Rectangle, ...]:
    """Return where the device of a file is known to write; none if no rule with coordinates fits it.

    All rules that fit count, as in deid. The first call of a process takes seconds, for deid loads much that is not
    needed here: call it beside the event loop.

    Raises:
        NotConfiguredError: deid is not installed.
    """
    detect, recipe, fields = _library()
    rows, columns = header.integer(0x0028_0010) or 0, header.integer(0x0028_0011) or 0
    found = detect(_asked_for(header, fields), deid=recipe)
    texts = {
        text
        for result in found["results"]
        for kind, text in result["coordinates"]
        if kind == _MASKED and isinstance(text, str)
    }
    rectangles = (
        tuple(int(number) for number in match.groups())
        for match in map(_RECTANGLE.fullmatch, texts)
        if match is not None
    )
    return tuple(
        sorted(
            (left, top, right, bottom)
            for left, top, right, bottom in rectangles
            if left < min(right, columns) and top < min(bottom, rows)
        )
    )


@functools.cache
def _library() -> tuple[Any, Any, tuple[tuple[str, int], ...]]:
    """Return deid's function, its rules, and keyword and tag of each attribute that they ask for."""
    try:
        config = importlib.import_module("deid.config")
        pixels = importlib.import_module("deid.dicom.pixels")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "deid":
            raise
        raise NotConfiguredError(
            "pixels=devices needs the library deid, an optional extra: install requirements-pixels.txt with the app"
        ) from None
    from pydicom.datadict import tag_for_keyword

    recipe = config.DeidRecipe(_RECIPE)
    keywords = sorted(
        {
            keyword
            for rules in recipe.get_filters().values()
            for rule in rules
            for group in rule["filters"]
            for keyword in group["field"]
        }
    )
    # Some rules misspell their attribute: those never fit, here as there.
    tags = ((keyword, tag_for_keyword(keyword)) for keyword in keywords)
    return pixels.has_burned_pixels, recipe, tuple((keyword, tag) for keyword, tag in tags if tag is not None)


def _asked_for(header: Header, fields: tuple[tuple[str, int], ...]) -> Any:
    """Return a data set of its own with the values of *fields*, as texts and numbers that nothing can go wrong with."""
    from pydicom.dataelem import DataElement
    from pydicom.dataset import FileDataset

    data_set = FileDataset("", {}, preamble=b"")
    for _, tag in fields:
        element = header.elements.get(tag) or header.file_meta.get(tag)
        if element is None or not isinstance(element.value, bytes):
            continue
        value: object = integer_of(header.elements, tag, header.byte_order)
        if element.vr not in _INTEGERS:
            value = _text(header, element.value)
        # deid compares texts; the VR decides only that pydicom takes the value as it is.
        data_set.add(
            DataElement(tag, "LT" if isinstance(value, str) else "US", value, already_converted=True)
        )
    return data_set


def _text(header: Header, value: bytes) -> str:
    charset = header.elements.get(SPECIFIC_CHARACTER_SET)
    name = charset.value if charset is not None and isinstance(charset.value, bytes) else b""
    return text_decoder(name)(value[:_MAX_LENGTH]).strip(" \0")
