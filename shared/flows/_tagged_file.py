"""Make a tagged copy of a file, to be streamed, and read it again before anybody gets it. The file stays as it is."""

import bisect
import itertools
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from shared.dicom.deflate import inflate_data_set
from shared.dicom.element_writer import Piece, PixelBytes, Span, piece_length
from shared.dicom.header import Header, read_header
from shared.dicom.references import InstanceRef
from shared.dicom.tagging.mapping import TagValue
from shared.dicom.tagging.retag import Retagged, TagChange, check_retagged, retag
from shared.errors import RejectedInstanceError
from shared.flows._file_source import FileSource, HeldFile
from shared.flows._instance_record import identify
from shared.pixels.cpu_pool import in_cpu_pool


class PiecedFile:
    """A file that is made of bytes and of spans of another file."""

    def __init__(self, pieces: Sequence[Piece], source: FileSource) -> None:
        self._pieces = tuple(pieces)
        self._source = source
        self._starts = [0, *itertools.accumulate(map(piece_length, self._pieces))]

    @property
    def size(self) -> int:
        """Of the file in bytes."""
        return self._starts[-1]

    async def fetch(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end); fewer only at the end."""
        return b"".join([chunk async for chunk in self.stream(start, min(end, self.size))])

    async def stream(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes [start, end)."""
        number = bisect.bisect_right(self._starts, start) - 1
        while start < end and number < len(self._pieces):
            piece, begin = self._pieces[number], self._starts[number]
            upto = min(end, self._starts[number + 1])
            if isinstance(piece, Span):
                async for chunk in self._source.stream(
                    piece.start + start - begin, piece.start + upto - begin
                ):
                    yield chunk
            else:
                data = piece.data if isinstance(piece, PixelBytes) else piece
                yield data[start - begin : upto - begin]
            start, number = upto, number + 1


@dataclass(frozen=True, slots=True)
class TaggedFile:
    """A file with its attributes set: the original itself where all were right already."""

    content: FileSource
    report: Mapping[int, TagChange]
    charset_changed: bool
    ref: InstanceRef | None = None
    """Which instance the original holds; None of a file without UIDs that could be those of one."""

    @property
    def size(self) -> int:
        """Of the file in bytes."""
        return self.content.size

    def stream(self) -> AsyncIterator[bytes]:
        """Yield its bytes, from the first one, each time it is asked."""
        return self.content.stream(0, self.size)


async def tagged_file(source: FileSource, values: Sequence[TagValue]) -> TaggedFile:
    """Return *source* with *values* set, read again and compared with what was meant.

    Raises:
        RejectedInstanceError: It is no DICOM file, or damaged, or its text cannot hold a value.
        TransientError: Trying again may help.
    """
    header = await read_header(source.fetch, source.size)
    made = await in_cpu_pool(lambda: retag(header, values))
    ref = _ref(header)
    if not made.pieces:
        return TaggedFile(source, made.report, charset_changed=False, ref=ref)
    content = await _written(source, header, made)
    after = await read_header(content.fetch, content.size)
    await in_cpu_pool(lambda: check_retagged(header, after, values))
    return TaggedFile(content, made.report, made.charset_changed, ref)


def _ref(header: Header) -> InstanceRef | None:
    try:
        return identify(header).ref
    except RejectedInstanceError:
        return None


async def _written(source: FileSource, header: Header, made: Retagged) -> PiecedFile:
    """Put what precedes the data set before it; a deflated data set is deflated again."""
    start = Span(0, header.dataset_offset, is_pixel_data=False)
    if not header.deflated:
        return PiecedFile((start, *made.pieces), source)
    held = HeldFile(await inflate_data_set(source.fetch, header.dataset_offset, source.size))
    inflated = PiecedFile(made.pieces, held)
    data = await inflated.fetch(0, inflated.size)
    return PiecedFile((start, await in_cpu_pool(lambda: _deflated(data))), source)


def _deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflater.compress(data) + deflater.flush()
    return deflated + b"\0" * (len(deflated) % 2)
