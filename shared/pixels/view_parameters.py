"""Read the query parameters that say how a view of a clinical case is to be rendered. It renders nothing."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from shared.errors import InvalidQueryError
from shared.pixels.rendering_parameters import Rendering, Scale, parse_rendering

_FRAME_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_MAX_PRESET_LENGTH: Final = 64


class ViewParameters(NamedTuple):
    """How a view is to be rendered, and which frame of it: 1-based, None for the one that represents it."""

    rendering: Rendering
    frame_number: int | None


def parse_view_parameters(parameters: Mapping[str, str]) -> ViewParameters:
    """Return how a request wants a view.

    It has the parameters of rendered resources, and besides: `bits` (8 or 16), `scale` (voi or minmax), `preset`
    (number or explanation), `frame`; a `window` may go without its function, and is linear then.

    Raises:
        InvalidQueryError: One has no meaning, or none beside another.
        UnsupportedQueryError: One asks for what is not done.
    """
    window = parameters.get("window")
    if window is not None and window.count(",") == 1:
        parameters = {**parameters, "window": f"{window},linear"}
    bits, scale = parameters.get("bits", "8"), parameters.get("scale", Scale.VOI.value).lower()
    if bits not in ("8", "16"):
        raise InvalidQueryError("bits is 8 or 16")
    if scale not in set(Scale):
        raise InvalidQueryError("scale is voi or minmax")
    preset = parameters.get("preset", "").strip()
    if ("preset" in parameters and not preset) or len(preset) > _MAX_PRESET_LENGTH:
        raise InvalidQueryError(
            "preset is the number or the explanation of one of the image's windows or tables"
        )
    if [window is not None, bool(preset), scale == Scale.MINMAX].count(True) > 1:
        raise InvalidQueryError(
            "of window, preset and scale=minmax only one can be done; leave the others out"
        )
    rendering = replace(parse_rendering(parameters), preset=preset, scale=Scale(scale), bits=int(bits))
    return ViewParameters(rendering, _frame_number(parameters.get("frame")))


def _frame_number(text: str | None) -> int | None:
    if text is None:
        return None
    if _FRAME_NUMBER.fullmatch(text) is None:
        raise InvalidQueryError("frame is a whole number from 1")
    return int(text)
