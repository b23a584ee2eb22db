"""Store one DICOM file under a name of the caller's choice, and index it where it lies.

Whether there is an object of that name is asked of the store in the request that writes, so of two writers one is told.
Nothing is listed: the number of requests does not depend on how much there is.
"""

import logging
from dataclasses import dataclass, field

from shared.dicom.byte_window import FIRST_READ
from shared.dicom.header import Header
from shared.errors import (
    ConcurrentChangeError,
    ObjectChangedError,
    ObjectExistsError,
    ObjectNotFoundError,
    RejectedInstanceError,
    RiskTooHighError,
    TransientError,
    UnsupportedObjectError,
)
from shared.flows._admission import Admission
from shared.flows._chosen_key import check_chosen_name, staging_key
from shared.flows._incoming import Incoming, IncomingPart
from shared.flows._instance_record import identify
from shared.flows._read_instance import read_stored_header
from shared.flows._risk_policy import check_risk, hold_in_quarantine
from shared.flows.index_instance import IndexPorts, index_instance
from shared.records import LedgerEntry, ObjectInfo, ObjectKey
from shared.telemetry.events import event
from shared.telemetry.tracing import flow

__all__ = ["Admission", "FileRequest", "IncomingPart", "StoredFile", "store_file"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FileRequest:
    """Under which name to store, whether what is there may be replaced, and as what media type; None is the store's."""

    key: ObjectKey
    allow_overwrite: bool = False
    content_type: str | None = None
    admission: Admission = field(default_factory=Admission)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What was written, whether in the place of something else, and what the ledger says of it; None: nothing yet."""

    info: ObjectInfo
    replaced: bool
    entry: LedgerEntry | None


@flow
async def store_file(part: IncomingPart, request: FileRequest, ports: IndexPorts) -> StoredFile:
    """Store the file in *part* and index it; the file is there as a whole or not at all.

    What is damaged, or kept out for its risk, is found before anything is replaced by it. A file that is written and
    cannot be indexed now is indexed by its event or when the archive is reconciled.

    Raises:
        InvalidRequestError: The name is none.
        RejectedInstanceError: The file can never be indexed; nothing of it is left.
        ObjectExistsError: The name is taken and overwriting was not asked for, or another writer was faster.
        ObjectNotFoundError: There is no such container.
    """
    check_chosen_name(request.key.name)
    incoming = Incoming(part)
    header = await incoming.read_header()
    refusal = request.admission.refusal(header, identify(header), None)
    if refusal is not None:
        raise UnsupportedObjectError(refusal.text)
    await _check_risk(header, request.key, incoming, ports)
    there = await _etag(request.key, ports) if request.allow_overwrite else None
    try:
        info = await _write(incoming, request, there, ports)
    except (ObjectChangedError, ConcurrentChangeError):
        raise ObjectExistsError(
            "another writer of this object was faster; look at what is there now"
        ) from None
    return StoredFile(info, there is not None, await _indexed(request.key, ports))


async def _check_risk(header: Header, key: ObjectKey, incoming: Incoming, ports: IndexPorts) -> None:
    try:
        check_risk(header, ports.risk)
    except RiskTooHighError:
        data = incoming.data if incoming.is_whole else incoming.stream()
        await hold_in_quarantine(ports.risk, ObjectKey(key.container, str(key)), data, ports.objects)
        raise


async def _etag(key: ObjectKey, ports: IndexPorts) -> str | None:
    try:
        return (await ports.objects.head(key)).etag
    except ObjectNotFoundError:
        return None


async def _write(
    incoming: Incoming, request: FileRequest, there: str | None, ports: IndexPorts
) -> ObjectInfo:
    objects, key = ports.objects, request.key
    if incoming.is_whole:
        return await objects.put(
            key,
            incoming.data,
            if_absent=there is None,
            if_match=there,
            content_type=request.content_type,
        )
    first = incoming.data[:FIRST_READ]
    if there is None:
        info = await objects.put(key, incoming.stream(), if_absent=True, content_type=request.content_type)
        await _check_written(info, first, key, ports)
        return info
    staged = staging_key(ports.derived_container, key)
    info = await objects.put(staged, incoming.stream())
    await _check_written(info, first, key, ports)
    try:
        return await objects.put(
            key,
            objects.stream(staged, if_match=info.etag),
            if_match=there,
            content_type=request.content_type,
        )
    finally:
        await objects.delete(staged)


async def _check_written(info: ObjectInfo, first: bytes, key: ObjectKey, ports: IndexPorts) -> None:
    """Read the header of a large file from the store; if it is refused, nothing of it is left there."""
    try:
        header = await read_stored_header(ports.objects, info, first)
        check_risk(header, ports.risk)
    except RejectedInstanceError as error:
        if isinstance(error, RiskTooHighError):
            stored = ports.objects.stream(info.key, if_match=info.etag)
            await hold_in_quarantine(ports.risk, ObjectKey(key.container, str(key)), stored, ports.objects)
        await ports.objects.delete(info.key, if_match=info.etag)
        raise


async def _indexed(key: ObjectKey, ports: IndexPorts) -> LedgerEntry | None:
    try:
        await index_instance(key, ports)
        return await ports.ledger.get(key)
    except TransientError as error:
        event(_log, "stored file not indexed", container=key.container, error=type(error).__name__)
        return None
