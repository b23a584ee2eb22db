"""What follows from the end of a session, committed or not. Every step can be repeated."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from shared.dicom.references import SeriesRef
from shared.errors import TransientError
from shared.flows._archive_key import upload_of
from shared.flows._archive_writes import note_indexed
from shared.flows._in_parallel import in_parallel
from shared.flows._session_ports import SessionPorts, manifest_key, published_prefix
from shared.ports.jobs import DONE, FAILED, Job
from shared.records import InstanceRecord, ObjectKey
from shared.telemetry.events import event

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 8
_DELETED_AT_ONCE: Final = 32
_NOTED: Final = 100


async def settle_session(job: Job, ports: SessionPorts) -> None:
    """Let feed, ledger and cases know what a committed session holds, and remove what was uploaded."""
    session, store = job.job_id, ports.store
    series = await written_series(session, ports)
    await in_parallel(lambda one: ports.sessions.publish(session, one), series, limit=_AT_ONCE)
    await in_parallel(lambda one: _note(session, one, ports), series, limit=_AT_ONCE)
    for study in sorted({one.study for one in series}):
        try:
            await store.queue.study_changed(study)
        except TransientError as error:  # the index has noted it already: a timer will come by
            event(
                _log,
                "study not queued",
                study_instance_uid=study.study_instance_uid,
                error=type(error).__name__,
            )
    if series:
        key = manifest_key(session, ports)
        await store.objects.put(key, b"{}", content_type="application/json")
    await remove_uploads(session, ports)
    await _end(job, DONE, "", ports)


async def clear_session(job: Job, why: str, ports: SessionPorts) -> None:
    """Remove all that a withdrawn session has left, and say why it was withdrawn."""
    session = job.job_id
    series = await written_series(session, ports)
    await in_parallel(lambda one: ports.sessions.unstage(session, one), series, limit=_AT_ONCE)
    # Objects last: their names lead to the rest.
    await _remove(ports.store.container, published_prefix(session, ports), ports)
    await remove_uploads(session, ports)
    await _end(job, FAILED, why, ports)


async def written_series(session: str, ports: SessionPorts) -> list[SeriesRef]:
    """Return the series of which a session has written an instance to the archive."""
    prefix = published_prefix(session, ports)
    refs = [
        upload_of(info.key) async for info in ports.store.objects.scan(ports.store.container, prefix=prefix)
    ]
    return sorted({ref.series for ref in refs if ref is not None})


async def _note(session: str, series: SeriesRef, ports: SessionPorts) -> None:
    prefix, batch = published_prefix(session, ports), list[InstanceRecord]()
    async for record in ports.store.index.instances_of(series):
        key = record.location.key
        if key.container == ports.store.container and key.name.startswith(prefix):
            batch.append(record)
        if len(batch) == _NOTED:
            await note_indexed(batch, ports.store)
            batch = []
    if batch:
        await note_indexed(batch, ports.store)


async def remove_uploads(session: str, ports: SessionPorts) -> None:
    """Remove what clients have put, and the list of it."""
    await _remove(ports.container, session, ports)


async def _remove(container: str, prefix: str, ports: SessionPorts) -> None:
    delete: Callable[[ObjectKey], Awaitable[None]] = ports.store.objects.delete
    keys = [info.key async for info in ports.store.objects.scan(container, prefix=prefix)]
    await in_parallel(delete, keys, limit=_DELETED_AT_ONCE)


async def _end(job: Job, phase: str, error: str, ports: SessionPorts) -> None:
    there = (await ports.jobs.get(job.job_id)).phase
    if there not in (DONE, FAILED):
        await ports.jobs.advance(job.job_id, expected=there, phase=phase, error=error)
    event(_log, "session ended", outcome=phase)
