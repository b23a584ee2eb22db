"""Take in one instance as its bytes arrive, no more of them at a time than it takes to know what it is."""

from collections.abc import AsyncIterator, Mapping
from typing import Final, Protocol

from shared.dicom.header import Header, read_header
from shared.dicom.media_types import parse_media_type
from shared.errors import InvalidRequestError, NotDicomError, ObjectChangedError, UnsupportedObjectError
from shared.flows._leading_header import read_leading_header

HELD_LENGTH: Final = 4 * 1024 * 1024
"""An instance of up to so many bytes is held in memory whole."""
MAX_HELD_LENGTH: Final = 64 * 1024 * 1024
"""Most bytes that are held of an instance whose header is longer."""


class IncomingPart(Protocol):
    """One part of a request, or its whole body: headers by lower-case name, content to be read once."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield its content."""
        ...


class Incoming:
    """The instance that a part holds: *data* is what has arrived of it and is not passed on yet."""

    def __init__(self, part: IncomingPart) -> None:
        self.data = b""
        self.is_whole = False
        """Whether *data* is all of it."""
        self._part = part
        self._chunks = part.chunks()

    async def read_header(self) -> Header:
        """Return its header: complete if all of it is held then, else at least what identifies it.

        Raises:
            RejectedInstanceError: It is nothing that can be stored.
        """
        self._check_media_type()
        await self._hold(HELD_LENGTH)
        if not self.is_whole and (header := await self._read_leading_header()) is not None:
            return header
        return await read_header(self._fetch, len(self.data), first=self.data)

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield all of it. What is yielded is not held any more."""
        data, self.data = self.data, b""
        yield data
        async for chunk in self._chunks:
            yield chunk

    async def _read_leading_header(self) -> Header | None:
        """Return what can be read of what has arrived; None if the end came meanwhile, so that all of it can be."""
        try:
            header = await read_leading_header(self._fetch, self.data)
        except ObjectChangedError:  # fewer bytes came than were asked for: these are all
            return None
        return None if self.is_whole else header

    async def _fetch(self, start: int, end: int) -> bytes:
        if end > len(self.data) and not self.is_whole:
            if end > MAX_HELD_LENGTH:
                raise UnsupportedObjectError(
                    f"The header is longer than the limit of {MAX_HELD_LENGTH} bytes."
                )
            await self._hold(end)
        return self.data[start:end]

    async def _hold(self, length: int) -> None:
        """Wait until *length* bytes have arrived, or all."""
        held = bytearray(self.data)
        while len(held) < length:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                self.is_whole = True
                break
            held += chunk
        self.data = bytes(held)

    def _check_media_type(self) -> None:
        """Refuse a part that says it is something else; one that says nothing is taken at its bytes."""
        said = self._part.headers.get("content-type")
        try:
            if said is None or parse_media_type(said).essence == "application/dicom":
                return
        except InvalidRequestError:
            pass
        raise NotDicomError("The part's Content-Type is not application/dicom; send DICOM files only.")
