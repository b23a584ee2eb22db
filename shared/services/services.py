"""Composition: which adapters this deployment runs on. The only place that knows them all.

Clients are made inside the running event loop, once a process, and closed with it. Storage libraries are imported
here, not by the modules that declare triggers: they are half of a cold start.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shared.dicom.index.policy import IndexPolicy
from shared.errors import AppError
from shared.ports.archive import (
    ChangeFeed,
    InstanceIndex,
    JobQueue,
    ObjectLedger,
    ObjectStore,
    Partitions,
    StudyRisks,
    StudySearch,
    StudySummaries,
)
from shared.ports.cases import CaseIndex, CaseSessions, Checkpoints, Reports
from shared.ports.jobs import Jobs, WorkQueue
from shared.ports.poison import PoisonQueues
from shared.ports.queue_gauges import QueueGauges
from shared.ports.search import SearchEngine
from shared.ports.sessions import UploadSessions, UploadTargets
from shared.services.azure_clients import azure_clients
from shared.services.imports import ImportSources
from shared.services.partner import Sending, partner_api, sending
from shared.services.s3 import s3_store
from shared.services.search import index_policy, search_engine, study_search
from shared.services.traced import traced_services
from shared.services.upstream import Upstream, with_upstream
from shared.settings.settings import Settings
from shared.telemetry.tracing import is_active

MAX_BOUND_PARTITIONS = 64
"""Data partitions whose services are kept at hand."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the flows are given, bound to one data partition."""

    settings: Settings
    partition: str
    partitions: Partitions
    objects: ObjectStore
    index: InstanceIndex
    summaries: StudySummaries
    search: StudySearch
    cursor_key: bytes
    """With which the cursors of searches are sealed."""
    feed: ChangeFeed
    ledger: ObjectLedger
    cases: CaseIndex
    case_sessions: CaseSessions
    reports: Reports
    risks: StudyRisks
    checkpoints: Checkpoints
    queue: JobQueue
    jobs: Jobs
    deidentifications: WorkQueue
    sending: Sending
    poison: PoisonQueues
    imports: WorkQueue
    import_sources: ImportSources
    queue_gauges: QueueGauges
    sessions: UploadSessions
    upload_targets: UploadTargets
    session_work: WorkQueue
    closers: tuple[Callable[[], Awaitable[None]], ...]
    bind: Callable[[str], Awaitable["Services"]]
    """Gives the services of another data partition."""
    engine: SearchEngine | None = None
    """None where none is set."""
    index_policy: IndexPolicy = field(default_factory=IndexPolicy)
    """What of the partition may enter the search index."""
    upstream: Upstream | None = None
    """Where DICOMweb requests are forwarded to; None where none is set."""

    async def in_partition(self, name: str) -> "Services":
        """Return the services bound to a data partition, whether it is known or not."""
        return self if name == self.partition else await self.bind(name)

    async def searched(self, partition: str) -> tuple[InstanceIndex, IndexPolicy]:
        """Return the index of a data partition, and what of it may enter the search index."""
        bound = await self.in_partition(partition)
        return bound.index, bound.index_policy

    async def close(self) -> None:
        """Close every client."""
        for closer in self.closers:
            await closer()


async def build(settings: Settings) -> Services:
    """Make the adapters that *settings* name.

    Raises:
        SettingsError: No storage account is set.
        BackendUnavailableError: The tables do not answer.
    """
    from shared.backends.azure_blob import AzureBlobStore
    from shared.backends.azure_blob.upload_targets import AzureUploadTargets
    from shared.backends.azure_table.archive import build_archive
    from shared.backends.azure_table.changes import AzureTableChanges
    from shared.backends.azure_table.jobs import AzureTableJobs
    from shared.backends.azure_table.partitions import AzureTablePartitions
    from shared.backends.azure_table.reports import AzureTableReports
    from shared.backends.azure_table.tables import Tables
    from shared.backends.poison_queues import StoragePoisonQueues
    from shared.backends.queue_gauges import StorageQueueGauges
    from shared.backends.storage_queue import StorageJobQueue
    from shared.backends.work_queue import IMPORTS, SESSIONS, StorageWorkQueue

    s3 = await s3_store(settings) if settings.object_store == "s3" else None
    blobs, blob_http, queues, table_service, table_http = azure_clients(settings)
    closers: list[Callable[[], Awaitable[None]]]
    closers = [blobs.close, blob_http.close, queues.close, table_service.close, table_http.close]
    objects: ObjectStore = AzureBlobStore(blobs, blob_http)
    if s3 is not None:
        objects = s3
        closers.append(s3.close)
    objects, upstream = await with_upstream(settings, objects, queues, closers)
    import_sources = ImportSources(settings)
    closers.append(import_sources.close)
    engine = search_engine(settings)
    if engine is not None:
        closers.append(engine.close)
    partner = partner_api(settings)
    if partner is not None:
        closers.append(partner.close)
    tables = Tables(table_http)
    changes = AzureTableChanges(tables)
    partitions = AzureTablePartitions(tables)
    reports = AzureTableReports(table_service.get_table_client(settings.report_table), tables)

    async def of(partition: str) -> Services:
        archive = await build_archive(
            tables,
            objects,
            partition=partition,
            derived_container=settings.derived_container,
            search_budget_rows=settings.search_budget_rows,
            search_count_rows=settings.search_count_rows,
            changes=changes,
        )
        queue = StorageJobQueue(queues, partition)
        policy = index_policy(settings, archive.cursor_key)
        made = Services(
            settings=settings,
            partition=partition,
            partitions=partitions,
            objects=objects,
            index=archive.instances,
            summaries=archive.summaries,
            search=study_search(settings, archive.search, engine, policy, partition),
            cursor_key=archive.cursor_key,
            feed=changes,
            ledger=archive.ledger,
            cases=archive.cases,
            case_sessions=archive.case_sessions,
            reports=reports,
            risks=archive.risks,
            checkpoints=archive.checkpoints,
            queue=queue,
            jobs=AzureTableJobs(tables),
            deidentifications=StorageWorkQueue(queues),
            sending=sending(queues, partner, settings),
            poison=StoragePoisonQueues(queues),
            imports=StorageWorkQueue(queues, IMPORTS),
            import_sources=import_sources,
            queue_gauges=StorageQueueGauges(queues),
            sessions=archive.sessions,
            upload_targets=AzureUploadTargets(blobs) if s3 is None else s3.upload_targets(),
            session_work=StorageWorkQueue(queues, SESSIONS),
            closers=tuple(closers),
            bind=bound,
            engine=engine,
            index_policy=policy,
            upstream=upstream,
        )
        return traced_services(made) if is_active() else made

    bound = _Remembered(of).get
    try:
        return await of(settings.partition)
    except AppError:
        # Every request tries again, so what is left open adds up.
        for closer in closers:
            await closer()
        raise


class _Remembered:
    """The services of the partitions asked for last: each is small, but their names come from clients."""

    def __init__(self, make: Callable[[str], Awaitable[Services]]) -> None:
        self._make = make
        self._made: dict[str, Services] = {}

    async def get(self, partition: str) -> Services:
        """Return the services of *partition*, the same ones as long as they are remembered."""
        made = self._made.pop(partition, None) or await self._make(partition)
        # Another request may have made them meanwhile, and those are in use.
        made = self._made.setdefault(partition, made)
        if len(self._made) > MAX_BOUND_PARTITIONS:
            del self._made[next(iter(self._made))]
        return made
