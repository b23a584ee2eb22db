"""Which names an S3 service keeps as they are, and which bucket holds a container. Asks no service."""

from __future__ import annotations

import re
from typing import Literal

from shared.errors import ObjectNotFoundError
from shared.records import ObjectKey

MAX_NAME_LENGTH = 1024
"""Bytes of a name in UTF-8."""
MAX_FOLDER_LENGTH = 255
"""Bytes of what stands between two `/` where names are kept as paths."""
PROBE_NAME = ".dicom-functions/conditional-writes"
"""Object by which a bucket shows that it honours conditions; nobody else may see or use it."""

_BUCKET = re.compile(r"(?!xn--)(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_NO_PATH = re.compile(r"(^|/)\.{1,2}(/|$)|\\|//|^/")
# XML 1.0 §2.2 has no place for these, and the answer to a begun multipart upload repeats the name in XML.
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Names:
    """The names of one service.

    Args:
        prefix: What the names of buckets begin with, before the container's own.
        keys: Whether the service keeps names as they are (`flat`) or as paths (`folders`).
    """

    def __init__(self, prefix: str, keys: Literal["flat", "folders"]) -> None:
        self._prefix = prefix
        self.as_paths = keys == "folders"

    def bucket(self, container: str) -> str:
        """Return the bucket of a container.

        Raises:
            ObjectNotFoundError: No bucket can have that name.
        """
        bucket = self._prefix + container
        if _BUCKET.fullmatch(bucket) is None:
            raise ObjectNotFoundError(
                f"there can be no bucket {bucket!a}: see S3's rules for names of buckets"
            )
        return bucket

    def place(self, key: ObjectKey) -> dict[str, str]:
        """Return bucket and key as parameters of a request.

        Raises:
            ObjectNotFoundError: There cannot be an object of this name; as it is kept, it would be another's.
        """
        name = key.name
        if _SURROGATES.search(name) or not 0 < len(name.encode()) <= MAX_NAME_LENGTH or name == PROBE_NAME:
            raise _impossible(key, f"names have 1 to {MAX_NAME_LENGTH} bytes of UTF-8")
        if self.as_paths and (_NO_PATH.search(name) or _longest_part(name) > MAX_FOLDER_LENGTH):
            raise _impossible(
                key,
                "this service keeps names as paths, so no part may be empty, `.` or `..`, hold a backslash or have "
                f"over {MAX_FOLDER_LENGTH} bytes",
            )
        return {"Bucket": self.bucket(key.container), "Key": name}

    def writable(self, key: ObjectKey) -> dict[str, str]:
        """Return the same for an object that is to be written; where names are paths, `a/` names a folder."""
        place = self.place(key)
        if self.as_paths and key.name.endswith("/"):
            raise _impossible(
                key, "this service takes a name that ends with `/` for a folder's, which has no bytes"
            )
        return place


def check_multipart(key: ObjectKey) -> None:
    """Refuse a name under which no large object can be written.

    Raises:
        ObjectNotFoundError: It has characters that XML has no place for.
    """
    if _NO_XML.search(key.name):
        raise _impossible(key, "a large object's name has no control characters")


def _longest_part(name: str) -> int:
    return max(len(part.encode()) for part in name.split("/"))


def _impossible(key: ObjectKey, why: str) -> ObjectNotFoundError:
    return ObjectNotFoundError(f"there can be no object {key.name[:MAX_NAME_LENGTH]!a}: {why}")
