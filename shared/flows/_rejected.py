"""Keep, for each object that can never be indexed, one JSON that says where it is and why. Decides nothing."""

import hashlib
from datetime import UTC, datetime
from typing import Final

from shared.errors import RejectedInstanceError
from shared.ports.archive import ObjectStore
from shared.records import ObjectInfo, ObjectKey

_LONGEST_NAME: Final = 1024
_LONGEST_PART: Final = 255
"""Bytes between two `/` that every store keeps, also one that keeps names as paths of files."""


def rejected_key(container: str, key: ObjectKey) -> ObjectKey:
    """Return where in *container* the rejection of the object *key* is kept: under its own name, to be found by it.

    A name that would be too long for some store is replaced by its hash; the JSON has it in full.
    """
    name = f"{key.container}/{key.name}.json"
    encoded = name.encode(errors="surrogatepass")
    if len(encoded) > _LONGEST_NAME or any(len(part) > _LONGEST_PART for part in encoded.split(b"/")):
        name = f"{key.container}/{hashlib.sha256(key.name.encode()).hexdigest()}.json"
    return ObjectKey(container, name)


async def keep_rejection(
    objects: ObjectStore, container: str, info: ObjectInfo, error: RejectedInstanceError
) -> None:
    """Write why the object of *info* was rejected, over what was written of it before."""
    import orjson

    content = {
        "container": info.key.container,
        "name": info.key.name,
        "etag": info.etag,
        "size": info.size,
        "code": type(error).__name__.removesuffix("Error"),
        "reason": str(error),
        "rejected_at": datetime.now(UTC),
        "replayable": True,
    }
    data = orjson.dumps(content, option=orjson.OPT_INDENT_2)
    await objects.put(rejected_key(container, info.key), data, content_type="application/json")
