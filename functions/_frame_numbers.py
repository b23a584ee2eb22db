"""Read the numbers of frames in a path. It knows no instance."""

import re
from typing import Final

from shared.errors import InvalidRequestError

_FRAME_NUMBERS: Final = re.compile(r"[1-9][0-9]{0,8}(?:,[1-9][0-9]{0,8})*", re.ASCII)


def parse_frame_numbers(text: str) -> list[int]:
    """Return the 1-based numbers of a list, which proxies may have escaped the commas of.

    Raises:
        InvalidRequestError: It is none.

    Source: PS3.18 2024e §10.4.1.1.6
    """
    numbers = text.replace("%2C", ",").replace("%2c", ",")
    if _FRAME_NUMBERS.fullmatch(numbers) is None:
        raise InvalidRequestError("frames are named by numbers from 1, separated by commas")
    return [int(number) for number in numbers.split(",")]
