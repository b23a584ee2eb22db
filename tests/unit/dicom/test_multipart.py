"""Multipart bodies: any parts in any chunks come back; anything else is refused."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import HTTP
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dicom.multipart import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_PREAMBLE_BYTES,
    Part,
    boundary_of,
    read_parts,
)
from shared.dicom.multipart_writer import PART_END, closing, multipart_content_type, new_boundary, part_head
from shared.errors import MalformedMultipartError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

B = "frontier"
DICOM = {"content-type": "application/dicom"}

type Read = tuple[dict[str, str], bytes]


async def _stream(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _content(part: Part) -> bytes:
    return b"".join([piece async for piece in part.chunks()])


async def _read(body: bytes, boundary: str = B, size: int | None = None) -> list[Read]:
    step = size or max(1, len(body))
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    return [
        (dict(part.headers), await _content(part)) async for part in read_parts(_stream(pieces), boundary)
    ]


def _written(parts: Iterable[tuple[dict[str, str], bytes]], boundary: str = B) -> bytes:
    framed = b"".join(part_head(boundary, headers) + content + PART_END for headers, content in parts)
    return framed + closing(boundary)


# Contents full of what delimiters are made of, so that near misses are the rule.
contents = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"--frontie", b"\r\n--frontie", b"\0", b"x", b" "])
    | st.binary(max_size=40)
).map(b"".join)
part_headers = st.sampled_from([DICOM, {}, {"content-type": "application/dicom", "content-length": "7"}])


@given(parts=st.lists(st.tuples(part_headers, contents), max_size=5), cuts=st.lists(st.integers(0, 400)))
async def test_any_parts_in_any_chunks_come_back(parts: list[Read], cuts: list[int]) -> None:
    """Wherever the body is cut on its way, headers and content of every part arrive unchanged and in order."""
    body = _written(parts)
    ends = sorted({min(cut, len(body)) for cut in cuts} | {len(body)})
    starts = [0, *ends[:-1]]
    pieces = [body[start:end] for start, end in zip(starts, ends, strict=True)]
    read = [(dict(part.headers), await _content(part)) async for part in read_parts(_stream(pieces), B)]
    assert parts == read


@pytest.mark.parametrize("size", range(1, 60))
async def test_a_delimiter_may_be_split_anywhere(size: int) -> None:
    """Chunks of any one size give the same parts."""
    parts = [(DICOM, b"first\r\n--fronti"), (DICOM, b""), ({}, b"\r\n\r\n--")]
    assert parts == await _read(_written(parts), size=size)


@given(body=contents, size=st.integers(1, 50))
async def test_garbage_is_refused_as_malformed(body: bytes, size: int) -> None:
    """A body that is none raises MalformedMultipartError and nothing else."""
    with pytest.raises(MalformedMultipartError):
        await _read(body, size=size)


@given(
    pieces=st.lists(
        st.sampled_from(
            [b"--frontier", b"\r\n", b"--", b"\r", b"a: b", b":", b" ", b"\r\n--frontier", b"\xff", b"x"]
        ),
        max_size=20,
    ),
    size=st.integers(1, 50),
)
async def test_almost_multipart_is_read_or_refused(pieces: list[bytes], size: int) -> None:
    """Delimiters in any disorder give parts or MalformedMultipartError, never another error."""
    try:
        read = await _read(b"".join(pieces), size=size)
    except MalformedMultipartError:
        return
    assert all(b"\r\n--frontier\r\n" not in content for _, content in read)


async def test_what_is_written_is_what_the_standard_library_reads() -> None:
    """Python's own parser finds the parts this module frames."""
    parts = [(DICOM, b"one\r\ntwo"), ({"content-type": "application/dicom", "content-length": "3"}, b"abc")]
    head = f"Content-Type: {multipart_content_type('application/dicom', B)}\r\n\r\n".encode()
    message = message_from_bytes(head + _written(parts), policy=HTTP)
    assert isinstance(message, EmailMessage)
    assert [content for _, content in parts] == [
        part.get_payload(decode=True) for part in message.iter_parts()
    ]
    assert message.get_param("type") == "application/dicom"


