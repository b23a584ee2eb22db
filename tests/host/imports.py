"""Begin imports on a running archive, and wait for them."""

import json
from typing import Any

from bench.orthanc import Orthanc
from tests.host.archive import Archive, eventually
from tests.instances import an_instance


def sources_of(orthanc: Orthanc) -> str:
    """Return the setting that names an Orthanc in both of its languages."""
    root = f"http://127.0.0.1:{orthanc.port}"
    return json.dumps(
        {
            "orthanc": {"kind": "orthanc", "url": root},
            "web": {"kind": "dicomweb", "url": orthanc.root},
        }
    )


async def fill(archive: Archive, orthanc: Orthanc, studies: range, instances: int) -> None:
    """Store small instances in an Orthanc, and wait for each."""
    for study in studies:
        for number in range(1, instances + 1):
            url = f"http://127.0.0.1:{orthanc.port}/instances"
            async with archive.session.post(url, data=an_instance(study, 1, number)) as response:
                assert response.status == 200, await response.text()


async def begin(archive: Archive, **asked: Any) -> str:
    """Begin an import and return its status URL."""
    async with archive.session.post(f"{archive.app.url}/imports", json=asked) as response:
        assert response.status == 202, await response.text()
        return response.headers["Location"]


async def ended(archive: Archive, url: str, seconds: float = 120) -> dict[str, Any]:
    """Wait until an import has ended, and return its status."""
    told: dict[str, Any] = {}

    async def has_ended() -> bool:
        nonlocal told
        async with archive.session.get(url) as response:
            told = await response.json()
        return told["status"] in ("done", "failed")

    await eventually(has_ended, seconds=seconds)
    return told


async def manifest_of(archive: Archive, told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the manifest of an import."""
    async with archive.session.get(told["manifest"]) as response:
        return [json.loads(line) for line in (await response.text()).splitlines()]
