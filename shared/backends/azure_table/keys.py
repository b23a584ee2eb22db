r"""Partition and row keys: how the names of DICOM and of objects become keys that Azure accepts. Does no I/O.

Azure refuses `/ \ # ?` and control characters in keys, and keys of over 1 KiB; Azurite accepts them, so they are
checked here. `!` joins the parts of a key, because it sorts below every character of a UID: all rows of one study
are one range of keys.

Source: "Understanding the Table service data model", Azure Storage REST reference, service version 2019-02-02.
"""

import hashlib
import hmac
import re
from datetime import datetime

from shared.dicom.references import SeriesRef, StudyRef
from shared.errors import SettingsError, UnsupportedObjectError

MAX_KEY_LENGTH = 512
"""Characters; Azure's own limit is 1 KiB of UTF-16."""

AFTER_JOIN = '"'
"""The character after `!`: the end of the range of keys that begin with a part and `!`."""

_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f/\\\\#?]")
_PARTITION_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOKEN_LENGTH = 32
NAME_PREFIX = 400
"""Characters of an escaped name that stand in its row key; the rest of a longer name is a hash."""


def checked(key: str) -> str:
    """Return *key* if Azure would take it.

    Raises:
        UnsupportedObjectError: It is too long or has a character that keys may not have.
    """
    if len(key) > MAX_KEY_LENGTH or _FORBIDDEN.search(key):
        raise UnsupportedObjectError(
            f"a table key of {len(key)} characters is too long or has a forbidden character"
        )
    return key


def partition_name(name: str) -> str:
    """Return the name of a data partition if it can stand in a key.

    Raises:
        SettingsError: It cannot.
    """
    if not _PARTITION_NAME.fullmatch(name):
        raise SettingsError(
            "a data partition is named by 1 to 64 letters, digits, dots, dashes and underscores"
        )
    return name


def hex_of(text: str, digits: int) -> str:
    """Return the first *digits* of a hash, to spread what begins alike."""
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def study_key(partition: str, ref: StudyRef) -> str:
    """Return the key of a study's rows; two hash digits first, because UIDs share a root and would share a server."""
    uid = ref.study_instance_uid
    return checked(f"{hex_of(uid, 2)}!{partition}!{uid}")


def series_key(partition: str, ref: SeriesRef) -> str:
    """Return the key of a series' instance rows; those of one study follow each other."""
    return checked(f"{study_key(partition, ref.study)}!{ref.series_instance_uid}")


def spare_row(sop_instance_uid: str, object_name: str) -> str:
    """Return the row key of an object that claims a SOP instance without serving it."""
    return checked(f"{sop_instance_uid}!{hex_of(object_name, 32)}")


def dirty_shard(study_instance_uid: str) -> str:
    """Return the partition key under which a study is noted as due for a summary."""
    return f"dirty!{hex_of(study_instance_uid, 1)}"


def object_shard(partition: str, container: str, name: str) -> str:
    """Return the partition key of an object's ledger row.

    The shard is that of the object's folder, so that the instances of a series can be written in one transaction.
    """
    folder = name.rpartition("/")[0]
    return checked(f"{partition}!{container}!{hex_of(folder, 1)}")


# Each forbidden character becomes the allowed character before it and a digit; that character itself gets a lower
# digit. So names sort as their keys do, and reconciling can merge a listing with the ledger.
_ESCAPES = {
    " ": " 9",
    '"': '"0',
    "#": '"1',
    "$": "$0",
    "%": "$1",
    ".": ".0",
    "/": ".1",
    ">": ">0",
    "?": ">1",
    "[": "[0",
    "\\": "[1",
    "~": "~0",
    **{chr(code): f" 0{code:02x}" for code in range(0x20)},
    **{chr(code): f"~1{code:02x}" for code in range(0x7F, 0xA0)},
}
_ESCAPE_TABLE = str.maketrans(_ESCAPES)


def object_row(name: str) -> str:
    """Return the row key of an object's ledger row: in the order of names, up to their first 400 characters."""
    escaped = name.translate(_ESCAPE_TABLE)
    if len(escaped) <= NAME_PREFIX:
        return checked(escaped)
    return checked(f"{escaped[:NAME_PREFIX]}!{hex_of(name, 32)}")


def token(secret: bytes, value: str) -> str:
    """Return a keyed hash of a value: patients' data never stands in a key, for keys travel in URLs and logs."""
    normal = " ".join(value.split()).casefold()
    return hmac.new(secret, normal.encode(), hashlib.sha256).hexdigest()[:_TOKEN_LENGTH]


def lookup_key(partition: str, kind: str, value: str) -> str:
    """Return the partition key of the lookup rows of one *kind* and one (already hashed) *value*."""
    return checked(f"{partition}!{kind}!{value}")


def sop_shard(partition: str, sop_instance_uid: str) -> str:
    """Return the partition key of a SOP instance's lookup row.

    UIDs that differ in their last component only share one, because one series' usually do, and rows of one
    partition can be written a hundred at a time.
    """
    return checked(f"{partition}!sop!{hex_of(sop_instance_uid.rpartition('.')[0], 16)}")


_PART_TABLE = str.maketrans({**_ESCAPES, "!": " :"})


def case_part(text: str) -> str:
    """Return a year, an id or a view as part of a key, in the order of texts; it holds no `!`, so parts stay apart."""
    escaped = text.translate(_PART_TABLE)
    if len(escaped) <= _CASE_PART:
        return checked(escaped)
    return checked(f"{escaped[:_CASE_PART]}{hex_of(text, 32)}")


_CASE_PART = 180


def case_key(partition: str, year: str, case_id: str) -> str:
    """Return the partition key of a clinical case; its id may hold any character."""
    return checked(f"{partition}!{case_part(year)}!{case_part(case_id)}")


def case_row(view: str, object_name: str) -> str:
    """Return the row key of one image of a clinical case."""
    return checked(f"{case_part(view)}!{hex_of(object_name, 32)}")


def case_list(partition: str, year: str) -> str:
    """Return the partition key of the list of a year's cases."""
    return checked(f"{partition}!{case_part(year)}")


def after_prefix(prefix: str) -> str:
    """Return the end of the range of keys that begin with *prefix*, which is not empty."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def microseconds(at: datetime) -> int:
    """Return a point in time as whole microseconds since 1970."""
    return int(at.timestamp() * 1_000_000)
