"""The values that flows and adapters exchange through the ports: what is known of objects, instances and changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from shared.dicom.pixel_layout import PixelLayout
from shared.dicom.query import Position
from shared.dicom.references import InstanceRef, StudyRef
from shared.dicom.risk.assessment import RiskAssessment
from shared.dicom.risk.study_risk import StudyRisk

type Json = dict[str, Any]
"""One DICOM JSON data set (PS3.18 2024e Annex F): tag to {"vr", "Value" | "InlineBinary" | "BulkDataURI"}."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """Where an object lies in the store: a container (or bucket) and a name in it."""

    container: str
    name: str

    def __str__(self) -> str:
        return f"{self.container}/{self.name}"


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What the store says of an object; *size* is in bytes, *etag* is opaque and changes with the content."""

    key: ObjectKey
    size: int
    etag: str
    modified_at: datetime
    is_folder: bool = False
    """True for the zero-byte marker that stores with a hierarchy keep for a folder."""


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """Bytes of an object, and what the store said of it when it sent them."""

    info: ObjectInfo
    data: bytes


type DuplicatePolicy = Literal["reject", "identical-ok", "replace"]
"""What becomes of an instance that is there already: refused, refused unless its bytes are the same, put in its place."""


class Source(StrEnum):
    """How an instance came into the archive."""

    EVENT = "event"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class ObjectLocation:
    """The bytes of one instance: a span of an object as it was at *etag*.

    Several instances may share one object, so *offset* need not be 0 nor *length* the object's size (bytes).
    """

    key: ObjectKey
    etag: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class BulkDataSpan:
    """A value kept out of the metadata: *offset* in bytes from the instance's first byte, *length* in bytes."""

    offset: int
    length: int
    vr: str


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """All the archive keeps of one SOP instance."""

    ref: InstanceRef
    sop_class_uid: str
    transfer_syntax_uid: str
    location: ObjectLocation
    metadata: bytes
    """Its data set as DICOM JSON in UTF-8, values over a threshold as BulkDataURI relative to the instance."""
    modified_at: datetime
    """When its object was last written, by the store's clock; the oldest of several of one generation serves."""
    indexed_at: datetime
    source: Source
    layout: PixelLayout | None = None
    bulk_data: Mapping[str, BulkDataSpan] = field(default_factory=dict)
    """By the path that follows `bulkdata/` in its BulkDataURI."""
    version: int = 0
    """Grows with every change of what serves this SOP instance; the index sets it."""
    risk: RiskAssessment | None = None
    """What it tells of its patient; None where it was not assessed by the rules of today."""
    generation: int = 0
    """How often it had been replaced on purpose when its object was written; of several objects the highest serves."""
    warnings: tuple[str, ...] = ()
    """Why an attribute was left out or could not be read: tags and reasons, no values."""
    digest: str = field(default="", compare=False)
    """Of what it says of its study and series, by attributes.digest_of; "" where that is still to be made."""


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """That an object claims a SOP instance, as the index has it."""

    ref: InstanceRef
    key: ObjectKey
    etag: str
    serves: bool


class PutOutcome(StrEnum):
    """What putting a record did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SPARE = "spare"
    """Another object serves this SOP instance; this one is kept and serves when that goes."""
    EXISTS = "exists"
    """Not put, because only an absent instance was to be put."""


@dataclass(frozen=True, slots=True)
class AssessedStudy:
    """A study, and what its instances tell of the patient together."""

    ref: StudyRef
    risk: StudyRisk


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of search results, as response rows before projection."""

    rows: list[Json]
    total: int | None
    """How many match in all; None when the search budget did not reach to count them, or they were not counted."""
    last: Position | None = None
    """Where the last row stands, if others follow or may follow it."""


class ObjectState(StrEnum):
    """Where an object of the store stands; it is in exactly one state."""

    PENDING = "pending"
    INDEXED = "indexed"
    IGNORED = "ignored"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, order=True)
class CaseView:
    """Which clinical case an image belongs to, and which view it shows."""

    year: str
    case_id: str
    view: str
    named: bool = True
    """Whether the object's name says so; else its attributes do."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What became of one object at one etag."""

    key: ObjectKey
    etag: str
    state: ObjectState
    ref: InstanceRef | None = None
    """Whose bytes it holds; None when that could not be read."""
    reason: str = ""
    case: CaseView | None = None
    """The case that it was put under, if any."""
    revision: str = field(default="", compare=False)
    """Of the ledger's row as it was read or written; the ledger sets it."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A data partition: instances, searches and deletions of one know nothing of another's."""

    name: str
    created_at: datetime


class ChangeAction(StrEnum):
    """What happened to an instance."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change feed. *sequence* counts from 1 without gaps; *version* grows with each change of *ref*."""

    sequence: int
    action: ChangeAction
    ref: InstanceRef
    partition: str
    changed_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class CaseImage:
    """One image of a clinical case: which view it shows, and the instance that holds it."""

    year: str
    case_id: str
    view: str
    key: ObjectKey
    ref: InstanceRef


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """What a list of cases says of one."""

    year: str
    case_id: str
    views: Mapping[str, int]
    """How many images show each view."""
    has_report: bool
    """Whether a report was stored, or found, by this archive."""
    complete: bool
    """Whether none of the four views and the report is missing."""


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """Which cases to list, in the order of (year, id)."""

    limit: int
    year: str | None = None
    id_prefix: str = ""
    complete: bool | None = None
    after: tuple[str, str] | None = None
    """Year and id of the last case of the page before."""


@dataclass(frozen=True, slots=True)
class CaseSession:
    """One attempt to store a case as a whole; its objects are named after *key*."""

    key: str
    year: str
    case_id: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class CaseCommit:
    """That the objects of a session are a case: the one row that makes all of it exist."""

    session: CaseSession
    report: str
    """Until it is done, for then it stands among the reports."""
    fingerprint: str
    """Of all contents."""
    previous: str = ""
    """Key of the session that this one replaces."""
    done: bool = False
    """Whether all that follows from it is done; only then is the case visible."""
    revision: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ReportMigration:
    """What became of one page of reports on their way to keyed rows; *after* is where to go on, None at the end."""

    moved: int
    kept: int
    """Left where they were, since another report has the place."""
    cases: tuple[tuple[str, str], ...]
    """Year and id of each report that was met."""
    after: str | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a long piece of work has come, in its own words."""

    value: str
    revision: str = field(default="", compare=False)
    """Of the row as it was read or written; the store sets it."""
