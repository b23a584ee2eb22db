"""A search engine in a dictionary, which looks at every document. It is what any other must answer like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from shared.dicom.index.document import field_of
from shared.dicom.index.fields import DELETED, PARTITION, UIDS
from shared.dicom.index.query import (
    Beginning,
    Bool,
    Clause,
    Everything,
    Interval,
    Nothing,
    OneOf,
    Pattern,
    Present,
)
from shared.dicom.references import InstanceRef
from shared.dicom.wildcards import wildcard_match
from shared.errors import BackendUnavailableError
from shared.ports.search import Generation, Generations, IndexedDocument, IndexHit, IndexPage, IndexRequest
from shared.records import Json

_FACET_VALUES = 100


class MemoryCluster:
    """What engines of one index share, whatever their policies."""

    def __init__(self) -> None:
        self.builds: dict[Generation, tuple[str, dict[str, tuple[int, Json]]]] = {}
        self.serving: Generation | None = None
        self.begun = 0


class MemorySearchEngine:
    """A SearchEngine."""

    def __init__(self, fingerprint: str = "", cluster: MemoryCluster | None = None) -> None:
        self._fingerprint = fingerprint
        self._cluster = cluster or MemoryCluster()

    async def generations(self) -> Generations:
        """Return the builds that there are."""
        cluster = self._cluster
        ours = [
            build
            for build, (made_by, _) in cluster.builds.items()
            if made_by == self._fingerprint and build != cluster.serving
        ]
        outdated = cluster.serving is not None and cluster.builds[cluster.serving][0] != self._fingerprint
        return Generations(cluster.serving, ours[-1] if ours else None, outdated)

    async def begin_build(self) -> Generation:
        """Return the build that is being made, begun now if there is none."""
        found = (await self.generations()).building
        if found is not None:
            return found
        self._cluster.begun += 1
        begun = Generation(f"build-{self._cluster.begun}", uuid4().hex)
        self._cluster.builds[begun] = (self._fingerprint, {})
        return begun

    async def promote(self, generation: Generation) -> None:
        """Let a build answer in place of the one that did."""
        self._cluster.builds = {generation: self._cluster.builds[generation]}
        self._cluster.serving = generation

    async def write(
        self, generation: Generation, documents: Sequence[IndexedDocument], *, again: bool = False
    ) -> None:
        """Write documents, each unless one of the same or a higher version is there."""
        held = self._held(generation)
        for one in documents:
            if one.id not in held or held[one.id][0] < one.version + again:
                held[one.id] = (one.version, one.document)

    async def settle(self, generation: Generation) -> None:
        """Return when all that was written before is found."""

    async def held(self, generation: Generation, ids: Sequence[str]) -> set[str]:
        """Return those of *ids* that have a document which is not of a deleted instance."""
        held = self._held(generation)
        return {one for one in ids if one in held and not held[one][1][DELETED]}

    async def listed(
        self, generation: Generation, partition: str, after: InstanceRef | None, limit: int
    ) -> list[InstanceRef]:
        """Return the instances of a page of documents that are not of deleted instances."""
        refs = [
            InstanceRef(*(document[uid] for uid in UIDS))
            for _, document in self._held(generation).values()
            if document[PARTITION] == partition and not document[DELETED]
        ]
        return sorted(ref for ref in refs if after is None or ref > after)[:limit]

    async def purge(self, generation: Generation, before: str) -> int:
        """Remove documents of instances that were deleted before a day."""
        held = self._held(generation)
        old = [one for one, (_, kept) in held.items() if kept[DELETED] and kept["indexed_on"] < before]
        for one in old:
            del held[one]
        return len(old)

    def _held(self, generation: Generation) -> dict[str, tuple[int, Json]]:
        return self._cluster.builds.get(generation, ("", {}))[1]

    async def find(self, partition: str, request: IndexRequest) -> IndexPage:
        """Return the page that *request* asks for."""
        if request.index:
            raise BackendUnavailableError("the other search index is being built; try again")
        found = self._found(partition, request.clause)
        by_place = sorted(
            (InstanceRef(*(one[uid] for uid in UIDS)), index) for index, one in enumerate(found)
        )
        page = [place for place in by_place if request.after is None or place[0] > request.after]
        hits = [
            IndexHit(
                ref,
                {
                    name: value
                    for name in request.fields
                    if (value := field_of(found[index], name)) is not None
                },
            )
            for ref, index in page[: request.limit]
        ]
        if request.after is not None:
            return IndexPage(hits)
        facets = {name: _counted(found, field) for name, field in request.facets.items()}
        return IndexPage(hits, len(found), facets)

    async def studies(self, partition: str, clause: Clause, limit: int) -> list[str]:
        """Return the studies that have a document which *clause* stands for."""
        return sorted({document[UIDS[0]] for document in self._found(partition, clause)})[:limit]

    def _found(self, partition: str, clause: Clause) -> list[Json]:
        serving = self._cluster.serving
        if serving is None or self._cluster.builds[serving][0] != self._fingerprint:
            raise BackendUnavailableError("the search index is being built; try again")
        return [
            document
            for _, document in self._cluster.builds[serving][1].values()
            if document[PARTITION] == partition and not document[DELETED] and fits(clause, document)
        ]


def fits(clause: Clause, document: Mapping[str, Any]) -> bool:
    """Tell whether a document is one of those that a clause stands for."""
    match clause:
        case Everything():
            fitting = True
        case Nothing():
            fitting = False
        case OneOf(field, values):
            fitting = any(value in values for value in _values(document, field))
        case Interval(field):
            fitting = any(_lies_in(clause, value) for value in _values(document, field))
        case Beginning(field, text):
            fitting = any(value.startswith(text) for value in _values(document, field))
        case Pattern(field, pattern):
            fitting = any(wildcard_match(pattern, value) for value in _values(document, field))
        case Present(field):
            fitting = _values(document, field) != []
        case Bool(every, some, none, least):
            fitting = (
                all(fits(one, document) for one in every)
                and not any(fits(one, document) for one in none)
                and sum(fits(one, document) for one in some) >= least
            )
    return fitting


def _lies_in(bounds: Interval, value: Any) -> bool:
    return (
        (bounds.gt is None or value > bounds.gt)
        and (bounds.gte is None or value >= bounds.gte)
        and (bounds.lt is None or value < bounds.lt)
        and (bounds.lte is None or value <= bounds.lte)
    )


def _values(document: Mapping[str, Any], field: str) -> list[Any]:
    held = field_of(document, field)
    if held is None:
        return []
    return held if isinstance(held, list) else [held]


def _counted(documents: list[Json], field: str) -> dict[str, int]:
    counts = Counter(str(value) for one in documents for value in set(_values(one, field)))
    ordered = sorted(counts.items(), key=lambda count: (-count[1], count[0]))
    return dict(ordered[:_FACET_VALUES])
