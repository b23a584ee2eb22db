"""Files made to break a reader end in an answer, within a gibibyte of memory."""

import resource
import subprocess
import sys
from pathlib import Path
from struct import pack

import pytest

from tests.unit.dicom.dicom_files import ITEM_END, SEQUENCE_END, UNDEFINED, element, item, part10

ROOT = Path(__file__).parents[4]
IDENTITY = (
    element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
    element(0x00080018, "UI", b"1.2.3.4.5.6\0"),
)
PROGRAM = """
import asyncio, sys
from pathlib import Path
from shared.errors import AppError
from shared.dicom.deidentification.profile import Profile
from tests.unit.dicom.deidentification.canaries import rewritten
try:
    out, made = asyncio.run(rewritten(Path(sys.argv[1]).read_bytes(), Profile()))
    assert b"Doe" not in out
    print("rewritten", len(out), sum(made.report.counts.values()))
except AppError as error:
    print(type(error).__name__)
"""
SEQUENCE = 0x00081115


def nested(levels: int, innermost: bytes) -> bytes:
    """Return a sequence *levels* deep."""
    head = element(SEQUENCE, "SQ", length=UNDEFINED) + item(length=UNDEFINED)
    return head * levels + innermost + (ITEM_END + SEQUENCE_END) * levels


def wide(count: int) -> bytes:
    """Return a sequence of *count* items with a name in each."""
    one = item(element(0x00100010, "PN", b"Doe^Jane"))
    return element(SEQUENCE, "SQ", length=UNDEFINED) + one * count + SEQUENCE_END


HOSTILE = {
    "a bad number 14 deep": (nested(14, element(0x00280010, "US", b"\1") + element(0x00200013, "IS", b"x" * 9)), "rewritten"),
    "300 levels": (nested(300, b""), "UnsupportedObjectError"),
    "60 levels with a name": (nested(60, element(0x00100010, "PN", b"Doe^Jane")), "rewritten"),
    "20,000 items": (wide(20_000), "rewritten"),
    "a length of 4 GiB": (element(0x00104000, "UT", b"x", length=0xFFFF_FFF0), "DamagedDicomError"),
    "an item longer than its sequence": (
        element(SEQUENCE, "SQ", item(b"", length=1000)), "DamagedDicomError",
    ),
    "a sequence that is no sequence": (element(0x0040A730, "UT", b"Doe^Jane"), "rewritten"),
    "ten thousand UIDs": (element(0x00081155, "UI", b"1.2.3\\" * 10_000), "rewritten"),
    "a delimiter without an item": (pack("<HHL", 0xFFFE, 0xE00D, 0), "DamagedDicomError"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.slow
def test_ends_in_an_answer(name: str, tmp_path: Path) -> None:
    """Rewritten, or refused with an error of ours; nothing is left of a name, and no memory is eaten."""
    body, expected = HOSTILE[name]
    path = tmp_path / "hostile.dcm"
    path.write_bytes(part10(*IDENTITY, body))

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))

    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, path], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=60, preexec_fn=limited,
    )  # fmt: skip

    assert ran.stdout.split()[:1] == [expected], ran.stderr[-2000:]
