"""Delete instances for good: their objects, their rows, and whatever else knows of them."""

import logging
from dataclasses import dataclass
from typing import Final

from shared.dicom.references import InstanceRef
from shared.errors import ReadOnlyError, TransientError
from shared.flows._case_name import read_case_name
from shared.flows._in_parallel import in_parallel
from shared.flows._records import Ref, records_of
from shared.ports import CaseIndex, InstanceIndex, JobQueue, ObjectLedger, ObjectStore
from shared.records import ObjectKey
from shared.telemetry import event

_log = logging.getLogger(__name__)

_CONCURRENT: Final = 16


@dataclass(frozen=True, slots=True)
class DeletePorts:
    """What deleting needs; from *read_only_containers* nothing is deleted."""

    objects: ObjectStore
    index: InstanceIndex
    ledger: ObjectLedger
    cases: CaseIndex
    queue: JobQueue
    read_only_containers: frozenset[str]


async def delete_instances(ref: Ref, ports: DeletePorts) -> int:
    """Delete every instance of what *ref* names, spares included; return how many instances there were.

    Nothing is deleted if any object of them may not be. The object goes before its row: if the process dies in
    between, the row is still there to be deleted again, whereas an object without a row would be indexed anew. What
    the ledger still says then of an object that is gone, its event or reconciling takes back.

    Raises:
        NotFoundError: There is none.
        ReadOnlyError: An object of them lies in a container that is read only.
        ObjectChangedError: An object was replaced meanwhile; nothing of the new one is lost.
    """
    refs = [record.ref async for record in records_of(ports.index, ref)]

    async def claims_of(instance: InstanceRef) -> list[tuple[InstanceRef, ObjectKey]]:
        return [(instance, key) async for key in ports.index.claims_of(instance)]

    claims = [claim for found in await in_parallel(claims_of, refs, limit=_CONCURRENT) for claim in found]
    for instance, key in claims:
        if key.container in ports.read_only_containers:
            raise ReadOnlyError(
                f"instance {instance.sop_instance_uid} lies in container {key.container}, which is read only here;"
                " delete it where it comes from"
            )
    await in_parallel(lambda claim: _delete(*claim, ports), claims, limit=_CONCURRENT)
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


async def _delete(ref: InstanceRef, key: ObjectKey, ports: DeletePorts) -> None:
    """Delete one object and its claim; of an object that holds something else by now, only the claim."""
    entry = await ports.ledger.get(key)
    is_its_own = entry is None or entry.ref == ref
    if is_its_own:
        await ports.objects.delete(key, if_match=None if entry is None else entry.etag)
        if case := read_case_name(key.name):
            await ports.cases.remove(case.year, case.case_id, case.view, key)
    await ports.index.remove(ref, key)
    if is_its_own:
        await ports.ledger.remove(key)
