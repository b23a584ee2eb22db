"""Store some instances of a source, in the archive or as numbered files, and say what became of each."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from shared.dicom.references import InstanceRef, StudyRef
from shared.dicom.store_response import FailureReason, StoredInstance, StoreOutcome
from shared.errors import (
    AppError,
    BackendUnavailableError,
    InstanceNotFoundError,
    RejectedInstanceError,
    SourceRefusedError,
    SourceUnavailableError,
)
from shared.flows._import_fetching import Fetched, fetch_all
from shared.flows._import_manifest import FAILED, PRESENT, STORED, Entry
from shared.flows._import_order import FIRST_FILE, ImportOrder, ImportPorts
from shared.flows._incoming import Incoming
from shared.flows._instance_record import identify
from shared.flows._read_instance import read_stored_header
from shared.flows._risk_policy import check_risk
from shared.flows.store_instances import store_instances
from shared.ports.imports import SourceInstance
from shared.records import ObjectKey

_ROUNDS: Final = 3
_MAX_STUDIES: Final = 256
_OURS: Final = (FailureReason.OUT_OF_RESOURCES, FailureReason.BEING_CREATED)
"""Failures of this archive's own stores, or of a race: the instance is not to blame."""

type GoOn = Callable[[], bool]
type Judged = tuple[Entry, SourceInstance | None]
"""An entry, with its instance if fetching it once more is worth it: it broke off on its way."""


async def _in_rounds(
    instances: Sequence[SourceInstance],
    go_on: GoOn,
    once: Callable[[Sequence[SourceInstance], GoOn], AsyncIterator[Judged]],
) -> AsyncIterator[Entry]:
    """Yield the entries that *once* yields of *instances*; what is worth it is fetched again, _ROUNDS times in all."""
    left = instances
    for attempt in range(_ROUNDS):
        again: list[SourceInstance] = []
        async for entry, instance in once(left, go_on):
            if instance is not None and entry.again and attempt < _ROUNDS - 1:
                again.append(instance)
            else:
                yield entry
        if not again:
            return
        left = again


class ArchiveTarget:
    """Stores as a store request does: the same checks, the same rules for duplicates and risk."""

    def __init__(self, ports: ImportPorts) -> None:
        self._ports = ports
        self._held: dict[StudyRef, set[InstanceRef]] = {}

    async def present(self, instance: SourceInstance) -> Entry | None:
        """Return the entry of an instance that the archive has, as far as can be told without fetching it."""
        if instance.ref is None or instance.ref not in await self._held_of(instance.ref.study):
            return None
        try:
            record = await self._ports.store.index.get(instance.ref)
        except InstanceNotFoundError:
            return None
        if instance.size not in (None, record.location.length):
            return None
        return Entry(instance.source_id, PRESENT, instance.ref, record.location.length)

    async def write(
        self, instances: Sequence[tuple[SourceInstance, int]], go_on: GoOn
    ) -> AsyncIterator[Entry]:
        """Yield what became of each instance, but for those that *go_on* left no time for.

        Raises:
            BackendUnavailableError: This archive's own store does not answer; what was yielded is done.
        """
        async for entry in _in_rounds([instance for instance, _ in instances], go_on, self._round):
            yield entry

    async def _round(self, instances: Sequence[SourceInstance], go_on: GoOn) -> AsyncIterator[Judged]:
        run = _Run(self._ports)
        outcomes = await run.outcomes(instances, go_on)
        for entry in run.failed:
            yield entry, None
        ours = False
        for part, outcome in zip(run.parts, outcomes, strict=True):
            if isinstance(outcome, StoredInstance):
                yield stored(part), None
            elif part.broken is not None or outcome is None:
                error = part.broken or SourceUnavailableError("another instance broke off beside it")
                yield not_fetched(part.instance, error), part.instance
            elif outcome.reason in _OURS:
                ours = True
            else:
                yield replace(stored(part), state=FAILED, error=outcome.text), None
        if ours:
            raise BackendUnavailableError(
                "the archive could not store an instance that was imported; try again"
            )

    async def _held_of(self, study: StudyRef) -> set[InstanceRef]:
        if study not in self._held:
            if len(self._held) >= _MAX_STUDIES:
                self._held.clear()
            claims = self._ports.store.index.claims_in(study)
            self._held[study] = {claim.ref async for claim in claims if claim.serves}
        return self._held[study]


