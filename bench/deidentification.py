"""Compare de-identifying the instances of a study with copying them by pydicom, side by side in one run.

Both get each file in memory and give one back; one thread, rounds interleaved. CPU time is measured, and the median of
the rounds counts. Absolute times depend on the machine, ratios hardly do.

    python bench/deidentification.py [--instances 100] [--rounds 5]
"""

import argparse
import asyncio
import logging
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECRET = b"a secret of the bench, 32 bytes!"


def a_study(count: int) -> list[bytes]:
    """Return CT slices of 525 KB with 137 elements, each its own instance."""
    import pydicom

    from bench.header_json import synthetic_ct

    data_set = pydicom.dcmread(BytesIO(synthetic_ct()))
    files = []
    for number in range(count):
        uid = f"1.2.826.0.1.3680043.10.54321.1.{number}"
        data_set.SOPInstanceUID = data_set.file_meta.MediaStorageSOPInstanceUID = uid
        data_set.StudyDate, data_set.StationName = "20240229", "CT7"
        buffer = BytesIO()
        pydicom.dcmwrite(buffer, data_set)
        files.append(buffer.getvalue())
    return files


def copied(files: list[bytes]) -> int:
    """Read and write each file by pydicom; return how many bytes came out."""
    import pydicom

    length = 0
    for data in files:
        buffer = BytesIO()
        pydicom.dcmwrite(buffer, pydicom.dcmread(BytesIO(data)))
        length += len(buffer.getvalue())
    return length


def deidentified(files: list[bytes]) -> int:
    """De-identify each file and read it back, as POST /deidentify does; return how many bytes came out."""
    return asyncio.run(_deidentified(files))


async def _deidentified(files: list[bytes]) -> int:
    from shared.dicom.deidentification.profile import Profile
    from shared.dicom.deidentification.pseudonyms import Pseudonyms
    from shared.flows.deidentify_file import DeidentifyRequest, HeldFile, deidentify_file

    request = DeidentifyRequest(Profile(), Pseudonyms(SECRET))
    length = 0
    for data in files:
        done = await deidentify_file(HeldFile(data), request)
        out = HeldFile(b"".join([chunk async for chunk in done.stream()]))
        await done.check(out)
        length += out.size
    return length


def milliseconds(work: Callable[[list[bytes]], int], files: list[bytes]) -> float:
    """Return the CPU time of one file."""
    start = time.process_time()
    work(files)
    return (time.process_time() - start) * 1000 / len(files)


def main() -> None:
    """Measure both on one study."""
    parser = argparse.ArgumentParser(description="Compare de-identifying with a plain copy by pydicom.")
    parser.add_argument("--instances", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    files = a_study(asked.instances)
    for work in (deidentified, copied):
        work(files[:3])
    measured = [(milliseconds(deidentified, files), milliseconds(copied, files)) for _ in range(asked.rounds)]
    own, copy = (statistics.median(times) for times in zip(*measured, strict=True))
    ratio = statistics.median(one / other for one, other in measured)
    print(
        f"{'a study of ' + str(len(files)) + ' instances, CPU ms each':<44} {'ours':>8} {'copy':>8} {'ratio':>7}"
    )
    print(f"{'de-identify, beside a plain pydicom copy':<44} {own:>8.3f} {copy:>8.3f} {ratio:>6.2f}x")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
