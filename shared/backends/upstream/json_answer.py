"""Read a small answer of JSON whole."""

from contextlib import aclosing
from typing import Any, Final

import orjson

from shared.errors import BadUpstreamAnswerError, UpstreamLoginError, UpstreamUnavailableError
from shared.ports.upstream import UpstreamAnswer

_MOST: Final = 32 * 1024 * 1024


async def read_json(answer: UpstreamAnswer, what: str) -> Any:
    """Return what an answer of status 200 says, None for one of 204.

    Raises:
        UpstreamLoginError: It refuses this app's credentials.
        UpstreamUnavailableError: It has another status.
        BadUpstreamAnswerError: It is no JSON, or longer than 32 MiB.
    """
    pieces: list[bytes] = []
    size = 0
    async with aclosing(answer.chunks) as chunks:
        async for chunk in chunks:
            size += len(chunk)
            if size > _MOST:
                raise BadUpstreamAnswerError(f"{what} answers more than {_MOST} bytes")
            pieces.append(chunk)
    if answer.status in (401, 403):
        raise UpstreamLoginError(f"{what} answers {answer.status}: it refuses the credentials of this app")
    if answer.status == 204:
        return None
    if answer.status != 200:
        raise UpstreamUnavailableError(f"{what} answers {answer.status}")
    try:
        return orjson.loads(b"".join(pieces))
    except orjson.JSONDecodeError:
        raise BadUpstreamAnswerError(f"{what} answers what is no JSON") from None
