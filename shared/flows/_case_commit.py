"""What follows from the commit of a case, and what is left where none came. Every step can be repeated."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared.access.audit_events import Action
from shared.access.touched import touch
from shared.dicom.byte_window import FIRST_READ
from shared.dicom.references import SeriesRef
from shared.errors import ObjectNotFoundError, RejectedInstanceError, TransientError
from shared.flows._admission import Admission
from shared.flows._archive_key import CASES_FOLDER
from shared.flows._archive_writes import StorePorts
from shared.flows._instance_record import identify, record_of
from shared.flows._read_instance import read_stored_header
from shared.flows._risk_policy import RiskPolicy
from shared.flows._thumbnails import drop_thumbnails
from shared.ports.archive import InstanceIndex, JobQueue, ObjectLedger, ObjectStore
from shared.ports.cases import CaseIndex, CaseSessions, Reports
from shared.records import (
    CaseCommit,
    CaseImage,
    CaseSession,
    CaseView,
    InstanceRecord,
    LedgerEntry,
    ObjectKey,
    ObjectLocation,
    ObjectState,
    Source,
)
from shared.telemetry.events import event

_log = logging.getLogger(__name__)

_MANIFEST: Final = "case.json"
_MAX_MANIFEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class CaseStorePorts:
    """What storing a case needs; *container* is the archive's, *partition* its data partition."""

    objects: ObjectStore
    index: InstanceIndex
    ledger: ObjectLedger
    cases: CaseIndex
    sessions: CaseSessions
    reports: Reports
    queue: JobQueue
    container: str
    partition: str
    admission: Admission = field(default_factory=Admission)
    risk: RiskPolicy = field(default_factory=RiskPolicy)
    derived_container: str = ""
    """Where thumbnails are kept; none if there is no name."""

    @property
    def store(self) -> StorePorts:
        """What writing one instance needs."""
        return StorePorts(
            self.objects,
            self.index,
            self.ledger,
            self.cases,
            self.queue,
            self.container,
            self.partition,
            self.risk,
        )


def session_prefix(ports: CaseStorePorts, session: str) -> str:
    """Return how the names of a session's objects begin."""
    return f"{ports.partition}/{CASES_FOLDER}/{session}/"


def session_object(ports: CaseStorePorts, session: str, view: str) -> ObjectKey:
    """Return where a view of a session is written: a name of its own, so that no session touches another's."""
    return ObjectKey(ports.container, f"{session_prefix(ports, session)}{view}.dcm")


def images_of_session(ports: CaseStorePorts, session: str, images: Sequence[CaseImage]) -> list[CaseImage]:
    """Return those of *images* that a session wrote."""
    prefix = session_prefix(ports, session)
    return [
        image
        for image in images
        if image.key.container == ports.container and image.key.name.startswith(prefix)
    ]


async def settle_commit(
    commit: CaseCommit,
    images: Sequence[CaseImage],
    ports: CaseStorePorts,
    records: Sequence[InstanceRecord] | None = None,
) -> None:
    """Do all that follows from a commit, and let the case be visible at the end.

    Args:
        commit: As it was read or written.
        images: Those of its session.
        ports: Where to.
        records: Of the images, where they are in hand; else their objects are read.

    Raises:
        RejectedInstanceError: The index refuses an instance; the commit and all of its session are taken back.
    """
    if not commit.done:
        records = records or [await read_record(image.key, ports) for image in images]
        try:
            await index_images(records, images, ports)
        except RejectedInstanceError:
            await ports.sessions.retract(commit, images)
            await _restore(commit.previous, ports)
            await clear_session(commit.session, ports)
            raise
        session = commit.session
        await ports.reports.put(session.year, session.case_id, commit.report)
        await _write_manifest(commit, ports)
        if commit.previous:
            await remove_session_objects(commit.previous, ports)
        await ports.sessions.finish(commit)
    await ports.cases.note_report(commit.session.year, commit.session.case_id, present=True)
    await ports.sessions.forget(commit.session)
    for study in {image.ref.study for image in images}:
        try:
            await ports.queue.study_changed(study)
        except TransientError as error:  # the index has noted it already: a timer will come by
            event(
                _log,
                "study not queued",
                study_instance_uid=study.study_instance_uid,
                error=type(error).__name__,
            )


