"""Write one instance in place of what serves it, which is kept. It puts new records into no index.

A replacement has a name with its generation, one above that of what serves, and is written only where no object has
that name: who comes second of two that replace the same takes the next one. So all replacements of an instance have an
order that nobody has to remember, and a record that was not put in time only comes to lie where it belongs.
"""

from collections.abc import AsyncIterator
from typing import Final

from shared.dicom.header import Header
from shared.dicom.references import InstanceRef
from shared.errors import (
    InstanceNotFoundError,
    ObjectChangedError,
    ObjectExistsError,
    ObjectNotFoundError,
    RejectedInstanceError,
)
from shared.flows._archive_key import archive_key, instance_of
from shared.flows._archive_writes import (
    Present,
    StorePorts,
    is_there,
    note_indexed,
    read_leftover,
    write_new,
)
from shared.flows._incoming import Incoming
from shared.flows._instance_record import Identity, identify
from shared.flows._same_bytes import Comparison, same_bytes
from shared.records import InstanceRecord, ObjectKey, PutOutcome

_ATTEMPTS: Final = 20
"""Each is lost to another replacement, which then is there for good."""


async def write_replacement(
    incoming: Incoming, header: Header, identity: Identity, ports: StorePorts
) -> InstanceRecord | Present:
    """Write an instance whatever serves it; return its record, to be indexed, or what serves if the bytes are the same.

    What a crash has left under the name it would have is indexed first: it was sent before. A larger instance than is
    held whole is written while it is compared, and removed if it is the same.

    Raises:
        RejectedInstanceError: It is damaged; nothing of it is left.
        ObjectChangedError: Others replace the same instance at this moment.
    """
    ref = identity.ref
    for _ in range(_ATTEMPTS):
        serving = await _serving(ref, ports)
        key = archive_key(
            ports.container, ports.partition, ref, 0 if serving is None else serving.generation + 1
        )
        if not incoming.is_whole and await is_there(key, ports):
            await _index_leftover(key, ports)
            continue
        try:
            return await _write(key, incoming, header, identity, ports, serving=serving)
        except ObjectExistsError:
            if not incoming.is_whole:
                break
            await _index_leftover(key, ports)
    raise ObjectChangedError(f"Instance {ref.sop_instance_uid} is being written by another request.")


async def replace_by_written(record: InstanceRecord, ports: StorePorts) -> InstanceRecord | Present:
    """Do the same with what was written as new, and found another object serving when it was to be indexed.

    Raises:
        ObjectChangedError: Another request has removed it meanwhile.
    """
    at = record.location
    incoming = Incoming(_Written(ports.objects.stream(at.key, if_match=at.etag)))
    try:
        header = await incoming.read_header()
        written = await write_replacement(incoming, header, identify(header), ports)
    except ObjectNotFoundError:
        raise ObjectChangedError(
            f"Instance {record.ref.sop_instance_uid} is being written by another request."
        ) from None
    kept = written.record if isinstance(written, Present) else written
    if kept.location.key != at.key:
        await ports.objects.delete(at.key, if_match=at.etag)
    return written


class _Written:
    """An object as a part of a request."""

    headers: Final[dict[str, str]] = {}

    def __init__(self, content: AsyncIterator[bytes]) -> None:
        self._content = content

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield its content."""
        return self._content


async def _write(
    key: ObjectKey,
    incoming: Incoming,
    header: Header,
    identity: Identity,
    ports: StorePorts,
    *,
    serving: InstanceRecord | None,
) -> InstanceRecord | Present:
    if serving is None:
        return await write_new(key, incoming, header, identity, ports)
    if incoming.is_whole:
        if await same_bytes(_held(incoming), _stored_bytes(serving, ports)):
            return Present(serving, same=True)
        return await write_new(key, incoming, header, identity, ports)
    comparison = Comparison(_stored_bytes(serving, ports))
    written = await write_new(key, incoming, header, identity, ports, comparison=comparison)
    if not comparison.same:
        return written
    await ports.objects.delete(key, if_match=written.location.etag)
    return Present(serving, same=True)


async def _serving(ref: InstanceRef, ports: StorePorts) -> InstanceRecord | None:
    """Return what serves, seeing to it that the ledger knows it: its writer may have died before it told."""
    try:
        serving = await ports.index.get(ref)
    except InstanceNotFoundError:
        return None
    at = serving.location.key
    if at.container == ports.container and instance_of(at) is not None:
        await note_indexed([serving], ports)
    return serving


async def _index_leftover(key: ObjectKey, ports: StorePorts) -> None:
    """Index an object of the archive as what it is; remove one that cannot be indexed."""
    try:
        record = await read_leftover(key, ports)
    except (ObjectNotFoundError, RejectedInstanceError):
        return
    try:
        # Of a new instance only if nothing serves it: who wrote it may be about to remove it for that reason.
        [outcome] = await ports.index.put([record], if_absent=record.generation == 0)
    except RejectedInstanceError:
        await ports.objects.delete(key, if_match=record.location.etag)
        return
    if outcome is not PutOutcome.EXISTS:
        await note_indexed([record], ports)


async def _held(incoming: Incoming) -> AsyncIterator[bytes]:
    """Yield an instance that is held whole, and keep it."""
    yield incoming.data


async def _stored_bytes(record: InstanceRecord, ports: StorePorts) -> AsyncIterator[bytes]:
    """Yield the bytes of an instance; those of one that has gone end early, and so are like no others."""
    at = record.location
    try:
        async for chunk in ports.objects.stream(at.key, at.offset, at.offset + at.length, if_match=at.etag):
            yield chunk
    except (ObjectNotFoundError, ObjectChangedError):
        return
