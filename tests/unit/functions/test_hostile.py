"""Files made to break a reader end in an answer at every trigger, within a gibibyte of memory."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.functions.hostile_files import BIG_ENDIAN, EXPLICIT, HOSTILE, IMPLICIT, Encoded

ROOT = Path(__file__).parents[3]
JPEG_2000 = "1.2.840.10008.1.2.4.90"
READ = ("describe_file", "risk_of_file", "deidentify")
TAKEN = {
    **dict.fromkeys((*READ, "store", f"as {EXPLICIT}"), "200"),
    f"as {JPEG_2000}": "406",  # there are no pixels
    "dropped": "indexed",
    "by key": "201",
}
REFUSED = {
    **dict.fromkeys(READ, "422"),
    **dict.fromkeys((f"as {EXPLICIT}", f"as {JPEG_2000}"), "404"),
    "store": "409",
    "dropped": "rejected",
    "by key": "422",
}
EXPECTED = {
    "a bad value 14 deep": TAKEN,
    "20,000 items": TAKEN,
    "300 levels": REFUSED,
    "a lying length": REFUSED,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.slow
def test_every_trigger_answers(name: str, tmp_path: Path) -> None:
    """Described, judged, de-identified, stored and transcoded, or refused with a reason; in each encoding."""
    paths = []
    for syntax in (EXPLICIT, IMPLICIT, BIG_ENDIAN):
        encoded = Encoded(syntax)
        paths.append(tmp_path / f"{syntax}.dcm")
        paths[-1].write_bytes(encoded.file(HOSTILE[name](encoded)))

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))

    ran = subprocess.run(
        [sys.executable, "-m", "tests.unit.functions.hostile_files", *paths],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=240, preexec_fn=limited,
    )  # fmt: skip

    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert told == [EXPECTED[name]] * 3, ran.stderr[-2000:]
