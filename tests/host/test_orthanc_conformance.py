"""The command `conformance` against another archive: Orthanc, which fails some of the checks."""

import asyncio
from pathlib import Path

import pytest

from client.__main__ import main
from client.conformance.verdict import CHECKS
from tests.orthanc import an_orthanc

pytestmark = [pytest.mark.host]

PASSED = {"W02", "W12", "Q03", "Q05", "Q20"}
FAILED = {
    "S06": "no change feed",
    "S08": "200 for a request without parts",
    "S11": "no single part",
    "W16": "no ETag",
    "Q21": "no total",
    "D01": "no DELETE in DICOMweb",
    "P01": "no data partitions",
}
"""Some of what is known of Orthanc 1.10 with plugin 1.7, and why."""


async def test_orthanc_fails_some_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code says so, each check has its line with what was seen, and the last line counts them."""
    async with an_orthanc(tmp_path) as orthanc:
        assert await asyncio.to_thread(main, ["conformance", orthanc.root]) == 1
    *lines, counts = capsys.readouterr().out.splitlines()
    verdicts = {check_id: verdict for check_id, verdict, *_ in (line.split() for line in lines)}

    assert set(verdicts) == set(CHECKS)
    assert {check_id: verdicts[check_id] for check_id in PASSED} == dict.fromkeys(PASSED, "PASS")
    assert {check_id: verdicts[check_id] for check_id in FAILED} == dict.fromkeys(FAILED, "FAIL")
    assert all(len(line.split(maxsplit=2)) == 3 for line in lines)
    failed, passed = (list(verdicts.values()).count(verdict) for verdict in ("FAIL", "PASS"))
    assert counts.startswith(f"{passed} PASS, {failed} FAIL, ")
