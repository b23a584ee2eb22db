"""Read the entries of a ZIP that lies in the store, by ranges; never all of it, and no more than it may become."""

import asyncio
import io
import zipfile
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Final

from shared.errors import InvalidRequestError, PayloadTooLargeError
from shared.ports.archive import ObjectStore
from shared.records import ObjectInfo

_WINDOW: Final = 4 * 1024 * 1024
"""Bytes that are read of the store at a time, and kept."""
_MAX_DIRECTORY: Final = 32 * 1024 * 1024
"""Of the list of entries, which is held in memory."""
_CHUNK: Final = 1024 * 1024
_MAX_NAME: Final = 1024
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 0x1
_LEAST_SUSPECT: Final = 256 * 1024 * 1024
_MOST_GROWTH: Final = 100
"""A ZIP that becomes so many times its own size, and more bytes than the least, is taken for a bomb."""
_UNREADABLE: Final = (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError, ValueError)
_INDEX_OF_MEDIA: Final = "DICOMDIR"


class StoredZip:
    """A ZIP in the store: made of where it lies, opened by `entries`."""

    def __init__(self, objects: ObjectStore, info: ObjectInfo) -> None:
        self._file = _Ranges(objects, info, asyncio.get_running_loop())
        self._zip: zipfile.ZipFile | None = None
        self._size = info.size

    async def entries(self, *, max_files: int, max_bytes: int) -> list[tuple[str, int]]:
        """Return names and sizes of its files; folders and the index of media, DICOMDIR, are left out.

        Raises:
            InvalidRequestError: It is no ZIP, or has an entry that is encrypted, packed in an odd way, or named to lead
                elsewhere.
            PayloadTooLargeError: It has too many entries, or would become too many bytes.
        """
        opened = await self._open()
        listed = [entry for entry in opened.infolist() if not entry.is_dir()]
        if len(listed) > max_files:
            raise PayloadTooLargeError(f"the ZIP has more than {max_files} entries")
        for entry in listed:
            _check(entry)
        total = sum(entry.file_size for entry in listed)
        if total > max_bytes:
            raise PayloadTooLargeError("the ZIP would become more bytes than a session may have")
        if total > max(_LEAST_SUSPECT, _MOST_GROWTH * self._size):
            raise PayloadTooLargeError(f"the ZIP would become more than {_MOST_GROWTH} times its size")
        names = [entry.filename for entry in listed]
        if len(set(names)) < len(names):
            raise InvalidRequestError("two entries of the ZIP have the same name")
        kept = [entry for entry in listed if entry.filename.rpartition("/")[2] != _INDEX_OF_MEDIA]
        return [(entry.filename, entry.file_size) for entry in kept]

    async def entry(self, name: str) -> "ZipEntry":
        """Return one entry, as a part of a request."""
        return ZipEntry(await self._open(), name)

    async def _open(self) -> zipfile.ZipFile:
        if self._zip is None:
            try:
                self._zip = await asyncio.to_thread(zipfile.ZipFile, self._file)
            except _UNREADABLE:
                raise InvalidRequestError("the file is no ZIP that can be read") from None
        return self._zip


class ZipEntry:
    """An IncomingPart. Its bytes are unpacked as they are asked for, no more of them than the ZIP says it has."""

    headers: Mapping[str, str] = {}

    def __init__(self, opened: zipfile.ZipFile, name: str) -> None:
        self._zip = opened
        self._name = name

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield its content.

        Raises:
            InvalidRequestError: It is damaged.
        """
        try:
            with await asyncio.to_thread(self._zip.open, self._name) as file:
                while chunk := await asyncio.to_thread(file.read, _CHUNK):
                    yield chunk
        except (*_UNREADABLE, KeyError):
            raise InvalidRequestError("the entry of the ZIP is damaged") from None


def _check(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise InvalidRequestError("the ZIP has an encrypted entry")
    if entry.compress_type not in _METHODS:
        raise InvalidRequestError("the ZIP has an entry that is neither stored nor deflated")
    # zipfile ends a name at a NUL; what it was before tells.
    name = entry.orig_filename
    if len(name) > _MAX_NAME:
        raise InvalidRequestError(f"the ZIP has an entry whose name has more than {_MAX_NAME} characters")
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or name.startswith(("/", "\\")) or "\x00" in name or ":" in parts[0]:
        raise InvalidRequestError("the ZIP has an entry whose name leads out of it")


class _Ranges(io.RawIOBase):
    """A file whose bytes are ranges of an object. Read in threads, while the loop reads the store."""

    def __init__(self, objects: ObjectStore, info: ObjectInfo, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._objects = objects
        self._info = info
        self._loop = loop
        self._at = 0
        self._start = 0
        self._window = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return where it is read next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._info.size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return bytes; fewer only at the end."""
        wanted = self._info.size - self._at if size < 0 else min(size, self._info.size - self._at)
        if wanted > _MAX_DIRECTORY:
            raise zipfile.BadZipFile("a piece of the ZIP is too long to be held")
        pieces = []
        while wanted > 0:
            held = self._held()
            if not held:
                break
            pieces.append(held[:wanted])
            self._at += len(pieces[-1])
            wanted -= len(pieces[-1])
        return b"".join(pieces)

    def _held(self) -> bytes:
        """Return what is held from here on, reading the store if that is nothing."""
        if not self._start <= self._at < self._start + len(self._window):
            reading = self._objects.read_range(
                self._info.key, self._at, self._at + _WINDOW, if_match=self._info.etag
            )
            self._window = asyncio.run_coroutine_threadsafe(reading, self._loop).result().data
            self._start = self._at
        return self._window[self._at - self._start :]
