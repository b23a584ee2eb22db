"""The study list of the CornerstoneJS prototype, on a static server of loopback."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.free_ports import free_ports


def study_list(folder: Path, studies: Mapping[str, Sequence[str]]) -> None:
    """Write `src/studyList.json` and `src/studies/{patientId}.json` of Orthanc ids by patient id.

    They have the forerunner's shapes: instances without a number, ids that end in /file, counts that say nothing.
    """
    (folder / "src" / "studies").mkdir(parents=True)
    entries = []
    for patient, ids in studies.items():
        entry: dict[str, Any] = {
            "patientName": "Somebody^Private",
            "patientId": int(patient) if patient.isdecimal() else patient,
            "internalId": "x-1",
            "studyDate": "20240229",
            "modality": "CT",
            "studyDescription": "class",
            "numImages": 5664,
            "_odd-key": {"class": None},
        }
        entries.append(entry)
        listed = [
            {"imageId": f"{one}/file"} | ({"instanceNumber": n} if n % 2 else {}) for n, one in enumerate(ids)
        ]
        series = [{"seriesDescription": "", "seriesNumber": 1, "instanceList": listed}]
        text = json.dumps(entry | {"seriesList": series})
        (folder / "src" / "studies" / f"{patient}.json").write_text(text)
    (folder / "src" / "studyList.json").write_text(json.dumps({"studyList": entries}))


async def served(folder: Path) -> tuple[str, web.AppRunner]:
    """Serve a folder on loopback; return its root, and what ends it."""
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return f"http://127.0.0.1:{port}", runner
