"""The in-memory adapters keep every contract."""

from __future__ import annotations

import pytest

from shared.backends.memory.case_sessions import MemoryCaseSessions
from shared.backends.memory.cases import MemoryCaseIndex
from shared.backends.memory.checkpoints import MemoryCheckpoints
from shared.backends.memory.feed import MemoryChangeFeed
from shared.backends.memory.index import MemoryIndex
from shared.backends.memory.ledger import MemoryObjectLedger
from shared.backends.memory.object_store import MemoryObjectStore
from shared.backends.memory.partitions import MemoryPartitions
from shared.backends.memory.queue import MemoryJobQueue
from shared.backends.memory.reports import MemoryReports
from shared.backends.memory.risks import MemoryRisks
from shared.backends.memory.search import MemorySearch
from shared.backends.memory.search_engine import MemoryCluster, MemorySearchEngine
from shared.dicom.index.policy import IndexPolicy
from shared.ports.archive import StudyRisks
from shared.records import ObjectKey
from tests.contract.archive import ArchiveContract
from tests.contract.case_sessions import CaseSessionsContract, OpenCases
from tests.contract.cases import CaseIndexContract, CheckpointsContract, ReportsContract, WriteReport
from tests.contract.change_feed import ChangeFeedContract
from tests.contract.indexed_archive import archives_with_index
from tests.contract.instance_index import InstanceIndexContract
from tests.contract.job_queue import JobQueueContract, TakeJobs
from tests.contract.ledger import ObjectLedgerContract
from tests.contract.object_store import ObjectStoreContract
from tests.contract.object_store_fixtures import Backdoor
from tests.contract.partitions import PartitionsContract
from tests.contract.records import Archive, OpenArchive
from tests.contract.search_engine import Cluster, OpenCluster, SearchEngineContract
from tests.contract.study_risks import StudyRisksContract
from tests.contract.study_search import StudySearchContract
from tests.contract.study_summaries import StudySummariesContract


class _MemoryArchive(ArchiveContract):
    @pytest.fixture
    def open_archive(self) -> OpenArchive:
        feed = MemoryChangeFeed()

        async def open_archive(partition: str) -> Archive:
            index = MemoryIndex(partition, feed)
            return Archive(partition, index, index, MemorySearch(index), feed)

        return open_archive


class TestMemoryIndex(_MemoryArchive, InstanceIndexContract):
    """MemoryIndex as an InstanceIndex."""


class TestMemorySummaries(_MemoryArchive, StudySummariesContract):
    """MemoryIndex as a StudySummaries."""


class TestMemorySearch(_MemoryArchive, StudySearchContract):
    """MemorySearch."""


class TestMemoryRisks(_MemoryArchive, StudyRisksContract):
    """MemoryRisks."""

    def risks_of(self, archive: Archive) -> StudyRisks:
        """Return it over the index of the archive."""
        assert isinstance(archive.index, MemoryIndex)
        return MemoryRisks(archive.index)


class TestMemoryChangeFeed(_MemoryArchive, ChangeFeedContract):
    """MemoryChangeFeed."""


class TestMemoryObjectLedger(ObjectLedgerContract):
    """MemoryObjectLedger."""

    @pytest.fixture
    def ledger(self) -> MemoryObjectLedger:
        return MemoryObjectLedger()


class TestMemoryPartitions(PartitionsContract):
    """MemoryPartitions."""

    @pytest.fixture
    def partitions(self) -> MemoryPartitions:
        return MemoryPartitions()


class TestMemoryCaseIndex(CaseIndexContract):
    """MemoryCaseIndex."""

    @pytest.fixture
    def cases(self) -> MemoryCaseIndex:
        return MemoryCaseIndex()


class TestMemoryCaseSessions(CaseSessionsContract):
    """MemoryCaseSessions."""

    @pytest.fixture
    def open_cases(self) -> OpenCases:
        def open_cases() -> tuple[MemoryCaseIndex, MemoryCaseSessions]:
            cases = MemoryCaseIndex()
            return cases, MemoryCaseSessions(cases)

        return open_cases


class TestMemoryCheckpoints(CheckpointsContract):
    """MemoryCheckpoints."""

    @pytest.fixture
    def checkpoints(self) -> MemoryCheckpoints:
        return MemoryCheckpoints()


class TestMemoryReports(ReportsContract):
    """MemoryReports."""

    @pytest.fixture
    def reports(self) -> MemoryReports:
        return MemoryReports()

    @pytest.fixture
    def write_report(self, reports: MemoryReports) -> WriteReport:
        async def write_report(year: str, case_id: str, text: str) -> None:
            reports.loose.append((year, case_id, text))

        return write_report


class TestMemoryJobQueue(JobQueueContract):
    """MemoryJobQueue."""

    @pytest.fixture
    def queue(self) -> MemoryJobQueue:
        return MemoryJobQueue()

    @pytest.fixture
    def take_jobs(self, queue: MemoryJobQueue) -> TakeJobs:
        async def take_jobs(_count: int) -> list[str]:
            taken = [ref.study_instance_uid for ref in queue.changed_studies]
            queue.changed_studies.clear()
            return taken

        return take_jobs


class _MemoryBackdoor:
    def __init__(self, store: MemoryObjectStore) -> None:
        self._store = store

    async def write(self, key: ObjectKey, data: bytes) -> None:
        self._store.write(key, data)

    async def read(self, key: ObjectKey) -> bytes | None:
        return self._store.objects[key].data if key in self._store.objects else None

    async def make_folder(self, key: ObjectKey) -> None:
        self._store.write(key, b"", is_folder=True)


class TestMemoryObjectStore(ObjectStoreContract):
    """MemoryObjectStore."""

    @pytest.fixture
    def store(self) -> MemoryObjectStore:
        return MemoryObjectStore(["images"])

    @pytest.fixture
    def container(self) -> str:
        return "images"

    @pytest.fixture
    def backdoor(self, store: MemoryObjectStore) -> Backdoor:
        return _MemoryBackdoor(store)


def _memory_cluster() -> Cluster:
    cluster = MemoryCluster()

    async def settle() -> None:
        return None

    return Cluster(lambda fingerprint: MemorySearchEngine(fingerprint, cluster), settle)


class TestMemorySearchEngine(SearchEngineContract):
    """MemorySearchEngine."""

    @pytest.fixture
    def open_cluster(self) -> OpenCluster:
        return _memory_cluster


class TestIndexedStudySearch(StudySearchContract):
    """IndexedStudySearch by a MemorySearchEngine."""

    @pytest.fixture(params=["plain", "hashed", "omitted"])
    def open_archive(self, request: pytest.FixtureRequest) -> OpenArchive:
        return archives_with_index(_memory_cluster(), IndexPolicy(request.param, key=b"k" * 32))
