"""Keep some ranges of an instance while its bytes pass by on their way elsewhere, so that they are read once."""

from collections.abc import AsyncIterator, Sequence

from shared.errors import NotAcceptableError
from shared.flows._instance_bytes import stream_bytes
from shared.ports.archive import ObjectStore
from shared.records import InstanceRecord, ObjectInfo, ObjectKey, ObjectRange


class KeptRanges:
    """An instance that is streamed once, and of which *spans* can be read after.

    Args:
        record: Of the instance.
        spans: What to keep: [start, end) in bytes from the instance's first byte.
    """

    def __init__(self, record: InstanceRecord, spans: Sequence[tuple[int, int]]) -> None:
        self._record = record
        self._kept = {span: bytearray() for span in spans}
        self._content: AsyncIterator[bytes] | None = None
        self._first = b""

    async def begin(self, objects: ObjectStore) -> None:
        """Read the first chunk.

        Raises:
            ObjectNotFoundError: The object is gone.
            ObjectChangedError: It was replaced since it was indexed.
        """
        self._content = stream_bytes(objects, self._record.location)
        self._first = await anext(self._content, b"")

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the instance."""
        first, self._first = self._first, b""
        passed = self._keep(first, 0)
        yield first
        if self._content is not None:
            async for chunk in self._content:
                passed = self._keep(chunk, passed)
                yield chunk

    def _keep(self, chunk: bytes, passed: int) -> int:
        for (start, end), kept in self._kept.items():
            kept.extend(chunk[max(start - passed, 0) : max(end - passed, 0)])
        return passed + len(chunk)

    async def close(self) -> None:
        """Let go of all that is held."""
        self._first = b""
        self._kept.clear()
        if (aclose := getattr(self._content, "aclose", None)) is not None:
            await aclose()

    async def read_range(
        self, key: ObjectKey, start: int, end: int, *, if_match: str | None = None
    ) -> ObjectRange:
        """Read bytes [start, end) of the object out of what was kept.

        Raises:
            NotAcceptableError: They were not kept, as they are too many.
        """
        location = self._record.location
        etag = location.etag if if_match is None else if_match
        first, last = start - location.offset, end - location.offset
        for (kept_start, kept_end), kept in self._kept.items():
            if kept_start <= first and last <= kept_end:
                info = ObjectInfo(key, location.offset + location.length, etag, self._record.modified_at)
                return ObjectRange(info, bytes(kept[first - kept_start : last - kept_start]))
        raise NotAcceptableError("the image is too large to be shown; retrieve its instance instead")
