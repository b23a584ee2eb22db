"""Delete instances for good: their objects, their rows, and whatever else knows of them."""

import contextlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.access.audit_events import Action
from shared.access.touched import touch
from shared.dicom.references import InstanceRef
from shared.errors import NotFoundError, ObjectNotFoundError, ReadOnlyError, TransientError
from shared.flows._archive_key import archive_prefix, instance_of
from shared.flows._in_parallel import in_parallel
from shared.flows._quarantined import delete_quarantined
from shared.flows._records import Ref, contains, records_of
from shared.flows._thumbnails import drop_thumbnails
from shared.ports.archive import InstanceIndex, JobQueue, ObjectLedger, ObjectStore
from shared.ports.cases import CaseIndex
from shared.records import ObjectKey
from shared.telemetry.events import event
from shared.telemetry.tracing import flow

_log = logging.getLogger(__name__)

_CONCURRENT: Final = 16
_LEFT_FOR: Final = timedelta(minutes=15)
"""Longer than any invocation may run: who wrote an object before that and has not indexed it is gone."""


@dataclass(frozen=True, slots=True)
class DeletePorts:
    """What deleting needs; from *read_only_containers* nothing is deleted."""

    objects: ObjectStore
    index: InstanceIndex
    ledger: ObjectLedger
    cases: CaseIndex
    queue: JobQueue
    read_only_containers: frozenset[str]
    archive_container: str = ""
    """Where what killed requests have left is looked for; nowhere if there is no name."""
    derived_container: str = ""
    """Where thumbnails are kept; none if there is no name."""
    partition: str = "default"
    quarantine_container: str = ""
    """Where what was kept out for its risk may be held; none if there is no name."""


@flow
async def delete_instances(ref: Ref, ports: DeletePorts) -> int:
    """Delete every instance of what *ref* names with its history and its spares; return how many instances there were.

    What serves an instance goes last, so that nothing that it replaced ever serves again. Nothing is deleted if any
    object of them may not be. The object goes before its row: if the process dies in between, the row is still there to
    be deleted again, whereas an object without a row would be indexed anew. What the ledger still says then of an object
    that is gone, its event or reconciling takes back. Thumbnails go first, for nothing leads to them without the rows,
    and once more at the end, as others may have been made meanwhile.

    What is held of it in quarantine goes too, also where nothing else is known of it.

    Raises:
        NotFoundError: There is none.
        ReadOnlyError: An object of them lies in a container that is read only.
        ObjectChangedError: An object was replaced meanwhile; nothing of the new one is lost.
    """
    try:
        refs = [record.ref async for record in records_of(ports.index, ref)]
    except NotFoundError:
        if await _delete_quarantined(ref, ports):
            return 0
        raise

    async def claims_of(instance: InstanceRef) -> list[tuple[InstanceRef, ObjectKey]]:
        return [(instance, key) async for key in ports.index.claims_of(instance)]

    claims = await in_parallel(claims_of, refs, limit=_CONCURRENT)
    for instance, key in (claim for found in claims for claim in found):
        if key.container in ports.read_only_containers:
            raise ReadOnlyError(
                f"instance {instance.sop_instance_uid} lies in container {key.container}, which is read only here;"
                " delete it where it comes from"
            )
    for instance in refs:
        touch(Action.DELETE, instance)
    await drop_thumbnails(ref, ports.objects, ports.derived_container, ports.partition)
    await in_parallel(lambda found: _delete_all(found, ports), claims, limit=_CONCURRENT)
    await drop_thumbnails(ref, ports.objects, ports.derived_container, ports.partition)
    if ports.archive_container:
        await _delete_leftovers(ref, ports)
    await _delete_quarantined(ref, ports)
    for study in {instance.study for instance in refs}:
        try:
            await ports.queue.study_changed(study)
        except TransientError as error:  # the index has noted it already: a timer will come by
            event(
                _log,
                "study not queued",
                study_instance_uid=study.study_instance_uid,
                error=type(error).__name__,
            )
    return len(refs)


async def _delete_quarantined(ref: Ref, ports: DeletePorts) -> int:
    return await delete_quarantined(ref, ports.quarantine_container, ports.partition, ports.objects)


async def _delete_all(claims: list[tuple[InstanceRef, ObjectKey]], ports: DeletePorts) -> None:
    for ref, key in reversed(claims):
        await _delete(ref, key, ports)


async def _delete_leftovers(ref: Ref, ports: DeletePorts) -> None:
    """Delete what killed requests have left of *ref* in the archive: no row knows it, but it holds a patient's data.

    What is younger may be of a request that goes on, and is stored after this deletion then.
    """
    settled = datetime.now(UTC) - _LEFT_FOR
    prefix = archive_prefix(ports.partition, ref)
    with contextlib.suppress(ObjectNotFoundError):  # without the container there is nothing in it
        async for info in ports.objects.scan(ports.archive_container, prefix=prefix):
            instance = instance_of(info.key)
            if instance is None or not contains(ref, instance) or info.modified_at > settled:
                continue
            if info.key not in [key async for key in ports.index.claims_of(instance)]:
                await ports.objects.delete(info.key, if_match=info.etag)
                await ports.ledger.remove(info.key)


async def _delete(ref: InstanceRef, key: ObjectKey, ports: DeletePorts) -> None:
    """Delete one object and its claim; of an object that holds something else by now, only the claim."""
    entry = await ports.ledger.get(key)
    is_its_own = entry is None or entry.ref == ref
    if is_its_own:
        await ports.objects.delete(key, if_match=None if entry is None else entry.etag)
        if entry is not None and (case := entry.case) is not None:
            await ports.cases.remove(case.year, case.case_id, case.view, key)
    await ports.index.remove(ref, key)
    if is_its_own:
        await ports.ledger.remove(key)