async def test_zero_parts_are_read_as_none() -> None:
    """A body of its closing delimiter alone has no parts; so has one with an empty pair of delimiters (.NET)."""
    assert await _read(b"--frontier--\r\n") == []
    assert await _read(b"--frontier\r\n\r\n--frontier--\r\n") == []
    assert await _read(b"--frontier\r\n\r\n--frontier--\r\n", size=1) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"--frontier\r\nA: b\r\n\r\n\r\n--frontier--", [({"a": "b"}, b"")]),
        (b"--frontier\r\nA: b\r\n\r\n--frontier--", [({"a": "b"}, b"")]),
        (b"--frontier\r\n\r\n\r\n--frontier--", [({}, b"")]),
        (b"--frontier\r\n\r\nx\r\n--frontier--", [({}, b"x")]),
        (b"preamble\r\n--frontier\r\n\r\nx\r\n--frontier--\r\nepilogue", [({}, b"x")]),
        (b"\r\n--frontier \t\r\n\r\nx\r\n--frontier--", [({}, b"x")]),
        (b"--frontier\r\n\r\nx\r\n--frontier2\r\ny\r\n--frontier--", [({}, b"x\r\n--frontier2\r\ny")]),
        (
            b"--frontier\r\n\r\nx\r\n--frontier" + b" " * 70 + b"\r\n\r\n--frontier--",
            [({}, b"x\r\n--frontier" + b" " * 70 + b"\r\n")],
        ),
        (b"--frontier\r\n\r\nx\n--frontier--\r\n--frontier--", [({}, b"x\n--frontier--")]),
        (b"--frontier\r\nA: b\r\nA: c\r\n d: e\r\n\r\n\r\n--frontier--", [({"a": "b"}, b"")]),
        (b"--frontier\r\nA: b;\r\n\tc=d\r\n\r\n\r\n--frontier--", [({"a": "b; c=d"}, b"")]),
    ],
)
async def test_bodies_as_clients_write_them(body: bytes, expected: list[Read]) -> None:
    """Empty parts, padding, preamble, longer lines that begin alike, bare LF, repeated and folded headers."""
    assert expected == await _read(body)
    assert expected == await _read(body, size=1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--frontier",
        b"--frontier-",
        b"--frontier\r\n",
        b"--frontier\r\nA: b\r\n\r\ncontent",
        b"--frontier\r\nA: b\r\n\r\ncontent\r\n--frontier",
        b"--frontier\r\nA: b\r\n\r\ncontent\r\n--frontier\r\n",
        b"--frontier\r\nno header\r\n\r\ncontent\r\n--frontier--",
        b"--frontier\r\n: b\r\n\r\ncontent\r\n--frontier--",
        b"--other\r\nA: b\r\n\r\ncontent\r\n--other--",
        b"--frontier\nA: b\n\ncontent\n--frontier--\n",
        b"x" * (MAX_PREAMBLE_BYTES + 1) + b"\r\n--frontier--",
        b"--frontier\r\nA: " + b"b" * MAX_HEADER_BYTES + b"\r\n\r\n\r\n--frontier--",
        b"--frontier\r\n" + b"A: b\r\n" * (MAX_HEADERS + 1) + b"\r\n\r\n--frontier--",
    ],
)
@pytest.mark.parametrize("size", [None, 1000])
async def test_broken_bodies_are_refused(body: bytes, size: int | None) -> None:
    """Truncation anywhere, a foreign boundary, lines without CR and headers over their limits are malformed."""
    with pytest.raises(MalformedMultipartError):
        await _read(body, size=size)


async def test_every_truncation_is_noticed() -> None:
    """No prefix of a body passes for a whole one."""
    body = _written([(DICOM, b"content"), (DICOM, b"")]).removesuffix(b"\r\n")
    for length in range(len(body)):
        with pytest.raises(MalformedMultipartError):
            await _read(body[:length])


async def test_unread_parts_are_read_over() -> None:
    """Asking for the next part skips what is left of this one."""
    body = _written([(DICOM, b"a" * 100), (DICOM, b"b" * 100), (DICOM, b"c" * 100)])
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    firsts = [await anext(part.chunks()) async for part in read_parts(_stream(pieces), B)]
    assert [b"a"[:1], b"b"[:1], b"c"[:1]] == [first[:1] for first in firsts]


async def test_a_part_passed_cannot_be_read() -> None:
    """Reading a part after the next was asked for is an error of the program, not an empty part."""
    parts = [part async for part in read_parts(_stream([_written([(DICOM, b"a"), (DICOM, b"b")])]), B)]
    for part in parts:
        with pytest.raises(RuntimeError):
            await _content(part)


async def test_content_is_handed_on_as_it_arrives() -> None:
    """No more is held back than may begin a delimiter, whatever the size of the part."""
    handed_on = 0
    received = 0

    async def arriving() -> AsyncIterator[bytes]:
        nonlocal received
        yield part_head(B, DICOM)
        for _ in range(500):
            received += 1000
            yield b"\r" * 1000
            assert received - handed_on <= 1000 + len(B) + 4
        yield PART_END + closing(B)

    async for part in read_parts(arriving(), B):
        async for piece in part.chunks():
            handed_on += len(piece)
    assert 500_000 == handed_on == received


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', "abc"),
        ('multipart/related; boundary="a b:c"; type=application/dicom', "a b:c"),
        ("Multipart/Related; Boundary=----=_Part_1_2.3", "----=_Part_1_2.3"),
        ('multipart/related;boundary="' + "x" * 70 + '"', "x" * 70),
    ],
)
def test_boundary_of_reads_the_parameter(content_type: str, expected: str) -> None:
    """Quoted or not, in any letter case of its name, the boundary comes back as it delimits."""
    assert expected == boundary_of(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "multipart/related",
        "multipart/related; boundary=",
        'multipart/related; boundary=""',
        'multipart/related; boundary="a "',
        "multipart/related; boundary=" + "x" * 71,
        'multipart/related; boundary="a\r\nb"',
        "multipart/related; boundary=\xe9",
        "boundary=abc",
    ],
)
def test_boundary_of_refuses_what_cannot_delimit(content_type: str) -> None:
    """No boundary, or one that RFC 2046 forbids, is malformed."""
    with pytest.raises(MalformedMultipartError):
        boundary_of(content_type)


def test_boundaries_differ_and_can_be_read_back() -> None:
    """Each body gets its own boundary, and its Content-Type says which."""
    boundaries = {new_boundary() for _ in range(100)}
    assert len(boundaries) == 100
    assert boundaries == {
        boundary_of(multipart_content_type("application/dicom", each)) for each in boundaries
    }


@pytest.mark.parametrize("value", ["a\r\nInjected: b", "a\nb", "a\rb"])
def test_a_header_cannot_end_its_line(value: str) -> None:
    """What would add a header to a part is refused."""
    with pytest.raises(ValueError, match="end of a line"):
        part_head(B, {"Content-Location": value})
