"""Instance records as table rows, and back. What does not fit a property goes to the object store first."""

import secrets
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from shared.dicom.attributes import digest_of
from shared.dicom.pixel_layout import PixelLayout
from shared.dicom.references import InstanceRef, SeriesRef
from shared.dicom.risk.assessment import RiskAssessment
from shared.pixels.cpu_pool import in_cpu_pool
from shared.ports.archive import ObjectStore
from shared.records import BulkDataSpan, InstanceRecord, ObjectKey, ObjectLocation, Source

INSTANCE, SPARE, OUTBOX = "i", "s", "o"
"""Kinds of row in the table `instances`."""

MAX_INLINE_BYTES = 48 * 1024
_LARGE_METADATA = 1024 * 1024
"""Bytes whose packing would hold up other requests."""
_OVERFLOW_READ_BYTES = 256 * 1024 * 1024
_PREFIX_METADATA, _PREFIX_LAYOUT, _PREFIX_BULK = "m", "p", "b"


class RecordRows:
    """Turns records into rows. Large parts lie in *container* of *objects*, each for one row, and gone with it."""

    def __init__(self, objects: ObjectStore, container: str, partition: str) -> None:
        self._objects = objects
        self._container = container
        self._partition = partition

    async def to_row(self, record: InstanceRecord) -> dict[str, Any]:
        """Return the properties of *record*'s row, all but its keys, kind and commit.

        What overflows is written before the row that names it, so that a row never names what is not there; an
        object that no row names is waste, not damage.
        """
        location = record.location
        head: dict[str, Any] = {
            "class": record.sop_class_uid,
            "syntax": record.transfer_syntax_uid,
            "container": location.key.container,
            "name": location.key.name,
            "etag": location.etag,
            "span": [location.offset, location.length],
            "modified": _instant(record.modified_at),
            "indexed": _instant(record.indexed_at),
            "source": record.source,
            "warnings": record.warnings,
        }
        if record.generation:
            head["generation"] = record.generation
        bulk = {path: [span.offset, span.length, span.vr] for path, span in record.bulk_data.items()}
        digest = record.digest or digest_of(orjson.loads(record.metadata))
        pack = partial(zlib.compress, record.metadata, 6)
        packed = await in_cpu_pool(pack) if len(record.metadata) > _LARGE_METADATA else pack()
        row: dict[str, Any] = {"record": orjson.dumps(head).decode(), "digest": digest}
        if record.risk is not None:
            row["risk"] = record.risk.pack()
        await self._place(row, _PREFIX_METADATA, packed, record.ref)
        if record.layout is not None:
            await self._place(row, _PREFIX_LAYOUT, record.layout.pack(), record.ref)
        if bulk:
            await self._place(row, _PREFIX_BULK, zlib.compress(orjson.dumps(bulk), 6), record.ref)
        return row

    async def _place(self, row: dict[str, Any], name: str, data: bytes, ref: InstanceRef) -> None:
        if len(data) <= MAX_INLINE_BYTES:
            row[name] = data
            return
        overflow = (
            f"overflow/{self._partition}/{ref.study_instance_uid}/{ref.series_instance_uid}/"
            f"{ref.sop_instance_uid}/{name}-{secrets.token_hex(8)}"
        )
        key = ObjectKey(self._container, overflow)
        await self._objects.put(key, data, content_type="application/octet-stream")
        row[f"{name}_in"] = overflow

    async def drop(self, names: Iterable[str]) -> None:
        """Delete overflow that no row names any more: it holds a patient's data."""
        for name in sorted(names):
            await self._objects.delete(ObjectKey(self._container, name))

    async def _part(self, row: Mapping[str, Any], name: str) -> bytes | None:
        overflow = row.get(f"{name}_in")
        if overflow is None:
            return row.get(name)
        key = ObjectKey(self._container, overflow)
        return (await self._objects.read_range(key, 0, _OVERFLOW_READ_BYTES)).data

    async def to_record(self, row: Mapping[str, Any], series: SeriesRef) -> InstanceRecord:
        """Return the record of an instance's or a spare's row.

        Raises:
            ObjectNotFoundError: Its overflow has been deleted; indexing the object again restores it.
        """
        head = orjson.loads(row["record"])
        metadata = await self._part(row, _PREFIX_METADATA)
        layout = await self._part(row, _PREFIX_LAYOUT)
        bulk = await self._part(row, _PREFIX_BULK)
        offset, length = head["span"]
        sop_instance_uid = str(row["RowKey"]).partition("!")[0]
        return InstanceRecord(
            ref=InstanceRef(series.study_instance_uid, series.series_instance_uid, sop_instance_uid),
            sop_class_uid=head["class"],
            transfer_syntax_uid=head["syntax"],
            location=ObjectLocation(ObjectKey(head["container"], head["name"]), head["etag"], offset, length),
            metadata=zlib.decompress(metadata or b""),
            modified_at=datetime.fromisoformat(head["modified"]),
            indexed_at=datetime.fromisoformat(head["indexed"]),
            source=Source(head["source"]),
            layout=PixelLayout.unpack(layout) if layout is not None else None,
            bulk_data={
                path: BulkDataSpan(*span) for path, span in orjson.loads(zlib.decompress(bulk)).items()
            }
            if bulk is not None
            else {},
            version=int(row["version"]),
            warnings=tuple(head["warnings"]),
            risk=risk_of(row),
            generation=head.get("generation", 0),
            digest=row["digest"],
        )


def risk_of(row: Mapping[str, Any]) -> RiskAssessment | None:
    """Return what an instance's row says it tells of its patient, if the rules of today said so."""
    return RiskAssessment.unpack(row["risk"]) if "risk" in row else None


def overflow_of(row: Mapping[str, Any]) -> list[str]:
    """Return the names of the objects that hold what did not fit *row*."""
    parts = (_PREFIX_METADATA, _PREFIX_LAYOUT, _PREFIX_BULK)
    return [row[f"{part}_in"] for part in parts if f"{part}_in" in row]


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """An object's claim to a SOP instance; of several, the least serves."""

    rank: int
    """Its generation, negated."""
    modified: str
    container: str
    name: str
    etag: str = field(compare=False)

    @property
    def key(self) -> ObjectKey:
        """The object that claims."""
        return ObjectKey(self.container, self.name)


def claim_of_row(row: Mapping[str, Any]) -> Claim:
    """Return the claim that a row of an instance or a spare stands for."""
    head = orjson.loads(row["record"])
    rank = -head.get("generation", 0)
    return Claim(rank, head["modified"], head["container"], head["name"], head["etag"])


def claim_of_record(record: InstanceRecord) -> Claim:
    """Return the claim of *record*'s object."""
    key = record.location.key
    modified = _instant(record.modified_at)
    return Claim(-record.generation, modified, key.container, key.name, record.location.etag)


def _instant(at: datetime) -> str:
    """Return a UTC time such that texts sort as times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
