"""Addresses in a stream of JSON, however it is cut."""

from collections.abc import AsyncGenerator
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from shared.flows._rewritten_urls import rewrite_urls

THEIRS, OURS = "https://a.example/b", "http://ours.example/dicomweb"
PIECES = (
    THEIRS,
    f"{THEIRS}/",
    f"{THEIRS}/x",
    f"{THEIRS}x",
    f"{THEIRS}?q",
    "/",
    '"',
    "\\",
    "\\/",
    "",
    "é",
    " ",
    "a",
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
VALUES = st.recursive(
    TEXTS | st.integers(-9, 9) | st.none(), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)
)


async def cut(data: bytes, size: int) -> AsyncGenerator[bytes]:
    """Yield *data* in pieces."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def expected(value: Any) -> Any:
    """Return a value with the addresses that texts begin with made ours."""
    if isinstance(value, str):
        rest = value.removeprefix(THEIRS)
        return (
            OURS + rest
            if value.startswith(THEIRS) and (rest + '"')[0] in '/?"' and not rest.startswith('"')
            else value
        )
    if isinstance(value, list):
        return [expected(one) for one in value]
    if isinstance(value, dict):
        return {expected(name): expected(one) for name, one in value.items()}
    return value


@given(VALUES, st.integers(1, 200), st.booleans())
async def test_each_text_that_begins_with_the_address_is_rewritten(
    value: Any,
    size: int,
    escaped: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    """And nothing else, wherever the stream is cut and whether or not slashes are escaped."""
    data = orjson.dumps(value)
    if escaped and "\\" not in repr(value):
        data = data.replace(b"/", b"\\/")
    rewritten = b"".join([piece async for piece in rewrite_urls(cut(data, size), THEIRS, OURS)])

    assert orjson.loads(rewritten) == expected(value)


async def test_memory_does_not_grow() -> None:
    """What is held back is a few addresses long."""
    held = sent = 0
    async for piece in rewrite_urls(cut(b'["' + b"a" * 1_000_000 + b'"]', 1000), THEIRS, OURS):
        sent += len(piece)
        held = max(held, len(piece))
    assert (sent, held < 2000) == (1_000_004, True)
