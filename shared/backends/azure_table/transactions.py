"""Changes that are made all or not at all: how many fit one request, its body and its answer. Sends nothing.

Source: "Performing entity group transactions", Azure Storage REST reference, service version 2025-01-05.
"""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from shared.backends.azure_table.entities import Row, encoded, error_code, path_of
from shared.backends.azure_table.keys import checked
from shared.errors import UnsupportedObjectError

MAX_TRANSACTION_ROWS = 100
MAX_TRANSACTION_BYTES = 3 * 1024 * 1024
"""Of the request's body; Azure refuses 4 MiB."""
_ROW_HEADERS_BYTES = 1024
"""Around each row, about: its URL, which repeats its keys, and MIME headers."""
MAX_PROPERTY_BYTES = 64 * 1024
MAX_ROW_BYTES = 1024 * 1024

_PART = b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
_STATUS = re.compile(rb"^HTTP/1\.1 (\d{3})", re.MULTILINE)
_ETAG = re.compile(rb"^etag: *(.*?)\r?$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a transaction. *etag* makes update and delete conditional; insert fails if the row is there."""

    kind: Literal["insert", "upsert", "update", "delete"]
    row: Row
    etag: str | None = None


def row_bytes(row: Row) -> int:
    """Return about how many bytes a row takes in a transaction, checking what Azure refuses and Azurite takes.

    Raises:
        UnsupportedObjectError: A key, a property or the whole row is over Azure's limit.
    """
    checked(row["PartitionKey"])
    checked(row["RowKey"])
    total, sent = 0, _ROW_HEADERS_BYTES
    for name, value in row.items():
        stored_bytes, sent_bytes = _value_bytes(value)
        if stored_bytes > MAX_PROPERTY_BYTES:
            raise UnsupportedObjectError(
                f"table property {name} would take {stored_bytes} bytes of {MAX_PROPERTY_BYTES}"
            )
        total += stored_bytes + 2 * len(name) + 8
        sent += sent_bytes + len(name) + 40
    if total > MAX_ROW_BYTES:
        raise UnsupportedObjectError(f"a table row would take {total} bytes of {MAX_ROW_BYTES}")
    return sent


def _value_bytes(value: object) -> tuple[int, int]:
    """Return how many bytes a value takes where it is stored, and in a request."""
    if isinstance(value, bytes):
        return len(value), 4 * (len(value) // 3 + 1)  # as base64
    if isinstance(value, str):
        return len(value.encode("utf-16-le")), len(orjson.dumps(value))
    return 8, 8


def in_transactions(changes: Iterable[Change], *, rows: int = MAX_TRANSACTION_ROWS) -> list[list[Change]]:
    """Split changes of one partition into transactions that Azure accepts, in their order."""
    groups: list[list[Change]] = []
    used = 0
    for change in changes:
        size = row_bytes(change.row)
        if not groups or len(groups[-1]) >= rows or used + size > MAX_TRANSACTION_BYTES:
            groups.append([])
            used = 0
        groups[-1].append(change)
        used += size
    return groups


def transaction(endpoint: str, table: str, changes: Sequence[Change]) -> tuple[str, bytes]:
    """Return Content-Type and body of the request that makes *changes* of one partition."""
    name = secrets.token_hex(16).encode()
    edge = b"--changes_" + name + b"\r\n"
    parts = [
        b"--batch_%b\r\nContent-Type: multipart/mixed; boundary=changes_%b\r\n\r\n" % (name, name),
        *(edge + _PART + _request(endpoint, table, change) for change in changes),
        b"--changes_%b--\r\n--batch_%b--\r\n" % (name, name),
    ]
    return f"multipart/mixed; boundary=batch_{name.decode()}", b"".join(parts)


def _request(endpoint: str, table: str, change: Change) -> bytes:
    """Return one change as the HTTP request that would make it alone."""
    condition = f"If-Match: {change.etag}\r\n" if change.etag is not None else ""
    match change.kind:
        case "insert":
            line, headers = f"POST {endpoint}/{table}", "Prefer: return-no-content\r\n"
        case "delete":
            line, headers = (
                f"DELETE {endpoint}{path_of(table, change.row)}",
                condition or "If-Match: *\r\n",
            )
        case "upsert" | "update":
            line, headers = f"PUT {endpoint}{path_of(table, change.row)}", condition
    head = f"{line} HTTP/1.1\r\nAccept: application/json;odata=minimalmetadata\r\nDataServiceVersion: 3.0\r\n{headers}"
    if change.kind == "delete":
        return head.encode() + b"\r\n\r\n"
    body = encoded(change.row)
    return b"%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b\r\n" % (
        head.encode(),
        len(body),
        body,
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a transaction: *status* 2xx, or of the change that failed it, with the name of the error."""

    status: int
    code: str
    etag: str
    """Of the first row; "" if that was deleted."""


def read_outcome(body: bytes) -> Outcome:
    """Return what the service answers to a transaction. It answers to each change, or to the one that failed."""
    found = [int(status) for status in _STATUS.findall(body)]
    failed = next((status for status in found if status >= 400), None)
    if failed is not None or not found:
        start, end = body.find(b"{"), body.rfind(b"}")
        return Outcome(failed or 500, error_code(body[start : end + 1]), "")
    answers = _STATUS.split(body, maxsplit=2)
    etag = _ETAG.search(answers[2])
    return Outcome(found[0], "", etag[1].decode() if etag is not None else "")
