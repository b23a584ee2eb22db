"""Seal where a search goes on into a text that says nothing to anyone else, and open it again. It searches nothing."""

import base64
import hashlib
from dataclasses import astuple, replace
from typing import Final

from shared.dicom.query import Position, Query
from shared.errors import InvalidQueryError

MAX_CURSOR_LENGTH: Final = 2048
_DIGEST_BYTES: Final = 16


def seal_cursor(position: Position, query: Query, key: bytes) -> str:
    """Return the cursor with which *query* goes on after *position*.

    It is encrypted, for a position holds the StudyDate, and cursors travel in URLs and logs; and it is signed together
    with a digest of the query, so that it opens with the same search only.

    Args:
        position: Of the last row that was answered.
        query: The search; the size and the contents of its pages may change on the way.
        key: Of the data partition, 32 bytes.
    """
    from cryptography.fernet import Fernet

    text = "\n".join(astuple(position))
    sealed = Fernet(base64.urlsafe_b64encode(key)).encrypt(_digest(query) + text.encode())
    return sealed.decode().rstrip("=")


def open_cursor(cursor: str, query: Query, key: bytes) -> Position:
    """Return the position that a cursor of *query* stands for.

    Raises:
        InvalidQueryError: It was made for another search or another archive, or by someone else.
    """
    from cryptography.fernet import Fernet, InvalidToken

    bad = InvalidQueryError("cursor is none of this search; begin again without it")
    if len(cursor) > MAX_CURSOR_LENGTH or not cursor.isascii():
        raise bad
    padded = cursor.rstrip("=") + "=" * (-len(cursor.rstrip("=")) % 4)
    try:
        opened = Fernet(base64.urlsafe_b64encode(key)).decrypt(padded.encode())
    except InvalidToken:
        raise bad from None
    digest, text = opened[:_DIGEST_BYTES], opened[_DIGEST_BYTES:].decode()
    if digest != _digest(query):
        raise bad
    return Position(*text.split("\n"))


def _digest(query: Query) -> bytes:
    """Return a short hash of what a search finds and in which order, whatever of it is shown at a time."""
    keys = tuple(sorted(query.keys, key=lambda match: match.path))
    searched = replace(
        query, keys=keys, limit=0, offset=0, after=None, includefields=(), include_all=False, warnings=()
    )
    return hashlib.sha256(repr(searched).encode()).digest()[:_DIGEST_BYTES]
