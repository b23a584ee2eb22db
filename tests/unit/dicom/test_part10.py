"""A DICOM file is recognised with and without its preamble, and its encoding is found."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dicom.byte_window import ByteWindow
from shared.dicom.part10 import Start, read_start
from shared.errors import DamagedDicomError, NotDicomError, RejectedInstanceError, UnsupportedObjectError
from tests.unit.dicom.dicom_files import RangeReads, bundled, bundled_files, element, part10, pydicom_data_set

LITTLE = element(0x00080005, "CS", b"ISO_IR 6")
IMPLICIT = pack("<HHL", 8, 5, 8) + b"ISO_IR 6"
BIG = pack(">HH2sH", 8, 5, b"CS", 8) + b"ISO_IR 6"


async def start_of(data: bytes) -> Start:
    """Read what precedes the data set."""
    return await read_start(ByteWindow(RangeReads(data), len(data)))


@pytest.mark.parametrize("name", [name for name in bundled_files() if "DICM" in str(bundled(name)[128:132])])
async def test_the_file_meta_is_that_of_pydicom(name: str) -> None:
    """Its elements, whatever its group length says."""
    data = bundled(name)
    assert list(pydicom_data_set(data).file_meta.keys()) == list((await start_of(data)).file_meta)


@pytest.mark.parametrize(
    ("body", "uid", "implicit", "order"),
    [
        (LITTLE, "1.2.840.10008.1.2.1", False, "<"),
        (IMPLICIT, "1.2.840.10008.1.2", True, "<"),
        (BIG, "1.2.840.10008.1.2.2", False, ">"),
    ],
)
@pytest.mark.parametrize("prefix", [b"", b"\0" * 128 + b"DICM", element(0x00020000, "UL", b"\0\0\0\0")])
async def test_without_transfer_syntax_the_first_element_tells(
    prefix: bytes, body: bytes, uid: str, order: str, *, implicit: bool
) -> None:
    """With a preamble, without, and with file meta alone."""
    start = await start_of(prefix + body)
    assert (uid, implicit, order) == (start.transfer_syntax_uid, start.implicit, start.encoding.byte_order)
    assert len(prefix) == start.dataset_offset


async def test_a_wrong_group_length_is_ignored() -> None:
    """The file meta ends where its group ends."""
    data = part10(LITTLE)
    start = await start_of(data[:132] + element(0x00020000, "UL", b"\xff\0\0\0") + data[132:])
    assert start.dataset_offset == len(data) + 12 - len(LITTLE)


@pytest.mark.parametrize(
    "data",
    [b"x", b"GIF89a" * 100, b"\x89PNG\r\n\x1a\n" * 20, b"%PDF-1.7\n" * 30, b"\0" * 500, b"\x08\0\x05\0"],
)
async def test_other_files_are_no_dicom(data: bytes) -> None:
    """Pictures, documents, zeros and scraps are refused with their size."""
    with pytest.raises(NotDicomError, match=f"of its {len(data)} bytes"):
        await start_of(data)


async def test_file_meta_that_is_cut_short_is_damage() -> None:
    """The message says how many bytes are missing."""
    with pytest.raises(DamagedDicomError, match=r"\(0002,0010\).* 5 bytes are missing"):
        await start_of(part10()[:-5])


async def test_endless_file_meta_is_refused() -> None:
    """More than 256 elements are an attack, not a file."""
    meta = b"".join(element(0x00020100 + index, "LO", b"") for index in range(300))
    with pytest.raises(UnsupportedObjectError, match="256"):
        await start_of(b"\0" * 128 + b"DICM" + meta)


@given(st.binary(max_size=300))
async def test_random_bytes_are_refused_or_read(data: bytes) -> None:
    """Nothing but this product's errors comes of any bytes."""
    try:
        start = await start_of(data)
    except RejectedInstanceError:
        return
    assert 0 <= start.dataset_offset <= len(data)
