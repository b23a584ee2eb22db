"""Write one instance to the archive, or find what is there in its place. It puts new records into no index.

An object of the archive that the index does not know is what a crash has left between writing and indexing. It is
indexed as it is, or removed if it cannot be: nobody was told that it is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shared.access.audit_events import Action
from shared.access.touched import touch
from shared.dicom.byte_window import FIRST_READ
from shared.dicom.header import Header
from shared.errors import (
    InstanceNotFoundError,
    ObjectChangedError,
    ObjectExistsError,
    ObjectNotFoundError,
    RejectedInstanceError,
    RiskTooHighError,
)
from shared.flows._archive_key import archive_key, generation_of
from shared.flows._case_attributes import read_case_attributes
from shared.flows._incoming import Incoming
from shared.flows._instance_record import Identity, identify, record_of
from shared.flows._read_instance import read_stored_header
from shared.flows._risk_policy import RiskPolicy, check_risk, hold_in_quarantine
from shared.flows._same_bytes import Comparison, same_bytes
from shared.ports.archive import InstanceIndex, JobQueue, ObjectLedger, ObjectStore
from shared.ports.cases import CaseIndex
from shared.records import (
    CaseImage,
    InstanceRecord,
    LedgerEntry,
    ObjectInfo,
    ObjectKey,
    ObjectLocation,
    ObjectState,
    Source,
)

_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class StorePorts:
    """What storing needs; *container* is the archive's, *partition* its data partition."""

    objects: ObjectStore
    index: InstanceIndex
    ledger: ObjectLedger
    cases: CaseIndex
    queue: JobQueue
    container: str
    partition: str
    risk: RiskPolicy = field(default_factory=RiskPolicy)


@dataclass(frozen=True, slots=True)
class Present:
    """Another object, or the same one earlier, holds the instance: *record* serves, and are its bytes the *same*?"""

    record: InstanceRecord
    same: bool


async def write_instance(
    incoming: Incoming, header: Header, identity: Identity, ports: StorePorts
) -> InstanceRecord | Present:
    """Write an instance that is not there; return its record, to be indexed, or what is there.

    One that is held whole is written first and looked for only if that fails. A larger one is looked for first, as
    its bytes come only once.

    Raises:
        RejectedInstanceError: It is damaged; nothing of it is left.
        ObjectChangedError: Others write the same instance at this moment.
    """
    key = archive_key(ports.container, ports.partition, identity.ref)
    for _ in range(_ATTEMPTS):
        try:
            if incoming.is_whole or not await is_there(key, ports):
                return await write_new(key, incoming, header, identity, ports)
        except ObjectExistsError:
            if not incoming.is_whole:
                break
        try:
            serving = await _serving(key, identity, ports)
        except (ObjectNotFoundError, RejectedInstanceError):
            continue
        return Present(serving, await _holds(serving, incoming, ports))
    raise ObjectChangedError(f"Instance {identity.ref.sop_instance_uid} is being written by another request.")


async def give_way(record: InstanceRecord, ports: StorePorts) -> Present:
    """Remove the archive's object of *record*, which was just written, since another object serves the instance."""
    serving = await ports.index.get(record.ref)
    one, other = (located.location for located in (record, serving))
    same = await same_bytes(
        ports.objects.stream(one.key, if_match=one.etag),
        ports.objects.stream(other.key, other.offset, other.offset + other.length, if_match=other.etag),
    )
    await ports.objects.delete(one.key, if_match=one.etag)
    return Present(serving, same)


def indexed_entry(record: InstanceRecord) -> LedgerEntry:
    """Return what the ledger says of an object of the archive that is indexed; its name says nothing of a case."""
    at, case = record.location, read_case_attributes(record.metadata)
    return LedgerEntry(at.key, at.etag, ObjectState.INDEXED, record.ref, case=case)


async def note_indexed(records: Sequence[InstanceRecord], ports: StorePorts) -> None:
    """Let the ledger know of objects of the archive that are indexed, and put those of a clinical case under it.

    An object that replaces others takes their places in cases.
    """
    for record in records:
        touch(Action.CREATE, record.ref)
    entries = [indexed_entry(record) for record in records]
    await ports.ledger.put(entries)
    for record, entry in zip(records, entries, strict=True):
        if record.generation:
            await _leave_cases(entry, ports)
        if (case := entry.case) is not None:
            await ports.cases.put([CaseImage(case.year, case.case_id, case.view, entry.key, record.ref)])


