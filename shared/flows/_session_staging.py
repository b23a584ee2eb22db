"""Take in one file of a session: look at it, write it to the archive, put it out of sight in the index."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.errors import (
    InstanceNotFoundError,
    ObjectExistsError,
    ObjectNotFoundError,
    UnsupportedObjectError,
)
from shared.flows._archive_writes import Present, give_way, is_there, read_leftover, write_new
from shared.flows._incoming import Incoming, IncomingPart
from shared.flows._instance_record import Identity, identify
from shared.flows._same_bytes import same_bytes
from shared.flows._session_ports import SessionPorts, published_key
from shared.records import InstanceRecord, ObjectKey

type Open = Callable[[], Awaitable[IncomingPart]]


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that can be published: *record* of what was written, None if the archive has its bytes already."""

    identity: Identity
    record: InstanceRecord | None


async def take_file(session: str, opened: Open, ports: SessionPorts) -> Taken:
    """Write a file to the archive, unless it is there.

    Safe to repeat: what a first try has written is found, and compared.

    Raises:
        RejectedInstanceError: It is nothing that can be stored.
        ObjectExistsError: The archive, or another file of the session, has the instance with other bytes.
    """
    incoming = Incoming(await opened())
    header = await incoming.read_header()
    identity = identify(header)
    ports.admission.check_attributes(header)
    refusal = ports.admission.refusal(header, identity, None)
    if refusal is not None:
        raise UnsupportedObjectError(refusal.text)
    key = published_key(session, identity.ref, ports)
    if (serving := await _serving(identity, ports)) is not None:
        if serving.location.key == key:
            return Taken(identity, serving)  # another try has come to the end of this
        _judge(Present(serving, await _is_same(serving, opened, ports)), ports)
        return Taken(identity, None)
    if not await is_there(key, ports.store):
        try:
            return Taken(identity, await write_new(key, incoming, header, identity, ports.store))
        except ObjectExistsError:
            pass  # another file of the session, or another try, came first
    return Taken(identity, await _found(key, identity, opened, ports))


async def judge_late(taken: Taken, ports: SessionPorts) -> None:
    """Give way to another object that has come to serve the instance since it was looked for.

    Raises:
        ObjectExistsError: It has other bytes.
    """
    if taken.record is None:
        return
    serving = await ports.store.index.get(taken.record.ref)
    if serving.location.key != taken.record.location.key:
        _judge(await give_way(taken.record, ports.store), ports)


async def _serving(identity: Identity, ports: SessionPorts) -> InstanceRecord | None:
    try:
        return await ports.store.index.get(identity.ref)
    except InstanceNotFoundError:
        return None


async def _is_same(serving: InstanceRecord, opened: Open, ports: SessionPorts) -> bool:
    at = serving.location
    stored = ports.store.objects.stream(at.key, at.offset, at.offset + at.length, if_match=at.etag)
    return await same_bytes((await opened()).chunks(), stored)


def _judge(present: Present, ports: SessionPorts) -> None:
    """Refuse what is there with other bytes; a session replaces nothing, for all of it could not change at once."""
    if present.same and ports.duplicates != "reject":
        return
    how = "the same bytes" if present.same else "other bytes"
    raise ObjectExistsError(
        f"instance {present.record.ref.sop_instance_uid} is in the archive already, with {how}"
    )


async def _found(key: ObjectKey, identity: Identity, opened: Open, ports: SessionPorts) -> InstanceRecord:
    try:
        same = await same_bytes((await opened()).chunks(), ports.store.objects.stream(key))
        if same:
            return await read_leftover(key, ports.store)
    except ObjectNotFoundError:
        same = False
    raise ObjectExistsError(
        f"another file of the session holds instance {identity.ref.sop_instance_uid} with other bytes"
    )
