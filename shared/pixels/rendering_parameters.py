"""Read the query parameters that say how an image is to be rendered. It renders nothing.

Source: PS3.18 2024e §8.3.5
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Final

from shared.errors import InvalidQueryError, UnsupportedQueryError

DEFAULT_QUALITY: Final = 90
MAX_VIEWPORT: Final = 8192
"""Most pixels of a viewport's side."""
_NUMBER: Final = re.compile(
    r"[+-]?(?:[0-9]{1,16}(?:\.[0-9]{0,16})?|\.[0-9]{1,16})(?:[eE][+-]?[0-9]{1,2})?", re.ASCII
)
_INTEGER: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
_UNSUPPORTED: Final = ("annotation", "presentationseries", "presentationuid")


class WindowFunction(StrEnum):
    """How values within a window become grey."""

    LINEAR = "linear"
    LINEAR_EXACT = "linear-exact"
    SIGMOID = "sigmoid"


@dataclass(frozen=True, slots=True)
class Window:
    """A window on the values that the modality LUT gives."""

    center: float
    width: float
    function: WindowFunction = WindowFunction.LINEAR


@dataclass(frozen=True, slots=True)
class Viewport:
    """What the picture is to fit into (*width* and *height* in pixels), and which region of the image it shows.

    The region is from (*x*, *y*) on, counted in columns and rows of the image, *region_width* columns by
    *region_height* rows, None for all there are. Negative ones flip the picture.
    """

    width: int
    height: int
    x: float = 0
    y: float = 0
    region_width: float | None = None
    region_height: float | None = None


class Scale(StrEnum):
    """How stored values become those that are shown."""

    VOI = "voi"
    MINMAX = "minmax"


@dataclass(frozen=True, slots=True)
class Rendering:
    """How an image is to be rendered.

    Attributes:
        quality: of a JPEG, 1 to 100.
        viewport: what it is to fit into.
        window: on grey values.
        preset: number or explanation of one of the image's own windows or tables; none for the first.
        scale: by window or table; or spread from the least stored value to the greatest.
        bits: of a sample, 8 or 16.
    """

    quality: int = DEFAULT_QUALITY
    viewport: Viewport | None = None
    window: Window | None = None
    preset: str = ""
    scale: Scale = Scale.VOI
    bits: int = 8


def parse_rendering(parameters: Mapping[str, str]) -> Rendering:
    """Return how a request wants an image rendered.

    Args:
        parameters: Its query parameters; those that are not of rendering are passed over.

    Raises:
        InvalidQueryError: One has no meaning.
        UnsupportedQueryError: One asks for what is not done: annotations, presentation states, colour profiles.

    Source: PS3.18 2024e §8.3.5.1
    """
    for name in _UNSUPPORTED:
        if name in parameters:
            raise UnsupportedQueryError(f"{name} is not supported; leave it out")
    if parameters.get("iccprofile", "no") != "no":
        raise UnsupportedQueryError("iccprofile is not supported but for no; leave it out")
    quality, viewport, window = (parameters.get(name) for name in ("quality", "viewport", "window"))
    return Rendering(
        quality=DEFAULT_QUALITY if quality is None else _quality(quality),
        viewport=None if viewport is None else _viewport(viewport),
        window=None if window is None else _window(window),
    )


def _quality(text: str) -> int:
    if _INTEGER.fullmatch(text) is None or not 1 <= int(text) <= 100:
        raise InvalidQueryError("quality is a whole number from 1 to 100")
    return int(text)


def _viewport(text: str) -> Viewport:
    sides, region = text.split(",")[:2], text.split(",")[2:]
    if (
        len(sides) != 2
        or len(region) not in {0, 4}
        or any(_INTEGER.fullmatch(side) is None or not 1 <= int(side) <= MAX_VIEWPORT for side in sides)
    ):
        raise InvalidQueryError(
            f"viewport is width,height or width,height,sx,sy,sw,sh with sides from 1 to {MAX_VIEWPORT}"
        )
    width, height = map(int, sides)
    if not region:
        return Viewport(width, height)
    x, y, region_width, region_height = (_number(part) if part else None for part in region)
    if (x or 0) < 0 or (y or 0) < 0 or region_width == 0 or region_height == 0:
        raise InvalidQueryError("the region of a viewport begins within the image and is not empty")
    return Viewport(width, height, x or 0, y or 0, region_width, region_height)


def _window(text: str) -> Window:
    center, width, function = (*text.split(","), "", "", "")[:3]
    if text.count(",") != 2 or function.lower() not in set(WindowFunction):
        raise InvalidQueryError(
            "window is center,width,function with function linear, linear-exact or sigmoid"
        )
    window = Window(_number(center), _number(width), WindowFunction(function.lower()))
    if window.width < 1 if window.function is WindowFunction.LINEAR else window.width <= 0:
        raise InvalidQueryError("the width of a window is at least 1 if it is linear, and else more than 0")
    return window


def _number(text: str) -> float:
    if _NUMBER.fullmatch(text) is None or not isfinite(float(text)):
        raise InvalidQueryError("a number of window or viewport is none")
    return float(text)
