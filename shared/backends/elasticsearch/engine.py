"""The SearchEngine: builds of the index, what is written to them, and what is found in the one that answers.

A build is an index `{alias}-{policy}-{number}`. Two aliases point at the one that answers: `{alias}`, for people, and
`{alias}-{policy}`, by which this service asks: what was built by another policy can so never answer for this one.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from shared.backends.elasticsearch import bulk, upkeep
from shared.backends.elasticsearch.clauses import within_partition
from shared.backends.elasticsearch.errors import translated
from shared.backends.elasticsearch.mapping import mapping, settings
from shared.dicom.index.document import field_of
from shared.dicom.index.fields import UIDS
from shared.dicom.index.query import Clause
from shared.dicom.references import InstanceRef
from shared.errors import BackendUnavailableError, QueryTooBroadError
from shared.ports.search import Generation, Generations, IndexedDocument, IndexHit, IndexPage, IndexRequest

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

SEARCH_SECONDS: Final = 10
"""That the cluster may take to answer; what it has found by then is no answer."""
FACET_VALUES: Final = 100
_NUMBER: Final = re.compile(r"[0-9]{6}")


class ElasticsearchEngine:
    """A SearchEngine.

    Args:
        client: Of the cluster.
        index: The alias under which people know the index.
        fingerprint: Of the policy by which documents are made.
        shards: Of each build.
    """

    def __init__(
        self, client: "AsyncElasticsearch", index: str, fingerprint: str, *, shards: int = 1
    ) -> None:
        self._client = client
        self._index = index
        self._fingerprint = fingerprint
        self._shards = shards

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()

    async def generations(self) -> Generations:
        """Return the builds that there are, and remove those that were replaced before; see SearchEngine."""
        builds = await self._builds()
        serving, building = self._in_use(builds)
        outdated = serving is not None and serving.fingerprint != self._fingerprint
        left_over = [
            build.generation.name
            for build in builds
            if build not in (serving, building)
            and (not build.is_strict or (serving and build.number < serving.number))
        ]
        if left_over:
            with translated("the removal of an old index"):
                await self._client.options(ignore_status=HTTPStatus.NOT_FOUND).indices.delete(index=left_over)
        return Generations(
            serving.generation if serving else None, building.generation if building else None, outdated
        )

    async def begin_build(self) -> Generation:
        """Return the build that is being made, begun now if there is none; see SearchEngine."""
        from elasticsearch import BadRequestError

        # One look at what there is, for whoever looks twice takes another's build for an old one and begins a second.
        builds = await self._builds()
        _, building = self._in_use(builds)
        if building is not None:
            return building.generation
        number = max((build.number for build in builds), default=0) + 1
        name = f"{self._index}-{self._fingerprint}-{number:06}"
        with translated("the creation of an index"):
            try:
                await self._client.indices.create(
                    index=name, settings=settings(self._shards), mappings=mapping()
                )
            except BadRequestError as error:
                # Another worker has begun the same build.
                if error.error != "resource_already_exists_exception":
                    raise
        begun = next((build for build in await self._builds() if build.generation.name == name), None)
        if begun is None:
            raise BackendUnavailableError("an index has gone as soon as it was made; try again")
        return begun.generation

    async def promote(self, generation: Generation) -> None:
        """Let a build answer in place of the one that did, from one moment to the next, with all that was written to it."""
        await upkeep.settle(self._client, generation.name)
        aliases = (self._index, self._own_alias(self._index))
        builds = [build for build in await self._builds() if build.generation != generation]
        actions: list[dict[str, Any]] = [
            {"remove": {"index": build.generation.name, "alias": alias}}
            for build in builds
            for alias in build.aliases
        ]
        actions += [{"add": {"index": generation.name, "alias": alias}} for alias in aliases]
        with translated("the change of an alias"):
            await self._client.indices.update_aliases(actions=actions)

    async def write(
        self, generation: Generation, documents: Sequence[IndexedDocument], *, again: bool = False
    ) -> None:
        """Write documents, each unless one of the same or a higher version is there; see SearchEngine."""
        await bulk.write(self._client, generation.name, documents, again=again)

    async def settle(self, generation: Generation) -> None:
        """Return when all that was written before is found."""
        await upkeep.settle(self._client, generation.name)

    async def held(self, generation: Generation, ids: Sequence[str]) -> set[str]:
        """Return those of *ids* that have a document which is not of a deleted instance, as last written."""
        return await upkeep.held(self._client, generation.name, ids)

    async def listed(
        self, generation: Generation, partition: str, after: InstanceRef | None, limit: int
    ) -> list[InstanceRef]:
        """Return the instances of a page of documents that are not of deleted instances."""
        return await upkeep.listed(self._client, generation.name, partition, after, limit)

    async def purge(self, generation: Generation, before: str) -> int:
        """Remove documents of instances that were deleted before a day, YYYYMMDD; return how many."""
        return await upkeep.purge(self._client, generation.name, before)

    async def find(self, partition: str, request: IndexRequest) -> IndexPage:
        """Return the page that *request* asks for; see SearchEngine.find."""
        first = request.after is None
        asked: dict[str, Any] = {
            "query": within_partition(partition, request.clause),
            "size": request.limit,
            "sort": [{uid: "asc"} for uid in UIDS],
            "source_includes": [*UIDS, *request.fields],
            "track_total_hits": first,
        }
        if request.after is not None:
            ref = request.after
            asked["search_after"] = [ref.study_instance_uid, ref.series_instance_uid, ref.sop_instance_uid]
        if first and request.facets:
            asked["aggregations"] = {
                name: {"terms": {"field": field, "size": FACET_VALUES}}
                for name, field in request.facets.items()
            }
        answer = await self._search(request.index or self._index, asked)
        return _page(answer, request.fields, first=first)

    async def studies(self, partition: str, clause: Clause, limit: int) -> list[str]:
        """Return the studies that have a document which *clause* stands for; see SearchEngine.studies."""
        asked = {
            "query": within_partition(partition, clause),
            "size": 0,
            "track_total_hits": False,
            "aggregations": {"studies": {"terms": {"field": UIDS[0], "size": limit}}},
        }
        answer = await self._search(self._index, asked)
        return sorted(str(bucket["key"]) for bucket in answer["aggregations"]["studies"]["buckets"])

    async def _search(self, index: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        from elasticsearch import NotFoundError

        with translated("a search"):
            try:
                found = await self._client.search(
                    index=self._own_alias(index),
                    allow_partial_search_results=False,
                    timeout=f"{SEARCH_SECONDS}s",
                    **asked,
                )
            except NotFoundError:
                raise BackendUnavailableError(
                    "the search index is being built, and does not answer before it holds everything; try again"
                ) from None
        answer: Mapping[str, Any] = found.body
        if answer.get("timed_out"):
            raise QueryTooBroadError(
                f"the search took more than {SEARCH_SECONDS} seconds; ask for less, or for exact values"
            )
        return answer

    async def state(self, seconds: float) -> str:
        """Return "ok" if a build answers within that time, else "being built", "denied" or "unreachable"."""
        return await upkeep.state(self._client, self._own_alias(self._index), seconds)

    def _in_use(self, builds: Sequence["_Build"]) -> tuple["_Build | None", "_Build | None"]:
        """Return the build that answers and the one that is being made."""
        serving = next((build for build in builds if self._index in build.aliases), None)
        newest = next((build for build in reversed(builds) if build.fingerprint == self._fingerprint), None)
        if newest is None or (serving is not None and newest.number <= serving.number):
            return serving, None
        return serving, newest

    def _own_alias(self, index: str) -> str:
        return f"{index}-{self._fingerprint}"

    async def _builds(self) -> list["_Build"]:
        """Return all builds of whichever policy, the oldest first."""
        with translated("the list of indices"):
            answer = await self._client.indices.get(index=f"{self._index}-*")
        builds = [_Build.of(self._index, name, about) for name, about in answer.items()]
        return sorted((build for build in builds if build is not None), key=lambda build: build.number)


class _Build:
    """What the cluster says of one build."""

    def __init__(
        self, generation: Generation, fingerprint: str, number: int, about: Mapping[str, Any]
    ) -> None:
        self.generation = generation
        self.fingerprint = fingerprint
        self.number = number
        self.aliases = tuple(about.get("aliases", ()))
        # One that came into being by a write of a worker who was late has no mapping of ours.
        self.is_strict = about.get("mappings", {}).get("dynamic") == "strict"

    @classmethod
    def of(cls, index: str, name: str, about: Mapping[str, Any]) -> "_Build | None":
        fingerprint, _, number = name.removeprefix(f"{index}-").partition("-")
        if not _NUMBER.fullmatch(number):
            return None
        uuid = str(about["settings"]["index"]["uuid"])
        return cls(Generation(name, re.sub(r"[^0-9A-Za-z_-]", "", uuid)), fingerprint, int(number), about)


def _page(answer: Mapping[str, Any], fields: Sequence[str], *, first: bool) -> IndexPage:
    hits = [
        IndexHit(
            InstanceRef(*(source[uid] for uid in UIDS)),
            {name: value for name in fields if (value := field_of(source, name)) is not None},
        )
        for source in (hit["_source"] for hit in answer["hits"]["hits"])
    ]
    if not first:
        return IndexPage(hits)
    facets = {
        name: {str(bucket["key"]): int(bucket["doc_count"]) for bucket in counted["buckets"]}
        for name, counted in answer.get("aggregations", {}).items()
    }
    return IndexPage(hits, int(answer["hits"]["total"]["value"]), facets)
