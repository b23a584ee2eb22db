"""A ZIP of several files, not compressed, whose length is known before its first byte. It reads no file.

Source: APPNOTE.TXT 6.3.10 §4.3 (records) and §4.5.3 (wide fields), as Python's zipfile writes them
"""

import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple

from shared.zip_pieces import ZipPieces

_LOCAL: Final = 30 + 20
_DESCRIPTOR: Final = 24
_CENTRAL: Final = 46
_END: Final = 22
_WIDE_END: Final = 56 + 20
_WORTH_SENDING: Final = 64 * 1024
_WIDE: Final = zipfile.ZIP64_LIMIT
_MOST_NARROW_ENTRIES: Final = zipfile.ZIP_FILECOUNT_LIMIT


class ZippedFile(NamedTuple):
    """A file of a ZIP: its name in ASCII, its size, and what opens its content."""

    name: str
    size: int
    stream: Callable[[], AsyncIterator[bytes]]


class StoredZip:
    """A SentFile that is the ZIP of *files*; each is opened when it is its turn."""

    def __init__(self, files: Sequence[ZippedFile]) -> None:
        self._files = files
        self.size = zip_length([(len(file.name), file.size) for file in files])

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the bytes of the ZIP, from the first one, each time it is asked."""
        written = ZipPieces()
        archive = zipfile.ZipFile(written, "w", zipfile.ZIP_STORED)
        for one in self._files:
            with archive.open(zipfile.ZipInfo(one.name), "w", force_zip64=True) as file:
                async for chunk in one.stream():
                    file.write(chunk)
                    if written.length >= _WORTH_SENDING:
                        yield written.taken()
        archive.close()
        yield written.taken()


def zip_length(files: Sequence[tuple[int, int]]) -> int:
    """Return the length of a ZIP of files with these lengths of names and sizes, all in bytes."""
    at = central = 0
    for name, size in files:
        wide = (16 if size > _WIDE else 0) + (8 if at > _WIDE else 0)
        central += _CENTRAL + name + (4 + wide if wide else 0)
        at += _LOCAL + name + size + _DESCRIPTOR
    is_wide = len(files) > _MOST_NARROW_ENTRIES or at > _WIDE or central > _WIDE
    return at + central + _END + (_WIDE_END if is_wide else 0)
