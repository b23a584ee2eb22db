"""Frames the parts of a multipart body. Whoever sends the body sends the content of the parts between the frames.

Source: RFC 2046 §5.1.1; RFC 2387 §3.1; PS3.18 2024e §8.6.1.2
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PART_END = b"\r\n"
"""Follows the content of every part."""


def new_boundary() -> str:
    """Return a boundary of 128 random bits: no content need be searched for it, as none can be made to hold it."""
    return secrets.token_hex(16)


def multipart_content_type(part_type: str, boundary: str) -> str:
    """Return the Content-Type of a body whose parts, or the first of them, have *part_type*."""
    return f'multipart/related; type="{part_type}"; boundary={boundary}'


def part_head(boundary: str, headers: Mapping[str, str]) -> bytes:
    """Return what precedes the content of a part. Give it a Content-Length where the length is known.

    Raises:
        ValueError: A header holds the end of a line.
    """
    lines = [f"--{boundary}", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header of a part holds the end of a line")
    return "\r\n".join([*lines, "", ""]).encode("utf-8")


def closing(boundary: str) -> bytes:
    """Return what ends the body."""
    return f"--{boundary}--\r\n".encode("ascii")
