"""Measure imports from an Orthanc: a study list of 1,000 small studies, and the same without the list.

Beside it the forerunner's way on the same list: one request after the other, each file to a folder. It keeps no index,
checks nothing and cannot be resumed, so it is what the requests alone cost.

    python -m bench.importing [--quick] [--only NAME]
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen, urlretrieve

import aiohttp
from aiohttp import web

from bench.cpu import all_seconds
from bench.instances import Kind, instance_bytes
from bench.peers import Peer, free_ports, running_peers

STUDIES, QUICK_STUDIES = 1000, 100
KIND: Final = Kind(6, 48, 64, study_size=2)
_UPLOADS: Final = 8
_POLL_SECONDS: Final = 0.25


async def fill(root: str, session: aiohttp.ClientSession, studies: int) -> list[list[str]]:
    """Store the studies in an Orthanc, and return the ids of the instances of each."""
    gate = asyncio.Semaphore(_UPLOADS)

    async def store(number: int) -> str:
        async with (
            gate,
            session.post(f"{root}/instances", data=instance_bytes(KIND, number)) as answer,
        ):
            answer.raise_for_status()
            return str((await answer.json(content_type=None))["ID"])

    ids = await asyncio.gather(*(store(number) for number in range(studies * KIND.study_size)))
    size = KIND.study_size
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]


async def serve_list(folder: Path, ids: Sequence[Sequence[str]], stack: AsyncExitStack) -> str:
    """Write the study list and the file of each study, serve them, and return their root."""
    (folder / "studies").mkdir(parents=True)
    entries = [{"patientId": KIND.patient_id(study), "modality": "CT"} for study in range(len(ids))]
    for entry, images in zip(entries, ids, strict=True):
        listed = [{"imageId": f"{image}/file"} for image in images]
        content = {**entry, "seriesList": [{"seriesNumber": 1, "instanceList": listed}]}
        (folder / "studies" / f"{entry['patientId']}.json").write_text(json.dumps(content))
    (folder / "studyList.json").write_text(json.dumps({"studyList": entries}))
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    port = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return f"http://127.0.0.1:{port}"


def download_as_the_forerunner(lists: str, orthanc: str, folder: Path) -> None:
    """Fetch the list, each study and each instance, one after the other."""
    count = 10_000_001
    for study in json.loads(urlopen(f"{lists}/studyList.json").read())["studyList"]:
        about = json.loads(urlopen(f"{lists}/studies/{study['patientId']}.json").read())
        for series in about["seriesList"]:
            for instance in series["instanceList"]:
                urlretrieve(f"{orthanc}/instances/{instance['imageId']}", folder / f"{count}.dcm")
                count += 1


def memory_of(pid: int, name: str) -> float:
    """Return MiB of a process: VmRSS as it is, or VmHWM, the most since `forget_peak`."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def forget_peak(pid: int) -> None:
    """Let VmHWM begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


async def imported(session: aiohttp.ClientSession, root: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Import, and return the status at the end."""
    async with session.post(f"{root}/imports", json=asked) as answer:
        told = await answer.json()
        answer.raise_for_status()
    while told["status"] not in ("done", "failed"):
        await asyncio.sleep(_POLL_SECONDS)
        async with session.get(told["url"]) as answer:
            told = await answer.json()
    if told["status"] == "failed" or told["failures"]:
        sys.exit(f"the import failed: {told['error']} {told['failures'][:3]}")
    return dict(told)


async def row(name: str, session: aiohttp.ClientSession, ours: Peer, asked: dict[str, Any]) -> None:
    """Measure one import and print it."""
    app, root = ours.pids["app"], ours.root.removesuffix("/dicomweb")
    await ours.settle()
    forget_peak(app)
    before, memory, began = all_seconds(ours.pids), memory_of(app, "VmRSS"), time.monotonic()
    told = await imported(session, root, asked)
    elapsed, after = time.monotonic() - began, all_seconds(ours.pids)
    count = told["instances"]["stored"] + told["instances"]["present"]
    cpu = [(after[one] - before[one]) * 1000 / count for one in ("app", "azurite")]
    grown = memory_of(app, "VmHWM") - memory
    show(name, told["studies"] / elapsed, count / elapsed, f"{cpu[0]:>9.2f}{cpu[1]:>9.2f}{grown:>9.1f}")


def show(name: str, studies: float, instances: float, rest: str = "") -> None:
    """Print one row."""
    print(f"{name:<46}{studies:>9.1f}{instances:>12.1f}{rest}", flush=True)


async def measure(studies: int, only: str, folder: Path) -> None:
    """Start all, measure what *only* is in the name of, stop all."""
    os.environ |= {"DICOM_IMPORT_HOSTS": "127.0.0.1", "DICOM_IMPORT_LOOPBACK": "true"}
    async with AsyncExitStack() as stack:
        peers = await stack.enter_async_context(
            running_peers(folder, lambda app: app.command(), with_orthanc=True, in_memory=True)
        )
        if peers.orthanc is None:
            return
        session = await stack.enter_async_context(aiohttp.ClientSession())
        orthanc = peers.orthanc.root.removesuffix("/dicom-web")
        ids = await fill(orthanc, session, studies)
        lists = await serve_list(folder / "lists", ids, stack)
        count = studies * KIND.study_size
        print(
            f"{f'{studies:,} studies of {KIND.study_size} instances, 10 kB each':<46}{'studies/s':>9}{'instances/s':>12}"
            f"{'app ms':>9}{'Azurite':>9}{'MiB more':>9}"
        )
        (folder / "plain").mkdir()
        began = time.monotonic()
        await asyncio.to_thread(download_as_the_forerunner, lists, orthanc, folder / "plain")
        elapsed = time.monotonic() - began
        show("the forerunner's way, to a folder", studies / elapsed, count / elapsed)
        by_list = {"kind": "study-list", "url": lists, "filesUrl": orthanc}
        by_rest = {"kind": "orthanc", "url": orthanc}
        flat = {**by_list, "container": "images", "prefix": "flat/"}
        by_dicomweb = {"kind": "dicomweb", "url": peers.orthanc.root, "partition": "third"}
        second = {**by_rest, "partition": "second"}
        for name, asked in (
            ("study list, into the archive", by_list),
            ("Orthanc's REST API", second),
            ("the same again: all is there", second),
            ("DICOMweb of Orthanc", by_dicomweb),
            ("study list, into numbered files", flat),
        ):
            if only in name:
                await row(name, session, peers.ours, asked)


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description="Measure imports from an Orthanc.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_STUDIES} studies, not {STUDIES}")
    parser.add_argument("--only", default="", help="measure only what has this in its name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(QUICK_STUDIES if options.quick else STUDIES, options.only, Path(folder)))


if __name__ == "__main__":
    main()
