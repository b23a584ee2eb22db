"""How answers stream, and how bodies come in."""

from collections.abc import AsyncIterator

import pytest
from starlette.requests import ClientDisconnect

from functions._streaming import limited_body, stream_response
from shared.errors import ObjectNotFoundError, PayloadTooLargeError
from tests.unit.functions.requests import make_request, receive_answer


class Source:
    """Chunks, and whether they were closed."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self._chunks = chunks
        self.closed = False

    async def read(self) -> AsyncIterator[bytes]:
        """Yield the chunks, or raise one."""
        try:
            for chunk in self._chunks:
                if isinstance(chunk, Exception):
                    raise chunk
                yield chunk
        finally:
            self.closed = True


async def test_chunks_arrive_in_order_with_their_length() -> None:
    """The body is the chunks joined, and its length is told."""
    source = Source(b"ab", b"c", b"de")
    response = await stream_response(source.read(), media_type="application/dicom", length=5)
    answer = await receive_answer(response)
    assert (answer.status, answer.body, answer.complete) == (200, b"abcde", True)
    assert answer.headers["content-length"] == "5"
    assert answer.headers["content-type"] == "application/dicom"


async def test_an_empty_stream_is_an_empty_answer() -> None:
    """Nothing to send is no error."""
    answer = await receive_answer(await stream_response(Source().read(), media_type="application/dicom"))
    assert (answer.status, answer.body, answer.complete) == (200, b"", True)


async def test_an_error_before_the_first_chunk_comes_before_the_answer() -> None:
    """So that it can still become a status."""
    source = Source(ObjectNotFoundError("gone"))
    with pytest.raises(ObjectNotFoundError):
        await stream_response(source.read(), media_type="application/dicom")
    assert source.closed


async def test_an_error_after_the_first_chunk_breaks_the_answer() -> None:
    """A truncated answer is never completed as if it were whole."""
    source = Source(b"ab", ObjectNotFoundError("gone"))
    response = await stream_response(source.read(), media_type="application/dicom")
    with pytest.raises(ObjectNotFoundError):
        await receive_answer(response)
    assert source.closed


@pytest.mark.parametrize("leave_after", [0, 1])
async def test_a_source_is_closed_when_the_client_leaves(leave_after: int) -> None:
    """No range read goes on for nobody."""
    source = Source(b"a", b"b", b"c")
    response = await stream_response(source.read(), media_type="application/dicom")
    with pytest.raises(ClientDisconnect):
        await receive_answer(response, leave_after=leave_after)
    assert source.closed


async def test_a_body_within_its_limit_comes_whole() -> None:
    """A limit is the most that is taken, not less."""
    request = make_request("POST", "/", body=[b"ab", b"", b"cd"])
    assert [chunk async for chunk in limited_body(request, 4)] == [b"ab", b"cd"]


async def test_a_body_that_says_it_is_too_long_is_not_read() -> None:
    """Nothing is taken of a body that cannot be kept."""
    request = make_request("POST", "/", headers={"content-length": "5"}, body=[b"abcde"])
    with pytest.raises(PayloadTooLargeError):
        await anext(limited_body(request, 4))
    assert [chunk async for chunk in request.stream()] == [b"abcde", b""]


@pytest.mark.parametrize("said", [{}, {"content-length": "3"}, {"content-length": "many"}])
async def test_a_body_that_turns_out_too_long_is_cut_off(said: dict[str, str]) -> None:
    """Content-Length may be absent or lie."""
    body = limited_body(make_request("POST", "/", headers=said, body=[b"ab", b"cde", b"f"]), 4)
    assert await anext(body) == b"ab"
    with pytest.raises(PayloadTooLargeError):
        await anext(body)
