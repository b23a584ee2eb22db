"""Put sample studies into an empty store, as a user would, and wait for the app to find them; it draws nothing itself."""

import asyncio
import json
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import Final

import aiohttp

from client import mammography
from client.errors import ClientError
from client.images import Images
from client.progress import Progress

TUTORIAL_STUDY_INSTANCE_UID = "1.2.826.0.1.3680043.8.498.13230779778012324449356534479549187420"
CASE_STUDY_INSTANCE_UID = mammography.study_instance_uid(seed=1)

_TUTORIAL = Path(__file__).parent / "samples" / "tutorial.zip"
_EXPECTED_INSTANCES = {TUTORIAL_STUDY_INSTANCE_UID: 3, CASE_STUDY_INSTANCE_UID: 4}
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
_STUDY_INSTANCE_UID = "0020000D"
_NUMBER_OF_STUDY_RELATED_INSTANCES = "00201208"


def sample_files() -> dict[str, bytes]:
    """Return the Part 10 file of each sample by its blob name."""
    with zipfile.ZipFile(_TUTORIAL) as tutorial:
        files = {f"tutorial/{name}": tutorial.read(name) for name in tutorial.namelist()}
    return files | dict(mammography.case_files(seed=1))


async def upload(images: Images, app_url: str) -> None:
    """Drop the sample files, and send the report of the case to the app.

    Raises:
        ClientError: The app does not take the report.
    """
    files = await asyncio.to_thread(sample_files)
    progress = Progress("loading samples", len(files))
    for done, (name, content) in enumerate(files.items()):
        progress.show(done)
        await images.write(name, content)
    await _send_report(f"{app_url}/cases/{mammography.YEAR}/{mammography.CASE_ID}/report")
    progress.show(len(files))


async def _send_report(url: str) -> None:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    async with (
        aiohttp.ClientSession(timeout=_TIMEOUT) as session,
        session.put(url, data=mammography.REPORT.encode(), headers=headers) as response,
    ):
        if response.status not in (HTTPStatus.CREATED, HTTPStatus.NO_CONTENT):
            raise ClientError(f"PUT {url} answered {response.status}, so the sample case has no report")


async def indexed(app_url: str) -> None:
    """Wait until a search finds both studies with all their instances.

    Raises:
        ClientError: The app refuses to search.
    """
    progress = Progress("indexing samples", sum(_EXPECTED_INSTANCES.values()))
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        while True:
            found = await _instances_by_study(session, f"{app_url}/dicomweb/studies")
            known = {uid: min(found.get(uid, 0), expected) for uid, expected in _EXPECTED_INSTANCES.items()}
            progress.show(sum(known.values()))
            if known == _EXPECTED_INSTANCES:
                return
            await asyncio.sleep(0.25)


async def _instances_by_study(session: aiohttp.ClientSession, url: str) -> dict[str, int]:
    """Return the number of instances of each study that a search finds; none while the app cannot answer."""
    try:
        async with session.get(url, headers={"Accept": "application/dicom+json"}) as response:
            if 400 <= response.status < 500:
                raise ClientError(f"GET {url} answered {response.status}, so the samples cannot be found")
            studies = json.loads(await response.read()) if response.status == 200 else []
    except aiohttp.ClientError:
        return {}
    return {
        study[_STUDY_INSTANCE_UID]["Value"][0]: int(study[_NUMBER_OF_STUDY_RELATED_INSTANCES]["Value"][0])
        for study in studies
    }