class _Run:
    """Some instances on their way into the archive, as one store request."""

    def __init__(self, ports: ImportPorts) -> None:
        self._ports = ports
        self.parts: list[Fetched] = []
        """In the order in which they were stored."""
        self.failed: list[Entry] = []
        """Those that could not be fetched."""

    async def outcomes(
        self, instances: Sequence[SourceInstance], go_on: GoOn
    ) -> Sequence[StoreOutcome | None]:
        """Return what became of each of the parts; None of all if one broke off in its header, and took the others along."""
        feed = self._feed(instances, go_on)
        try:
            return await store_instances(feed, self._ports.request, self._ports.store)
        except (SourceUnavailableError, SourceRefusedError):
            return [None] * len(self.parts)
        finally:
            await feed.aclose()

    async def _feed(self, instances: Sequence[SourceInstance], go_on: GoOn) -> AsyncGenerator[Fetched]:
        ports = self._ports
        async with aclosing(
            fetch_all(instances, ports.source, limit=ports.concurrency, slots=ports.slots, go_on=go_on)
        ) as fetching:
            async for one in fetching:
                if isinstance(one, Fetched):
                    self.parts.append(one)
                    yield one
                else:
                    self.failed.append(not_fetched(*one))


class FlatTarget:
    """Writes files that are numbered from 10000001.dcm on."""

    def __init__(self, ports: ImportPorts, order: ImportOrder) -> None:
        self._ports = ports
        self._order = order

    async def present(self, instance: SourceInstance) -> Entry | None:  # noqa: ARG002 - as ArchiveTarget has it
        """Return nothing: only the manifest knows which file holds what."""
        return None

    async def write(
        self, instances: Sequence[tuple[SourceInstance, int]], go_on: GoOn
    ) -> AsyncIterator[Entry]:
        """Yield what became of each instance, but for those that *go_on* left no time for."""
        numbers = {instance.source_id: number for instance, number in instances}

        async def once(left: Sequence[SourceInstance], go_on: GoOn) -> AsyncIterator[Judged]:
            ports = self._ports
            async with aclosing(
                fetch_all(left, ports.source, limit=ports.concurrency, slots=ports.slots, go_on=go_on)
            ) as fetching:
                async for one in fetching:
                    if isinstance(one, Fetched):
                        yield await self._write(one, numbers[one.instance.source_id])
                    else:
                        yield not_fetched(*one), None

        async for entry in _in_rounds([instance for instance, _ in instances], go_on, once):
            yield entry

    async def _write(self, fetched: Fetched, number: int) -> Judged:
        name = file_name(number)
        key = ObjectKey(self._order.container, f"{self._order.prefix}{name}")
        try:
            await self._put(fetched, key)
        except (RejectedInstanceError, SourceUnavailableError, SourceRefusedError) as error:
            return not_fetched(fetched.instance, error), fetched.instance
        return replace(stored(fetched), file=name), None

    async def _put(self, fetched: Fetched, key: ObjectKey) -> None:
        objects, incoming = self._ports.objects, Incoming(fetched)
        header = await incoming.read_header()
        identify(header)
        if incoming.is_whole:
            check_risk(header, self._ports.store.risk)
            await objects.put(key, incoming.data)
            return
        first = incoming.data
        info = await objects.put(key, incoming.stream())
        try:
            check_risk(await read_stored_header(objects, info, first), self._ports.store.risk)
        except RejectedInstanceError:
            await objects.delete(key, if_match=info.etag)
            raise


def file_name(number: int) -> str:
    """Return the name of the file of this number, from 1."""
    return f"{FIRST_FILE + number - 1}.dcm"


def stored(part: Fetched) -> Entry:
    """Return the entry of an instance that was fetched and stored."""
    return Entry(
        part.instance.source_id, STORED, part.ref, part.size, sha256=part.sha256, mismatch=part.mismatch
    )


def not_fetched(instance: SourceInstance, error: AppError) -> Entry:
    """Return the entry of an instance that failed."""
    again = isinstance(error, SourceUnavailableError)
    return Entry(instance.source_id, FAILED, instance.ref, error=str(error), again=again)
