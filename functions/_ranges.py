"""Read the Range header of a request for one stored instance, and tell what to answer to it. It sends nothing.

Source: RFC 9110 §13.1.5, §14.1.2, §14.2 and §14.4
"""

import hashlib
import re
from typing import Final

from starlette.datastructures import Headers

from shared.records import ObjectLocation

_ONE_RANGE: Final = re.compile(r"\s*bytes\s*=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.ASCII | re.IGNORECASE)


def instance_etag(location: ObjectLocation) -> str:
    """Return a strong ETag of an instance as it is stored; it tells nothing of where that is."""
    place = "\0".join(
        (location.key.container, location.key.name, location.etag, f"{location.offset}-{location.length}")
    )
    return f'"{hashlib.blake2b(place.encode(), digest_size=16).hexdigest()}"'


def requested_range(headers: Headers, length: int, etag: str) -> tuple[int, int] | None:
    """Return the bytes [start, end) that a request wants of content of *length* bytes, or None for all of it.

    A header that is malformed or names several ranges is ignored, as is one whose If-Range is not *etag*. A range that
    cannot be satisfied, for it begins past the end or is empty, has an end that is not behind its start.
    """
    named = _ONE_RANGE.fullmatch(headers.get("range", ""))
    if named is None or headers.get("if-range", etag).strip() != etag:
        return None
    first, last = named.groups()
    if first and last and int(last) < int(first):
        return None
    if first:
        start, end = int(first), min(int(last) + 1, length) if last else length
    elif last:
        start, end = max(0, length - int(last)), length
    else:
        return None
    return start, end
