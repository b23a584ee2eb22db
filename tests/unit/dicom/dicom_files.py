"""Files to read: those bundled with pydicom, and ways to hand them out by range."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from struct import pack
from typing import Any, Final

import pydicom
import pydicom.data
from pydicom.dataset import Dataset

_DATA = Path(pydicom.data.__file__).parent
_OTHER_KINDS = {".py", ".pyc", ".json", ".txt", ".dump", ".icc", ".gz", ".md"}

# What pydicom reads from these (with force=True) is an empty or partial data set.
REFUSED = {
    "test_files/MR_truncated.dcm": "DamagedDicomError: 62 bytes of its pixel data are missing",
    "test_files/rtplan_truncated.dcm": "DamagedDicomError: it ends inside a sequence",
    "test_files/dicomdirtests/DICOMDIR-nooffset": "DamagedDicomError: the last item is longer than its sequence",
    "test_files/no_meta.dcm": "NotDicomError: one stray byte before its first element",
    "test_files/dicomdirtests/TINY_ALPHA/README": "NotDicomError: it is text",
}


def bundled_files() -> list[str]:
    """Return the paths, below pydicom's data, of everything there that may be DICOM."""
    found = (path for path in sorted(_DATA.rglob("*")) if path.is_file() and path.suffix not in _OTHER_KINDS)
    return [path.relative_to(_DATA).as_posix() for path in found]


def readable_files() -> list[str]:
    """Return the bundled files that hold a complete data set."""
    return [name for name in bundled_files() if name not in REFUSED]


def bundled(name: str) -> bytes:
    """Return the bytes of a bundled file."""
    return (_DATA / name).read_bytes()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence pydicom's warnings about odd files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def pydicom_data_set(data: bytes) -> Dataset:
    """Read a file as pydicom does."""
    with quiet():
        return pydicom.dcmread(BytesIO(data), force=True)


def saved(data_set: Any) -> bytes:
    """Return the file that pydicom writes of a data set."""
    buffer = BytesIO()
    with quiet():
        pydicom.dcmwrite(buffer, data_set)
    return buffer.getvalue()


UNDEFINED: Final = 0xFFFF_FFFF
_LONG_VRS = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")


def element(tag: int, vr: str, value: bytes = b"", length: int | None = None) -> bytes:
    """Return an explicit little endian element, which may claim another length than its value has."""
    length = len(value) if length is None else length
    head = pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    return head + (pack("<HL", 0, length) if vr in _LONG_VRS else pack("<H", length)) + value


def item(value: bytes = b"", length: int | None = None) -> bytes:
    """Return a sequence item or a fragment."""
    return pack("<HHL", 0xFFFE, 0xE000, len(value) if length is None else length) + value


ITEM_END: Final = pack("<HHL", 0xFFFE, 0xE00D, 0)
SEQUENCE_END: Final = pack("<HHL", 0xFFFE, 0xE0DD, 0)


def part10(*elements: bytes, transfer_syntax_uid: str = "1.2.840.10008.1.2.1") -> bytes:
    """Return a file of a preamble, a transfer syntax and elements."""
    uid = transfer_syntax_uid.encode()
    return (
        b"\0" * 128 + b"DICM" + element(0x00020010, "UI", uid + b"\0" * (len(uid) % 2)) + b"".join(elements)
    )


class RangeReads:
    """A fetch over bytes that remembers what it was asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.ranges: list[tuple[int, int]] = []

    async def __call__(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end), which are at least one."""
        assert 0 <= start < end
        self.ranges.append((start, end))
        return self.data[start:end]

    @property
    def fetched(self) -> int:
        """How many bytes were asked for."""
        return sum(end - start for start, end in self.ranges)
