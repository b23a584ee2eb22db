"""What upload sessions need, and where their objects lie. Does nothing."""

from dataclasses import dataclass, field
from typing import Final

from shared.dicom.references import InstanceRef
from shared.flows._admission import Admission
from shared.flows._archive_key import UPLOADS_FOLDER
from shared.flows._archive_writes import StorePorts
from shared.ports.jobs import Jobs, WorkQueue
from shared.ports.sessions import UploadSessions, UploadTargets
from shared.records import DuplicatePolicy, ObjectKey

KIND: Final = "session"
OPEN: Final = "open"
COMMITTING: Final = "committing"
"""Phases before the ends: files are taken; what was asked to be published is looked at, and published."""

FILES: Final = "files"
EXPIRES_AT: Final = "expiresAt"
BYTES: Final = "bytes"
THERE: Final = "there"
"""Names of facts: the object that lists the files of a commit; until when files are taken; their bytes; an item's that
the archive had already."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Most files and bytes of a session, and how many hours it takes files."""

    files: int = 20_000
    bytes: int = 64 * 1024**3
    hours: float = 4


@dataclass(frozen=True, slots=True)
class SessionPorts:
    """What sessions of one data partition need; *container* is where clients put files."""

    store: StorePorts
    jobs: Jobs
    sessions: UploadSessions
    targets: UploadTargets
    work: WorkQueue
    container: str = "sessions"
    admission: Admission = field(default_factory=Admission)
    duplicates: DuplicatePolicy = "identical-ok"
    limits: SessionLimits = field(default_factory=SessionLimits)


def upload_key(session: str, name: str, ports: SessionPorts) -> ObjectKey:
    """Return where a client puts a file."""
    return ObjectKey(ports.container, f"{session}/{name}")


def published_prefix(session: str, ports: SessionPorts) -> str:
    """Return how the names begin of what a session wrote to the archive."""
    return f"{ports.store.partition}/{UPLOADS_FOLDER}/{session}/"


def published_key(session: str, ref: InstanceRef, ports: SessionPorts) -> ObjectKey:
    """Return where a session writes an instance in the archive: a name that leads back to it, and is no other's."""
    name = f"{ref.study_instance_uid}/{ref.series_instance_uid}/{ref.sop_instance_uid}.dcm"
    return ObjectKey(ports.store.container, published_prefix(session, ports) + name)


def manifest_key(session: str, ports: SessionPorts) -> ObjectKey:
    """Return where it stands that a session was published: without it nobody takes its objects for instances."""
    return ObjectKey(ports.store.container, f"{published_prefix(session, ports)}session.json")
