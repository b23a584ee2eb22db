"""Send several contents as one ZIP file, as they come. It knows not what they are."""

import zipfile
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from functions._streaming import close
from shared.zip_pieces import ZipPieces

_WORTH_SENDING: Final = 64 * 1024
"""Bytes from which a piece goes out by itself; smaller ones are gathered, as each costs as much as a large one."""
_READABLE_BY_ALL: Final = 0o644 << 16


class ZipEntry(NamedTuple):
    """A file of a ZIP: its name, with slashes between folders; most bytes it may have; its content."""

    name: str
    most: int
    content: AsyncIterator[bytes]


async def zip_body(entries: AsyncIterator[ZipEntry]) -> AsyncIterator[bytes]:
    """Yield a ZIP of *entries*, not compressed; each is read before the next is asked for.

    No more is held than a chunk of a content and what the directory at the end will say of each entry. An error of
    a content is raised as it is: what was sent by then has no directory, so no reader takes it for a whole ZIP.
    """
    written = ZipPieces()
    archive = zipfile.ZipFile(written, "w", zipfile.ZIP_STORED)
    try:
        async for entry in entries:
            about = zipfile.ZipInfo(entry.name)
            about.external_attr = _READABLE_BY_ALL
            about.file_size = entry.most  # which tells whether the entry needs the wide fields of ZIP64
            with archive.open(about, "w") as file:
                async for chunk in entry.content:
                    file.write(chunk)
                    if written.length >= _WORTH_SENDING:
                        yield written.taken()
        archive.close()
        yield written.taken()
    finally:
        await close(entries)
