"""The app is one that the real host would take: its functions are as the worker reports them.

To change a golden file on purpose: `DICOM_BLOB_EVENTS=scan DICOM_OBJECT_STORE=azure python -m tests.host.reported_functions FILE`,
with DICOM_UPSTREAM_URL for the one of an upstream service, which holds only what that adds.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.host]

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    ("golden", "settings"),
    [
        ("functions-queue", {"DICOM_BLOB_EVENTS": "queue"}),
        ("functions-scan", {"DICOM_BLOB_EVENTS": "scan"}),
        ("functions-queue", {"DICOM_BLOB_EVENTS": "queue", "DICOM_OBJECT_STORE": "s3"}),
    ],
)
def test_functions_are_as_reported(golden: str, settings: dict[str, str], tmp_path: Path) -> None:
    """Names, routes, bindings and connections are deployed API: they change with their golden file only."""
    assert read_golden(golden) == report(settings, tmp_path)


def test_an_upstream_service_adds_functions(tmp_path: Path) -> None:
    """In front of another service the app has all functions that it always has, and those that follow the other."""
    reported = report({"DICOM_BLOB_EVENTS": "queue", "DICOM_UPSTREAM_URL": "https://pacs.example"}, tmp_path)

    assert reported == read_golden("functions-queue") | read_golden("functions-upstream")


def read_golden(name: str) -> dict[str, Any]:
    """Return functions with their bindings, as they are to be."""
    read: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    return read


def report(settings: dict[str, str], folder: Path) -> dict[str, Any]:
    """Return functions with their bindings, as an app of these settings has them."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DICOM_")}
    subprocess.run(
        [sys.executable, "-m", "tests.host.reported_functions", str(folder / "reported")],
        cwd=ROOT,
        env=environment | settings,
        check=True,
        capture_output=True,
        timeout=60,
    )

    reported: dict[str, Any] = json.loads((folder / "reported").read_text())
    return reported


def test_host_json_has_the_extension_bundle() -> None:
    """The real host loads its queue, blob and timer triggers from the bundle, and routes have no prefix."""
    host = json.loads((ROOT / "host.json").read_text())

    assert host["extensionBundle"] == {
        "id": "Microsoft.Azure.Functions.ExtensionBundle",
        "version": "[4.0.0, 5.0.0)",
    }
    assert host["extensions"]["http"]["routePrefix"] == ""
    assert host["extensions"]["queues"]["messageEncoding"] == "base64"
