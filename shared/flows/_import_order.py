"""What an import was asked for, and what carrying it out needs. It imports nothing."""

import asyncio
from dataclasses import asdict, dataclass, field, fields

from shared.flows._archive_writes import StorePorts
from shared.flows._store_request import StoreRequest
from shared.ports.archive import ObjectStore
from shared.ports.cases import Checkpoints
from shared.ports.imports import ImportFilter, ImportSource
from shared.ports.jobs import Job, Jobs, WorkQueue

KIND = "import"
QUEUED, RUNNING = "queued", "running"
"""Phases: studies are being looked for; all are known. Studies are imported in both."""
FIRST_FILE = 10_000_001
"""Number of the first file of a flat layout, as the forerunner has it."""


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What is asked for, without any secret.

    Attributes:
        source: Name of a source in the settings; empty if *kind* and *url* say it.
        kind: orthanc, dicomweb or study-list.
        url: Root of the source.
        files_url: Root of the Orthanc that holds the files of a study list.
        wanted: Which studies.
        incremental: Whether to take what has come since the last time.
        since: Where to begin in place of where the last time ended; None for there.
        container: Where files are written in the flat layout; empty for the archive.
        prefix: What their names begin with.
    """

    source: str = ""
    kind: str = ""
    url: str = ""
    files_url: str = ""
    wanted: ImportFilter = field(default_factory=ImportFilter)
    incremental: bool = False
    since: str | None = None
    container: str = ""
    prefix: str = ""

    @property
    def is_flat(self) -> bool:
        """Whether files are numbered in a container, not stored in the archive."""
        return bool(self.container)

    @property
    def cursor_name(self) -> str:
        """Under which it is kept how far incremental imports of a named source have come."""
        return f"import!{self.source}"

    def parameters(self) -> tuple[tuple[str, str], ...]:
        """Return it as parameters of a job."""
        said = {name: getattr(self, name) for name in _TEXTS} | asdict(self.wanted)
        pairs = [(name, value) for name, value in said.items() if value]
        pairs += [("incremental", "true")] if self.incremental else []
        return tuple(pairs if self.since is None else [*pairs, ("since", self.since)])


_TEXTS = ("source", "kind", "url", "files_url", "container", "prefix")


def order_of(job: Job) -> ImportOrder:
    """Return what *job* was asked for."""
    said = dict(job.parameters)
    names = {one.name for one in fields(ImportFilter)}
    return ImportOrder(
        **{name: said.get(name, "") for name in _TEXTS},
        wanted=ImportFilter(**{name: value for name, value in said.items() if name in names}),
        incremental=said.get("incremental") == "true",
        since=said.get("since"),
    )


@dataclass(frozen=True, slots=True)
class ImportPorts:
    """What importing needs."""

    jobs: Jobs
    work: WorkQueue
    objects: ObjectStore
    checkpoints: Checkpoints
    store: StorePorts
    request: StoreRequest
    source: ImportSource
    derived_container: str
    concurrency: int
    """How many instances of a study are fetched at a time."""
    slots: asyncio.Semaphore
    """How many are of all studies that this process imports."""
