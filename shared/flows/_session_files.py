"""What a session holds when it is committed: its files, or the entries of its one ZIP, listed once and for all."""

import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared.errors import InvalidRequestError, PayloadTooLargeError
from shared.flows._incoming import IncomingPart
from shared.flows._session_ports import SessionPorts, upload_key
from shared.flows._zip_uploads import StoredZip
from shared.ports.archive import ObjectStore
from shared.records import ObjectInfo, ObjectKey

_ZIP: Final = ".zip"
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_MAX_LIST: Final = 64 * 1024 * 1024
AT_ONCE: Final = 8
"""Files of the store that are read at a time; those of a ZIP follow each other."""


@dataclass(frozen=True, slots=True)
class SessionFiles:
    """The files of a session by name, with size in bytes and etag; those of a ZIP have its etag."""

    files: tuple[tuple[str, int, str], ...]
    archive: str = ""
    """Name of the ZIP that they are entries of; "" for none."""
    archive_size: int = 0

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(size for _, size, _ in self.files)


async def list_files(session: str, ports: SessionPorts) -> SessionFiles:
    """Return what has been uploaded by now.

    Raises:
        InvalidRequestError: It is nothing, or a ZIP that is not taken.
        PayloadTooLargeError: It is too much.
    """
    prefix, limits = upload_key(session, "", ports).name, ports.limits
    infos: list[ObjectInfo] = []
    async for info in ports.store.objects.scan(ports.container, prefix=prefix):
        if info.is_folder:
            continue
        infos.append(info)
        if len(infos) > limits.files:
            raise PayloadTooLargeError(f"a session has {limits.files} files at most")
    if not infos:
        raise InvalidRequestError("no file has been uploaded")
    if sum(info.size for info in infos) > limits.bytes:
        raise PayloadTooLargeError(f"a session has {limits.bytes} bytes at most")
    [first, *others] = infos
    if others or not first.key.name.lower().endswith(_ZIP):
        files = tuple((info.key.name.removeprefix(prefix), info.size, info.etag) for info in infos)
        return SessionFiles(files)
    archive = StoredZip(ports.store.objects, first)
    entries = await archive.entries(max_files=limits.files, max_bytes=limits.bytes)
    if not entries:
        raise InvalidRequestError("the ZIP holds no file")
    name = first.key.name.removeprefix(prefix)
    return SessionFiles(tuple((entry, size, first.etag) for entry, size in entries), name, first.size)


async def keep_list(session: str, found: SessionFiles, ports: SessionPorts) -> str:
    """Write a list beside the files; return its name, which no other list has."""
    import orjson

    name = f"{session}.{secrets.token_hex(8)}.json"
    content = {"files": found.files, "archive": found.archive, "archive_size": found.archive_size}
    key = ObjectKey(ports.container, name)
    await ports.store.objects.put(key, orjson.dumps(content), content_type="application/json")
    return name


async def read_list(name: str, ports: SessionPorts) -> SessionFiles:
    """Return what a list holds."""
    import orjson

    found = await ports.store.objects.read_range(ObjectKey(ports.container, name), 0, _MAX_LIST)
    said: dict[str, Any] = orjson.loads(found.data)
    files = tuple((str(file), int(size), str(etag)) for file, size, etag in said["files"])
    return SessionFiles(files, said["archive"], said["archive_size"])


class Opener:
    """Opens the files of a session, as often as they are asked for."""

    def __init__(self, session: str, files: SessionFiles, ports: SessionPorts) -> None:
        self._session = session
        self._ports = ports
        self._by_name = {name: etag for name, _, etag in files.files}
        self._zip: StoredZip | None = None
        self.at_once = AT_ONCE
        if files.archive:
            key, etag = upload_key(session, files.archive, ports), files.files[0][2]
            # Only its bytes at this etag are read.
            info = ObjectInfo(key, files.archive_size, etag, _NEVER)
            self._zip = StoredZip(ports.store.objects, info)
            self.at_once = 1

    async def open(self, name: str) -> IncomingPart:
        """Return a file as a part of a request."""
        if self._zip is not None:
            return await self._zip.entry(name)
        key = upload_key(self._session, name, self._ports)
        return StoredFile(self._ports.store.objects, key, self._by_name[name])


class StoredFile:
    """An IncomingPart that lies in the store."""

    headers: Mapping[str, str] = {}

    def __init__(self, objects: ObjectStore, key: ObjectKey, etag: str) -> None:
        self._objects = objects
        self._key = key
        self._etag = etag

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield its content, of the etag that was listed."""
        async for chunk in self._objects.stream(self._key, if_match=self._etag):
            yield chunk
