"""Read the numbers of frames in a path. It knows no instance."""

import re
from collections import Counter
from typing import Final

from shared.errors import InvalidRequestError

_FRAME_NUMBERS: Final = re.compile(r"[1-9][0-9]{0,8}(?:,[1-9][0-9]{0,8})*", re.ASCII)
_MOST_TIMES: Final = 4


def parse_frame_numbers(text: str) -> list[int]:
    """Return the 1-based numbers of a list, which proxies may have escaped the commas of.

    A frame may come more than once, but not so often that a short request makes an endless answer.

    Raises:
        InvalidRequestError: It is none.

    Source: PS3.18 2024e §10.4.1.1.6
    """
    numbers = text.replace("%2C", ",").replace("%2c", ",")
    if _FRAME_NUMBERS.fullmatch(numbers) is None:
        raise InvalidRequestError("frames are named by numbers from 1, separated by commas")
    found = [int(number) for number in numbers.split(",")]
    [(number, times)] = Counter(found).most_common(1)
    if times > _MOST_TIMES:
        raise InvalidRequestError(
            f"frame {number} is named {times} times; name each {_MOST_TIMES} times at most"
        )
    return found
