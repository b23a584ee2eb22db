"""Compare reading a header and making its DICOM JSON with pydicom's, side by side in one run.

Both get the bytes in memory, one thread, rounds interleaved; CPU time is measured, and the median of the rounds counts.
Absolute times depend on the machine, ratios hardly do.

    python bench/header_json.py [--rounds 7]
"""

import argparse
import logging
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Coroutine
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OTHER_KINDS = {".py", ".pyc", ".json", ".txt", ".dump", ".icc", ".gz", ".md"}


def synthetic_ct() -> bytes:
    """Return a CT slice of 525 KB with 137 elements: sequences, private blocks, text, numbers."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.filewriter import dcmwrite
    from pydicom.uid import ExplicitVRLittleEndian

    data_set = Dataset()
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data_set.file_meta.MediaStorageSOPClassUID = data_set.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    data_set.file_meta.MediaStorageSOPInstanceUID = data_set.SOPInstanceUID = "1.2.826.0.1.3680043.10.54321.1"
    data_set.SpecificCharacterSet = "ISO_IR 192"
    data_set.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data_set.PatientName, data_set.PatientID = "MÜLLER^ANNA", "PID1000001"
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = "1.2.826.0.1.1", "1.2.826.0.1.2"
    data_set.Rows = data_set.Columns = 512
    data_set.BitsAllocated = data_set.BitsStored = 16
    data_set.SamplesPerPixel, data_set.PhotometricInterpretation = 1, "MONOCHROME2"
    data_set.ImagePositionPatient = ["-180.0", "-180.0", "12.50"]
    data_set.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    data_set.ReferencedImageSequence = [_code("A", "reference"), _code("B", "reference")]
    data_set.ProcedureCodeSequence = [_code("P5-00110", "CT of chest")]
    request = _code("C", "request")
    request.ScheduledProtocolCodeSequence = [_code("CTCHEST", "Chest routine")]
    data_set.RequestAttributesSequence = [request]
    _fill(data_set, 136)
    data_set.add_new(0x7FE00010, "OW", bytes(512 * 512 * 2))
    buffer = BytesIO()
    dcmwrite(buffer, data_set, enforce_file_format=True)
    return buffer.getvalue()


def _code(value: str, meaning: str) -> Any:
    from pydicom.dataset import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "99ACME", meaning
    return code


def _fill(data_set: Any, count: int) -> None:
    """Add private blocks with values of every common kind, until the data set has `count` elements."""
    kinds: list[tuple[str, Any]] = [
        ("DS", ["0.703125", "0.703125"]), ("LO", "private text"), ("US", 7), ("SL", -5), ("FL", 1.25), ("DA", "20240101"),
        ("TM", "120000.000000"), ("UI", "1.2.826.0.1.3680043.10.54321.2.3"), ("IS", "000013"), ("CS", "HELICAL"), ("SH", "A1"),
    ]  # fmt: skip
    for group in range(0x0019, 0x0100, 2):
        block = data_set.private_block(group, "ACME", create=True)
        block.add_new(0xFE, "OB", bytes(range(200)) * 2)
        for number in range(20):
            if len(data_set) >= count:
                return
            block.add_new(number, *kinds[number % len(kinds)])


def bundled_files() -> dict[str, bytes]:
    """Return the files that pydicom brings along, by name."""
    import pydicom.data

    root = Path(pydicom.data.__file__).parent
    found = (path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix not in OTHER_KINDS)
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def ours(data: bytes) -> Any:
    """Read a header and convert it; the first 64 KiB are in hand, as after one range read."""
    from shared.dicom.dicom_json import to_dicom_json
    from shared.dicom.header import read_header

    async def fetch(start: int, end: int) -> bytes:
        return data[start:end]

    return to_dicom_json(_result(read_header(fetch, len(data), first=data[:65536])))


def _result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits, without an event loop's cost."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise RuntimeError("The coroutine waited.")


def pydicoms(data: bytes) -> Any:
    """Do the same by pydicom, which reads up to the pixel data."""
    import pydicom

    return pydicom.dcmread(BytesIO(data), stop_before_pixels=True, force=True).to_json_dict()


def milliseconds(convert: Callable[[bytes], Any], files: list[bytes], repeat: int) -> float:
    """Return the CPU time of one file."""
    start = time.process_time()
    for _ in range(repeat):
        for data in files:
            convert(data)
    return (time.process_time() - start) * 1000 / repeat / len(files)


def compare(title: str, files: list[bytes], rounds: int, repeat: int) -> None:
    """Print the CPU time of both, and how many times the one is faster."""
    measured = [
        (milliseconds(ours, files, repeat), milliseconds(pydicoms, files, repeat)) for _ in range(rounds)
    ]
    own, other = (statistics.median(times) for times in zip(*measured, strict=True))
    ratio = statistics.median(pydicom_ms / own_ms for own_ms, pydicom_ms in measured)
    print(f"{title:<34} {len(files):>4} {own:>9.3f} {other:>9.3f} {ratio:>7.1f}x")


def main() -> None:
    """Measure both on all files that both can read."""
    parser = argparse.ArgumentParser(description="Compare header to DICOM JSON with pydicom.")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    sys.path.insert(0, str(ROOT))
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    from shared.dicom.header import read_header
    from shared.errors import RejectedInstanceError

    by_kind: dict[str, list[bytes]] = {}
    refused: list[str] = []
    for name, data in bundled_files().items():

        async def fetch(start: int, end: int, data: bytes = data) -> bytes:
            return data[start:end]

        try:
            header = _result(read_header(fetch, len(data)))
            pydicoms(data)
        except (RejectedInstanceError, ValueError) as error:
            refused.append(f"{name}: {type(error).__name__}")
            continue
        order = "little" if header.byte_order == "<" else "big"
        kind = (
            "deflated"
            if header.deflated
            else "implicit VR"
            if header.implicit_vr
            else f"explicit VR {order} endian"
        )
        by_kind.setdefault(kind, []).append(data)
    every = [data for files in by_kind.values() for data in files]
    print(f"{'header to DICOM JSON, CPU ms a file':<34} {'n':>4} {'ours':>9} {'pydicom':>9} {'faster':>8}")
    compare("synthetic CT, 137 elements", [synthetic_ct()], rounds, 50)
    compare("bundled with pydicom", every, rounds, 1)
    for kind, files in by_kind.items():
        compare(f"  {kind}", files, rounds, 1 + 50 // len(files))
    slow = len(by_kind.get("implicit VR", [])) + len(by_kind.get("deflated", []))
    print(
        f"Slow path (VRs from the dictionary, or inflated): {slow} of {len(every)} files, {slow / len(every):.0%}."
    )
    print(f"Left out, for one of the two refuses them: {', '.join(refused)}.")


if __name__ == "__main__":
    main()