def manifest_key(ports: CaseStorePorts, session: str) -> ObjectKey:
    """Return where stands what case a session is: the rows of a committed case can be made of it and its objects."""
    return ObjectKey(ports.container, session_prefix(ports, session) + _MANIFEST)


async def _write_manifest(commit: CaseCommit, ports: CaseStorePorts) -> None:
    import orjson

    session = commit.session
    content = {
        "year": session.year,
        "id": session.case_id,
        "begun_at": session.begun_at,
        "fingerprint": commit.fingerprint,
        "previous": commit.previous,
    }
    key = manifest_key(ports, session.key)
    await ports.objects.put(key, orjson.dumps(content), content_type="application/json")


async def read_manifest(session: str, ports: CaseStorePorts) -> CaseCommit | None:
    """Return the commit that a session's manifest tells of, without its report; None if it has none that can be read."""
    import orjson

    try:
        found = await ports.objects.read_range(manifest_key(ports, session), 0, _MAX_MANIFEST)
        said = orjson.loads(found.data)
        begun_at = datetime.fromisoformat(said["begun_at"])
        case = CaseSession(session, str(said["year"]), str(said["id"]), begun_at)
        return CaseCommit(case, "", str(said["fingerprint"]), str(said["previous"]))
    except (ObjectNotFoundError, ValueError, TypeError, KeyError):
        return None


async def _restore(previous: str, ports: CaseStorePorts) -> None:
    """Put the images of the session that was to be replaced under their case again; nothing else of it has gone."""
    if not previous:
        return
    images = []
    async for info in ports.objects.scan(ports.container, prefix=session_prefix(ports, previous)):
        entry = await ports.ledger.get(info.key)
        if entry is not None and entry.ref is not None and (case := entry.case) is not None:
            images.append(CaseImage(case.year, case.case_id, case.view, info.key, entry.ref))
    if images:
        await ports.cases.put(images)


async def clear_session(session: CaseSession, ports: CaseStorePorts) -> None:
    """Remove all that a session has left, unless it was committed after all: then another look finishes it."""
    await ports.sessions.withdraw(session)
    commit, _ = await ports.sessions.case_of(session.year, session.case_id)
    if commit is not None and commit.session.key == session.key:
        return
    await remove_session_objects(session.key, ports)
    await ports.sessions.forget(session)


async def index_images(
    records: Sequence[InstanceRecord], images: Sequence[CaseImage], ports: CaseStorePorts
) -> None:
    """Let ledger and index know the images of a session."""
    by_series: dict[SeriesRef, list[InstanceRecord]] = {}
    for record in records:
        by_series.setdefault(record.ref.series, []).append(record)
    # The ledger first: it is what leads to the claims when they are to be taken back.
    entries = {image.key: CaseView(image.year, image.case_id, image.view) for image in images}
    await ports.ledger.put(
        [
            LedgerEntry(
                record.location.key,
                record.location.etag,
                ObjectState.INDEXED,
                record.ref,
                case=entries[record.location.key],
            )
            for record in records
        ]
    )
    for series in by_series.values():
        for record in series:
            touch(Action.CREATE, record.ref)
        await ports.index.put(series)


async def remove_session_objects(session: str, ports: CaseStorePorts) -> None:
    """Remove a session's objects and what is known of them; each object last, for the listing leads to the rest."""
    prefix = session_prefix(ports, session)
    for key in [info.key async for info in ports.objects.scan(ports.container, prefix=prefix)]:
        entry = await ports.ledger.get(key)
        if entry is not None and entry.ref is not None:
            await drop_thumbnails(entry.ref, ports.objects, ports.derived_container, ports.partition)
            await ports.index.remove(entry.ref, key)
        await ports.ledger.remove(key)
        await ports.objects.delete(key)


async def read_record(key: ObjectKey, ports: CaseStorePorts) -> InstanceRecord:
    """Read the record of an image of a session."""
    found = await ports.objects.read_range(key, 0, FIRST_READ)
    header = await read_stored_header(ports.objects, found.info, found.data)
    location = ObjectLocation(key, found.info.etag, 0, found.info.size)
    return await record_of(header, identify(header), location, found.info.modified_at, Source.STORE)
