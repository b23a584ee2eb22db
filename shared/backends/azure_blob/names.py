"""Which names Azure keeps as they are. Makes no names."""

from __future__ import annotations

import re

from shared.errors import ObjectNotFoundError
from shared.records import ObjectKey

MAX_NAME_LENGTH = 1024

_CONTAINER = re.compile(r"[a-z0-9$-]{3,63}")
# HTTP clients resolve these segments, so that a name could lead into another container; Azure makes a backslash a `/`.
_REFUSED = re.compile(r"(^|/)\.{1,2}(/|$)|\\|[\ud800-\udfff]")


def check_key(key: ObjectKey) -> None:
    """Refuse a name that would mean another object, or none.

    Raises:
        ObjectNotFoundError: There cannot be an object of this name.
    """
    check_container(key.container)
    if not 0 < len(key.name) <= MAX_NAME_LENGTH or _REFUSED.search(key.name):
        raise ObjectNotFoundError(
            f"there can be no object {key.name[:MAX_NAME_LENGTH]!a}: names have 1 to {MAX_NAME_LENGTH} characters, no "
            "backslash, and no segment . or .."
        )


def check_container(container: str) -> None:
    """Refuse a name that no container has.

    Raises:
        ObjectNotFoundError: It has characters or a length that Azure does not allow.
    """
    if not _CONTAINER.fullmatch(container):
        raise ObjectNotFoundError(f"there can be no container {container!a}")
