"""What an import has done of a study, instance by instance, kept beside the job. It imports nothing.

An entry is written after its instance is stored, and never changed: whoever finds it need not fetch the instance again.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from shared.dicom.references import InstanceRef
from shared.errors import ObjectExistsError, ObjectNotFoundError
from shared.ports.archive import ObjectStore
from shared.records import ObjectKey

STORED: Final = "stored"
PRESENT: Final = "present"
FAILED: Final = "failed"
_LINES: Final = "application/jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one instance.

    Attributes:
        source_id: As its source calls it.
        state: STORED, PRESENT (it was there, and was not fetched) or FAILED.
        ref: Which instance it is, where that is known.
        size: In bytes.
        sha256: Of its bytes, in hexadecimal; empty if they were not fetched.
        file: Name of its file in a flat layout.
        error: Why it failed: no values.
        again: Whether it may succeed another time.
        mismatch: How it differs from what was asked for.
        round: How often the import had been resumed by then.
    """

    source_id: str
    state: str
    ref: InstanceRef | None = None
    size: int | None = None
    sha256: str = ""
    file: str = ""
    error: str = ""
    again: bool = False
    mismatch: str = ""
    round: int = 0

    def told(self) -> dict[str, Any]:
        """Return it as JSON has it; what is empty is left out."""
        said: dict[str, Any] = {"sourceId": self.source_id, "state": self.state}
        if self.ref is not None:
            said["studyInstanceUid"] = self.ref.study_instance_uid
            said["seriesInstanceUid"] = self.ref.series_instance_uid
            said["sopInstanceUid"] = self.ref.sop_instance_uid
        rest = {
            "size": self.size,
            "sha256": self.sha256,
            "file": self.file,
            "error": self.error,
            "again": self.again,
            "mismatch": self.mismatch,
            "round": self.round,
        }
        return said | {name: value for name, value in rest.items() if value}


class Manifest:
    """The entries of one study of an import."""

    def __init__(self, objects: ObjectStore, container: str, job_id: str, number: int) -> None:
        self._objects = objects
        self._container = container
        self._prefix = f"imports/{job_id}/{number:08d}/"
        self._parts = 0

    async def entries(self) -> AsyncIterator[Entry]:
        """Yield all entries in the order of their writing; of one instance the last one counts."""
        async for info in self._objects.scan(self._container, prefix=self._prefix):
            self._parts += 1
            content = b"".join([chunk async for chunk in self._objects.stream(info.key)])
            for line in content.splitlines():
                yield _entry(orjson.loads(line))

    async def add(self, entries: Sequence[Entry]) -> None:
        """Write further entries; `entries` was read before."""
        if not entries:
            return
        content = b"".join(orjson.dumps(entry.told()) + b"\n" for entry in entries)
        while True:
            self._parts += 1
            key = ObjectKey(self._container, f"{self._prefix}{self._parts:06d}.jsonl")
            try:
                await self._objects.put(key, content, if_absent=True, content_type=_LINES)
            except ObjectExistsError:  # a second delivery of the same message works beside this one
                continue
            return


class Plan:
    """Which instances of a study to import, under which number, as they were listed first."""

    def __init__(self, objects: ObjectStore, container: str, job_id: str, number: int) -> None:
        self._objects = objects
        self._key = ObjectKey(container, f"imports/{job_id}/plan-{number:08d}.json")

    async def write(self, planned: Sequence[tuple[str, int]]) -> None:
        """Keep source ids and numbers of files, which begin at 1."""
        await self._objects.put(self._key, orjson.dumps(planned), content_type="application/json")

    async def read(self) -> list[tuple[str, int]] | None:
        """Return what was planned, or None."""
        try:
            content = b"".join([chunk async for chunk in self._objects.stream(self._key)])
        except ObjectNotFoundError:
            return None
        return [(str(source_id), int(number)) for source_id, number in orjson.loads(content)]


def _entry(said: dict[str, Any]) -> Entry:
    uids = [said.get(name) for name in ("studyInstanceUid", "seriesInstanceUid", "sopInstanceUid")]
    return Entry(
        source_id=said["sourceId"],
        state=said["state"],
        ref=InstanceRef(*map(str, uids)) if all(uids) else None,
        size=said.get("size"),
        sha256=said.get("sha256", ""),
        file=said.get("file", ""),
        error=said.get("error", ""),
        again=said.get("again", False),
        mismatch=said.get("mismatch", ""),
        round=said.get("round", 0),
    )
