"""Check names that callers choose for objects: what every store keeps as it is, and nothing that means another place."""

import hashlib
import re
from typing import Final

from shared.errors import InvalidRequestError
from shared.records import ObjectKey

MAX_LENGTH: Final = 1024
"""Bytes of a name in UTF-8, of S3 and Azure alike; there are no more characters than bytes."""
MAX_PART: Final = 255
"""Bytes between two `/`, where names are kept as paths."""
_STAGED: Final = "staged"
_RESERVED: Final = ".dicom-functions/"
"""What the archive itself keeps beside the files."""
# Controls of ASCII and Latin-1, line and paragraph separators, marks of writing direction, halves of surrogate pairs
# and characters that are none: invisible in a list, and no two services agree on them.
_REFUSED: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)


def check_chosen_name(name: str) -> None:
    """Refuse a name under which no file is stored.

    Raises:
        InvalidRequestError: It has a length or a character that some store does not keep, or parts that are a path's
            `.`, `..` or nothing.
    """
    if _REFUSED.search(name):
        raise InvalidRequestError("object_key has control characters or such as cannot be seen")
    parts = name.split("/")
    if not 0 < len(name.encode()) <= MAX_LENGTH or any(len(part.encode()) > MAX_PART for part in parts):
        raise InvalidRequestError(
            f"object_key has 1 to {MAX_LENGTH} bytes of UTF-8, and at most {MAX_PART} between two slashes"
        )
    if not {"", ".", ".."}.isdisjoint(parts) or "\\" in name:
        raise InvalidRequestError(
            "object_key is no path: it neither begins nor ends with a slash, has no two together, no backslash, and"
            " no part . or .."
        )
    if name.startswith(_RESERVED):
        raise InvalidRequestError(f"object_key must not begin with {_RESERVED}")


def staging_key(container: str, key: ObjectKey) -> ObjectKey:
    """Return where a large file that shall replace the object *key* is written first: one place for each, out of sight."""
    return ObjectKey(container, f"{_STAGED}/{hashlib.sha256(str(key).encode()).hexdigest()}")
