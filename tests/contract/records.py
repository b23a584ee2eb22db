"""Make records and archives for contract suites. Reads no files."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from shared.dicom.references import InstanceRef
from shared.ports.archive import ChangeFeed, InstanceIndex, StudySearch, StudySummaries
from shared.records import Change, InstanceRecord, ObjectKey, ObjectLocation, Source

CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
FIRST_WRITTEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Archive:
    """The adapters of the index, bound to one data partition."""

    partition: str
    index: InstanceIndex
    summaries: StudySummaries
    search: StudySearch
    feed: ChangeFeed


type OpenArchive = Callable[[str], Awaitable[Archive]]
"""Binds adapters to a partition by its name; all it has opened lie in one account and share one feed."""

_numbers = itertools.count(1)


def fresh_name(prefix: str) -> str:
    """Return a name that no other test of this session has: stores are shared, what lies in them is not."""
    return f"{prefix}-{next(_numbers)}"


def an_instance(study: str = "1.2.3", series: str = "1.2.3.4", instance: str = "1.2.3.4.5") -> InstanceRef:
    """Return a reference; by default each UID is a prefix of the next."""
    return InstanceRef(study, series, instance)


def a_key(name: str, container: str = "images") -> ObjectKey:
    """Return the key of an object that need not exist."""
    return ObjectKey(container, name)


def a_record(
    ref: InstanceRef | None = None,
    *,
    key: ObjectKey | None = None,
    etag: str = '"1"',
    age: int = 0,
    generation: int = 0,
    attributes: Mapping[str, Any] | None = None,
) -> InstanceRecord:
    """Return a record of *ref*.

    Args:
        ref: What it holds.
        key: Where it lies; by default a name of its own.
        etag: Which content of that object.
        age: How many seconds later than FIRST_WRITTEN the object was written (less is more senior).
        generation: How often the instance had been replaced on purpose when it was written.
        attributes: DICOM JSON beside the UIDs.
    """
    ref = ref or an_instance()
    metadata = {
        "00080016": {"vr": "UI", "Value": [CT_IMAGE_STORAGE]},
        "00080018": {"vr": "UI", "Value": [ref.sop_instance_uid]},
        "0020000D": {"vr": "UI", "Value": [ref.study_instance_uid]},
        "0020000E": {"vr": "UI", "Value": [ref.series_instance_uid]},
        **(attributes or {}),
    }
    key = key or a_key(f"{ref.study_instance_uid}/{ref.series_instance_uid}/{ref.sop_instance_uid}.dcm")
    return InstanceRecord(
        ref=ref,
        sop_class_uid=CT_IMAGE_STORAGE,
        transfer_syntax_uid=EXPLICIT_VR_LITTLE_ENDIAN,
        location=ObjectLocation(key, etag, 0, 1000),
        metadata=orjson.dumps(dict(sorted(metadata.items()))),
        modified_at=FIRST_WRITTEN + timedelta(seconds=age),
        indexed_at=FIRST_WRITTEN + timedelta(days=1),
        source=Source.EVENT,
        generation=generation,
    )


def as_put(record: InstanceRecord) -> InstanceRecord:
    """Return a record that was read as it must have been put: the index sets the version."""
    return replace(record, version=0)


async def position(feed: ChangeFeed) -> int:
    """Return the sequence of the newest entry, 0 if there is none."""
    latest = await feed.latest()
    return latest.sequence if latest else 0


async def changes_since(archive: Archive, after: int) -> list[Change]:
    """Return all entries after *after*, once every due study of the archive's partition is refreshed."""
    for ref in await archive.summaries.due(1000):
        await archive.summaries.refresh(ref)
    return await archive.feed.changes(after, 10_000)
