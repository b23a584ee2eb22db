"""Rows as the table service writes them in JSON, and where they are. Sends nothing.

Source: "Payload format for Table service operations" and "Querying tables and entities", Azure Storage REST
reference, service version 2025-01-05.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson

type Row = Mapping[str, Any]

_TYPE = "@odata.type"
_OF_THE_SERVICE = "odata."
_PARAMETER = re.compile(r"@(\w+)")


class StoredRow(dict[str, Any]):
    """A row as it was read: its own properties, keys among them, and the *etag* it had."""

    __slots__ = ("etag",)

    etag: str


class TypedText(str):
    """A value that JSON holds as text only, as it was read: an integer of 64 bits, a time, a GUID. *kind* says which."""

    __slots__ = ("kind",)

    kind: str


def etag_of(row: StoredRow) -> str:
    """Return the etag a row was read with."""
    return row.etag


def encoded(row: Row) -> bytes:
    """Return a row as it is sent: text, bytes, booleans, integers of 32 bits, and what was read from a row."""
    sent: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, bytes):
            sent[name + _TYPE] = "Edm.Binary"
            sent[name] = base64.b64encode(value).decode()
            continue
        if isinstance(value, TypedText):
            sent[name + _TYPE] = value.kind
        sent[name] = value
    return orjson.dumps(sent)


def decoded(found: Row, etag: str = "") -> StoredRow:
    """Return a row that the service has sent, with the *etag* of the answer if it was the only one in it."""
    row = StoredRow()
    timestamp = ""
    for name, value in found.items():
        if name.endswith(_TYPE) or value is None:
            # A property that was asked for and is not there comes as null.
            continue
        if name.startswith(_OF_THE_SERVICE):
            etag = etag or (value if name == "odata.etag" else "")
        elif name == "Timestamp":
            timestamp = value
        else:
            kind = found.get(name + _TYPE)
            row[name] = value if kind is None else _typed(value, kind)
    # With minimal metadata the service may leave the etag of a row to be made of its time.
    row.etag = etag or f"W/\"datetime'{quote(timestamp)}'\""
    return row


def _typed(value: Any, kind: str) -> Any:
    if kind == "Edm.Binary":
        return binascii.a2b_base64(value)
    if kind == "Edm.String" or not isinstance(value, str):
        return value
    text = TypedText(value)
    text.kind = kind
    return text


def path_of(table: str, row: Row) -> str:
    """Return where a row is, percent-encoded, from the `/` after the endpoint on."""
    return f"/{table}(PartitionKey='{_key(row['PartitionKey'])}',RowKey='{_key(row['RowKey'])}')"


def _key(text: str) -> str:
    return quote(text.replace("'", "''"), safe="!~")


def filter_text(filters: str, parameters: Mapping[str, str]) -> str:
    """Return OData in which each `@name` is the quoted parameter: values never become syntax."""
    return _PARAMETER.sub(lambda found: "'" + parameters[found[1]].replace("'", "''") + "'", filters)


def error_code(body: bytes) -> str:
    """Return the service's name of an error from the body that tells it, "" if it tells none."""
    try:
        return str(orjson.loads(body)["odata.error"]["code"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