async def _leave_cases(replacing: LedgerEntry, ports: StorePorts) -> None:
    """Take what the archive keeps of earlier generations out of the cases it was in; its ledger goes on to know them."""
    if replacing.ref is None:
        return
    async for key in ports.index.claims_of(replacing.ref):
        if key == replacing.key or key.container != ports.container:
            continue
        entry = await ports.ledger.get(key)
        if entry is not None and (case := entry.case) is not None:
            await ports.cases.remove(case.year, case.case_id, case.view, key)


async def write_new(
    key: ObjectKey,
    incoming: Incoming,
    header: Header,
    identity: Identity,
    ports: StorePorts,
    *,
    comparison: Comparison | None = None,
) -> InstanceRecord:
    """Write an instance under a name that is free; one that is not held whole passes by *comparison*.

    Raises:
        ObjectExistsError: The name is taken.
        RejectedInstanceError: It is damaged, and nothing of it is left; or it is kept out for its risk.
    """
    if incoming.is_whole:
        try:
            check_risk(header, ports.risk)
        except RiskTooHighError:
            await hold_in_quarantine(ports.risk, key, incoming.data, ports.objects)
            raise
        info = await ports.objects.put(key, incoming.data, if_absent=True)
        return await _record(header, identity, info, ports)
    first, content = incoming.data, incoming.stream()
    content = content if comparison is None else comparison.passing(content)
    info = await ports.objects.put(key, content, if_absent=True)
    try:
        header = await read_stored_header(ports.objects, info, first)
        check_risk(header, ports.risk)
        return await _record(header, identity, info, ports)
    except RejectedInstanceError as error:
        if isinstance(error, RiskTooHighError):
            stored = ports.objects.stream(key, if_match=info.etag)
            await hold_in_quarantine(ports.risk, key, stored, ports.objects)
        await ports.objects.delete(key, if_match=info.etag)
        raise


async def _record(header: Header, identity: Identity, info: ObjectInfo, ports: StorePorts) -> InstanceRecord:
    location = ObjectLocation(info.key, info.etag, 0, info.size)
    record = await record_of(header, identity, location, info.modified_at, Source.STORE)
    return replace(record, generation=generation_of(info.key, ports.container, identity.ref))


async def is_there(key: ObjectKey, ports: StorePorts) -> bool:
    """Tell whether there is an object of this name."""
    try:
        await ports.objects.head(key)
    except ObjectNotFoundError:
        return False
    return True


async def _serving(key: ObjectKey, identity: Identity, ports: StorePorts) -> InstanceRecord:
    """Return the record that serves, indexing the archive's object *key* if the index knows none.

    Raises:
        ObjectNotFoundError: The object has gone.
        RejectedInstanceError: It is unreadable, and gone now.
    """
    try:
        serving = await ports.index.get(identity.ref)
    except InstanceNotFoundError:
        record = await read_leftover(key, ports)
        await ports.index.put([record], if_absent=True)
        serving = await ports.index.get(identity.ref)
    if serving.location.key == key:
        await note_indexed([serving], ports)
    else:
        await _remove_unclaimed(key, identity, ports)
    return serving


async def read_leftover(key: ObjectKey, ports: StorePorts) -> InstanceRecord:
    """Return the record of an object of the archive that the index may not know.

    Raises:
        ObjectNotFoundError: It has gone.
        RejectedInstanceError: It is unreadable, or its writer died before its risk was known; gone now.
    """
    found = await ports.objects.read_range(key, 0, FIRST_READ)
    try:
        header = await read_stored_header(ports.objects, found.info, found.data)
        check_risk(header, ports.risk)
        return await _record(header, identify(header), found.info, ports)
    except RejectedInstanceError:
        await ports.objects.delete(key, if_match=found.info.etag)
        raise


async def _remove_unclaimed(key: ObjectKey, identity: Identity, ports: StorePorts) -> None:
    """Remove the archive's object if the instance is served from elsewhere and nothing is known of this one."""
    if key not in [claim async for claim in ports.index.claims_of(identity.ref)]:
        await ports.objects.delete(key)


async def _holds(serving: InstanceRecord, incoming: Incoming, ports: StorePorts) -> bool:
    location = serving.location
    stored = ports.objects.stream(
        location.key, location.offset, location.offset + location.length, if_match=location.etag
    )
    return await same_bytes(incoming.stream(), stored)
