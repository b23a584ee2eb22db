"""De-identify one file: read its header, rewrite it, and stream what is copied. The file itself stays as it is."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from shared.dicom.deflate import inflate_data_set
from shared.dicom.deidentification.deidentify_header import Deidentified, deidentify_header
from shared.dicom.deidentification.identifiers import Identifiers
from shared.dicom.deidentification.profile import Profile
from shared.dicom.deidentification.pseudonyms import Pseudonyms
from shared.dicom.element_writer import PixelBytes, Span, piece_length
from shared.dicom.header import read_header
from shared.errors import IdentifierLeftError
from shared.flows._file_source import FileSource, HeldFile
from shared.flows._masked_pixels import PixelRequest, masked_pixels
from shared.pixels.cpu_pool import in_cpu_pool
from shared.telemetry.tracing import flow

__all__ = ["DeidentifiedFile", "DeidentifyRequest", "HeldFile", "PixelRequest", "deidentify_file"]

_OVERLAP = 1024
"""Bytes of one chunk that are searched again with the next, for what stands across their border."""


@dataclass(frozen=True, slots=True)
class DeidentifyRequest:
    """How files are to be de-identified: by which profile, with which pseudonyms, and what about text in pixels."""

    profile: Profile
    pseudonyms: Pseudonyms
    pixels: PixelRequest = field(default_factory=PixelRequest)


@dataclass(frozen=True, slots=True)
class DeidentifiedFile:
    """A de-identified file: what was done, and its bytes for the asking."""

    made: Deidentified
    pixels_masked: bool
    content: FileSource
    """What spans are copied from."""

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the file."""
        for piece in self.made.pieces:
            if isinstance(piece, bytes):
                yield piece
            elif isinstance(piece, PixelBytes):
                yield piece.data
            elif isinstance(piece, Span):
                async for chunk in self.content.stream(piece.start, piece.end):
                    yield chunk

    async def check(self, written: FileSource) -> None:
        """Read back what was written, all but native pixel data, and search it for the patient's own identifiers.

        What was made anew was searched when it was made, and must be the same. Compressed pixels are copied as they
        are, and their streams may have comments.

        Raises:
            IdentifierLeftError: One is in it.
        """
        at = 0
        for piece in self.made.pieces:
            length = piece_length(piece)
            is_pixel_data = isinstance(piece, PixelBytes) or (isinstance(piece, Span) and piece.is_pixel_data)
            if isinstance(piece, bytes):
                await _compare(written.stream(at, at + length), piece)
            elif not is_pixel_data:
                await self._search(written.stream(at, at + length), self.made.identifiers)
            elif self.made.is_compressed:
                await self._search(written.stream(at, at + length), self.made.identifiers.unmistakable())
            at += length
        if written.size != at:
            raise IdentifierLeftError("What was written has another length than it should have.")

    async def _search(self, chunks: AsyncIterator[bytes], identifiers: Identifiers) -> None:
        before = b""
        async for chunk in chunks:
            if identifiers.are_in(before + chunk):
                raise IdentifierLeftError(
                    "A value too large to be rewritten, or a comment among compressed pixels, holds an identifier of"
                    " the patient; nothing is given out."
                )
            before = chunk[-_OVERLAP:]


async def _compare(chunks: AsyncIterator[bytes], expected: bytes) -> None:
    at = 0
    async for chunk in chunks:
        if chunk != expected[at : at + len(chunk)]:
            raise IdentifierLeftError("What was written is not what was made; nothing is given out.")
        at += len(chunk)


@flow
async def deidentify_file(source: FileSource, request: DeidentifyRequest) -> DeidentifiedFile:
    """Return *source* de-identified.

    Raises:
        RejectedInstanceError: It is damaged or no instance, its pixels may show who the patient is, or an identifier
            of the patient would be left in it.

    Source: PS3.15 2026d Annex E
    """
    header = await read_header(source.fetch, source.size)
    content = source
    if header.deflated:
        content = HeldFile(await inflate_data_set(source.fetch, header.dataset_offset, source.size))
    new_pixels = await masked_pixels(content, header, request.pixels)
    made = await in_cpu_pool(
        lambda: deidentify_header(header, request.profile, request.pseudonyms, new_pixels=new_pixels)
    )
    return DeidentifiedFile(made, new_pixels is not None, content)
