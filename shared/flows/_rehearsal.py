"""Find out what storing an instance would come to, without storing it."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import IO, Final

from shared.dicom.header import Header, read_header
from shared.dicom.references import InstanceRef
from shared.errors import InstanceNotFoundError
from shared.flows._archive_key import archive_key
from shared.flows._archive_writes import Present, StorePorts
from shared.flows._incoming import HELD_LENGTH, Incoming
from shared.flows._instance_record import Identity, record_of
from shared.flows._risk_policy import check_risk
from shared.flows._same_bytes import same_bytes
from shared.flows._store_request import StoreRequest
from shared.records import InstanceRecord, ObjectLocation, Source

_PIECE: Final = 1024 * 1024


class Rehearsal:
    """One request of which nothing is stored; it remembers what the request would have stored so far."""

    def __init__(self, ports: StorePorts, request: StoreRequest) -> None:
        self._ports = ports
        self._request = request
        self._digests: dict[InstanceRef, tuple[bytes, InstanceRecord]] = {}

    async def write(self, incoming: Incoming, header: Header, identity: Identity) -> InstanceRecord | Present:
        """Return what write_instance and the index would come to. A large instance lies in a temporary file meanwhile.

        Raises:
            RejectedInstanceError: It is damaged, or kept out for its risk.
        """
        is_whole = incoming.is_whole
        with tempfile.SpooledTemporaryFile(max_size=HELD_LENGTH) as file:
            digest, size = await _spool(incoming, file)
            if not is_whole:
                header = await _read_header(file, size)
            check_risk(header, self._ports.risk)
            key = archive_key(self._ports.container, self._ports.partition, identity.ref)
            now = datetime.now(UTC)
            location = ObjectLocation(key, "", 0, size)
            record = await record_of(header, identity, location, now, Source.STORE)
            present = await self._present(identity.ref, digest, file)
            if present is not None and (present.same or not self._request.replaces):
                return present
            self._digests[identity.ref] = digest, record
            return record

    async def _present(self, ref: InstanceRef, digest: bytes, file: IO[bytes]) -> Present | None:
        """Return what would serve *ref* by now, if anything."""
        if ref in self._digests:
            before, stored = self._digests[ref]
            return Present(stored, before == digest)
        try:
            serving = await self._ports.index.get(ref)
        except InstanceNotFoundError:
            return None
        return Present(serving, await self._is_same(file, serving))

    async def _is_same(self, file: IO[bytes], serving: InstanceRecord) -> bool:
        at = serving.location
        stored = self._ports.objects.stream(at.key, at.offset, at.offset + at.length, if_match=at.etag)
        return await same_bytes(_chunks(file), stored)


async def _spool(incoming: Incoming, file: IO[bytes]) -> tuple[bytes, int]:
    digest, size = hashlib.sha256(), 0
    async for chunk in incoming.stream():
        digest.update(chunk)
        size += len(chunk)
        await asyncio.to_thread(file.write, chunk)
    return digest.digest(), size


async def _read_header(file: IO[bytes], size: int) -> Header:
    async def fetch(start: int, end: int) -> bytes:
        file.seek(start)
        return await asyncio.to_thread(file.read, end - start)

    return await read_header(fetch, size)


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    file.seek(0)
    while chunk := await asyncio.to_thread(file.read, _PIECE):
        yield chunk
