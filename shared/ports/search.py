"""What the product needs of a search engine, and the values they exchange; what documents hold is in dicom/index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.dicom.index.query import Clause
from shared.dicom.references import InstanceRef
from shared.records import Json


@dataclass(frozen=True, slots=True)
class Generation:
    """One build of the index. *key* tells it from every other one, also from a later one of the same name."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Generations:
    """The build that answers, and the one that is being made; either may be missing.

    With *outdated* the one that answers was made of other fields or by another policy.
    """

    serving: Generation | None
    building: Generation | None
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class IndexedDocument:
    """A document as of a place in the change feed; *fallback* takes its place where the engine refuses its contents."""

    id: str
    version: int
    document: Json
    fallback: Json


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """What is asked of one data partition.

    *after* are the UIDs of the last hit of the page before; *fields* those to return of each hit; *facets* the fields
    whose values to count over everything that matches, by the names under which to return them.
    """

    clause: Clause
    limit: int
    after: InstanceRef | None = None
    fields: tuple[str, ...] = ()
    facets: Mapping[str, str] = field(default_factory=dict)
    index: str = ""
    """Another index of the same make; "" is the archive's own."""


@dataclass(frozen=True, slots=True)
class IndexHit:
    """An instance that was found, with those of the fields asked for that it has, by their names."""

    ref: InstanceRef
    fields: Json


@dataclass(frozen=True, slots=True)
class IndexPage:
    """A page of hits in the order of their UIDs as text. *total* and *facets* are of the first page only."""

    hits: list[IndexHit]
    total: int | None = None
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By facet: how many have each of its most frequent values."""


class SearchEngine(Protocol):
    """Documents of instances, of all data partitions, that can be searched by any attribute.

    Any method raises BackendUnavailableError when the engine does not answer.
    """

    async def generations(self) -> Generations:
        """Return the builds that there are, and remove those that were replaced before."""
        ...

    async def begin_build(self) -> Generation:
        """Return the build that is being made, begun now if there is none. It does not answer yet."""
        ...

    async def promote(self, generation: Generation) -> None:
        """Let a build answer in place of the one that did, from one moment to the next, with all that was written to it."""
        ...

    async def write(
        self, generation: Generation, documents: Sequence[IndexedDocument], *, again: bool = False
    ) -> None:
        """Write documents, each unless one of the same or a higher version is there. They are found soon after.

        With *again* one of the same version is overwritten too.
        """
        ...

    async def settle(self, generation: Generation) -> None:
        """Return when all that was written before is found."""
        ...

    async def held(self, generation: Generation, ids: Sequence[str]) -> set[str]:
        """Return those of *ids* that have a document which is not of a deleted instance, as last written."""
        ...

    async def listed(
        self, generation: Generation, partition: str, after: InstanceRef | None, limit: int
    ) -> list[InstanceRef]:
        """Return the instances of a page of documents that are not of deleted instances, in the order of their UIDs."""
        ...

    async def purge(self, generation: Generation, before: str) -> int:
        """Remove documents of instances that were deleted before a day, YYYYMMDD; return how many."""
        ...

    async def find(self, partition: str, request: IndexRequest) -> IndexPage:
        """Return the page that *request* asks for, of documents that are not of deleted instances.

        Raises:
            BackendUnavailableError: No build of the present policy answers yet.
            QueryTooBroadError: It took longer than may be.
        """
        ...

    async def studies(self, partition: str, clause: Clause, limit: int) -> list[str]:
        """Return up to *limit* StudyInstanceUIDs of the studies that have a document which *clause* stands for.

        Raises errors as `find` does.
        """
        ...
