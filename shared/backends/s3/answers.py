"""What an S3 service says of an object, as ObjectInfo. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.records import ObjectInfo, ObjectKey

SHA256 = "sha256"
"""Metadata of an object whose bytes were all in hand when its upload began: their hash in hexadecimal."""


def quoted(etag: str) -> str:
    """Return an etag as it stands in headers; some services leave its quotes out."""
    return etag if etag.startswith(('"', "W/")) else f'"{etag}"'


def info_of_answer(key: ObjectKey, answer: Mapping[str, Any], size: int) -> ObjectInfo:
    """Return what a read or a look at an object told of it; *size* is the whole object's, in bytes."""
    return _info(key, size, answer["ETag"], answer["LastModified"])


def info_of_listing(container: str, listed: Mapping[str, Any]) -> ObjectInfo:
    """Return what one entry of a listing tells."""
    return _info(
        ObjectKey(container, listed["Key"]), int(listed["Size"]), listed["ETag"], listed["LastModified"]
    )


def size_of(answer: Mapping[str, Any]) -> int:
    """Return the size of the whole object that an answer with a part of it is about, in bytes."""
    content_range = answer.get("ContentRange")
    return int(content_range.rpartition("/")[2] if content_range else answer["ContentLength"])


def _info(key: ObjectKey, size: int, etag: str, modified_at: datetime) -> ObjectInfo:
    # Headers have whole seconds; listings of some services have more, and the same object must look the same in both.
    moment = modified_at.astimezone(UTC).replace(microsecond=0)
    # The marker that consoles and mounts write for a folder; Amazon itself has none.
    return ObjectInfo(key, size, quoted(etag), moment, is_folder=size == 0 and key.name.endswith("/"))
