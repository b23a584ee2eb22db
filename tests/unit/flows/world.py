"""An archive in memory for flows to work on, which can be interrupted at any call of a port."""

from collections.abc import AsyncIterator
from typing import Any

from shared.backends.memory.case_sessions import MemoryCaseSessions
from shared.backends.memory.cases import MemoryCaseIndex
from shared.backends.memory.checkpoints import MemoryCheckpoints
from shared.backends.memory.feed import MemoryChangeFeed
from shared.backends.memory.index import MemoryIndex
from shared.backends.memory.jobs import MemoryJobs, MemoryWorkQueue
from shared.backends.memory.ledger import MemoryObjectLedger
from shared.backends.memory.object_store import MemoryObjectStore
from shared.backends.memory.poison_queues import MemoryPoisonQueues
from shared.backends.memory.queue import MemoryJobQueue
from shared.backends.memory.queue_gauges import MemoryQueueGauges
from shared.backends.memory.reports import MemoryReports
from shared.backends.memory.sessions import MemorySessions, MemoryUploadTargets
from shared.flows._session_ports import SessionPorts
from shared.flows.index_instance import IndexPorts
from shared.flows.store_instances import StorePorts
from shared.records import ObjectKey

CONTAINERS = ("images", "archive", "rejected", "derived", "quarantine", "research", "sessions")


class KilledError(BaseException):
    """The process was killed: no handler of the product may catch it."""


class World:
    """Every port in memory. With *calls_left* the call after that many raises *error* and so does each one after it."""

    def __init__(self, partition: str = "default", beside: "World | None" = None) -> None:
        self.objects: MemoryObjectStore = beside.objects if beside else MemoryObjectStore(CONTAINERS)
        self.index = MemoryIndex(partition, beside.feed if beside else None)
        self.feed: MemoryChangeFeed = self.index.feed
        self.ledger = MemoryObjectLedger()
        self.cases = MemoryCaseIndex()
        self.case_sessions = MemoryCaseSessions(self.cases)
        self.sessions = MemorySessions(self.index)
        self.reports = MemoryReports()
        self.checkpoints = MemoryCheckpoints()
        self.queue = MemoryJobQueue()
        self.jobs: MemoryJobs = beside.jobs if beside else MemoryJobs()
        self.work: MemoryWorkQueue = beside.work if beside else MemoryWorkQueue()
        self.poison: MemoryPoisonQueues = beside.poison if beside else MemoryPoisonQueues()
        self.import_work: MemoryWorkQueue = beside.import_work if beside else MemoryWorkQueue()
        self.queue_gauges = MemoryQueueGauges()
        self.uploads: MemoryWorkQueue = beside.uploads if beside else MemoryWorkQueue()
        self.analytics: MemoryWorkQueue = beside.analytics if beside else MemoryWorkQueue()
        self.calls_left: int | None = None
        self.error: BaseException = KilledError()

    def interrupt(self, calls_left: int | None, error: BaseException | None = None) -> None:
        """Let that many more calls of ports succeed; None for all."""
        self.calls_left = calls_left
        self.error = error or KilledError()

    @property
    def index_ports(self) -> IndexPorts:
        """What index_instance takes."""
        return IndexPorts(
            objects=self.port(self.objects),
            index=self.port(self.index),
            ledger=self.port(self.ledger),
            cases=self.port(self.cases),
            queue=self.port(self.queue),
            rejected_container="rejected",
            archive_container="archive",
            derived_container="derived",
        )

    @property
    def store_ports(self) -> StorePorts:
        """What store_instances takes."""
        return StorePorts(
            objects=self.port(self.objects),
            index=self.port(self.index),
            ledger=self.port(self.ledger),
            cases=self.port(self.cases),
            queue=self.port(self.queue),
            container="archive",
            partition="default",
        )

    @property
    def session_ports(self) -> SessionPorts:
        """What the flows of upload sessions take."""
        return SessionPorts(
            store=self.store_ports,
            jobs=self.port(self.jobs),
            sessions=self.port(self.sessions),
            targets=MemoryUploadTargets(),
            work=self.port(self.work),
        )

    def port(self, adapter: Any) -> Any:
        """Return *adapter* so that its calls are counted."""
        return _CountedPort(adapter, self)

    def count_call(self) -> None:
        """Note a call of a port, or fail it."""
        if self.calls_left is None:
            return
        if self.calls_left == 0:
            raise self.error
        self.calls_left -= 1

    def state(self) -> dict[str, Any]:
        """Return what the archive has come to, without clocks, etags and the change feed's length."""
        return {
            "objects": {
                key: (stored.data if key.container != "rejected" else b"") for key, stored in self._sorted()
            },
            "claims": {
                ref: [(key, claims[key].metadata) for key in sorted(claims)]
                for ref, claims in sorted(self.index._claims.items())
                if claims
            },
            "current": {
                ref: all(self.objects.objects[key].info.etag == claims[key].location.etag for key in claims)
                for ref, claims in sorted(self.index._claims.items())
                if claims
            },
            "ledger": [
                (entry.key, entry.state, entry.ref) for _, entry in sorted(self.ledger.entries.items())
            ],
            "cases": sorted(self.cases._images),
            "due": sorted({*self.index._due, *self.queue.changed_studies}),
        }

    def accounted_for(self, key: ObjectKey) -> bool:
        """Tell whether the ledger says what became of *key* as it is now."""
        stored, entry = self.objects.objects.get(key), self.ledger.entries.get(key)
        return (stored and stored.info.etag) == (entry and entry.etag)

    def _sorted(self) -> list[tuple[ObjectKey, Any]]:
        return sorted(self.objects.objects.items())


class _CountedPort:
    """Pass every call on, unless it is to fail."""

    def __init__(self, adapter: Any, world: World) -> None:
        self._adapter = adapter
        self._world = world

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._adapter, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            result = method(*args, **kwargs)
            if hasattr(result, "__aiter__"):
                return self._iterate(result)
            return self._await(result)

        return call

    async def _await(self, result: Any) -> Any:
        try:
            self._world.count_call()
        except BaseException:
            result.close()
            raise
        return await result

    async def _iterate(self, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        self._world.count_call()
        async for item in result:
            yield item
