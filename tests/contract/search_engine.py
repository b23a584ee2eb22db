"""What every SearchEngine does: it finds what was written last, by every clause, page by page, in builds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.backends.memory.search_engine import fits
from shared.dicom.index.document import bare_document, document_id, document_of
from shared.dicom.index.fields import PARTITION
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.index.query import Clause, Everything, exactly
from shared.dicom.references import InstanceRef
from shared.errors import BackendUnavailableError
from shared.ports.search import Generation, IndexedDocument, IndexPage, IndexRequest, SearchEngine
from shared.records import InstanceRecord
from tests.contract.index_clauses import clauses
from tests.contract.records import an_instance, fresh_name
from tests.contract.strategies import archives

POLICY = IndexPolicy("plain")


@dataclass(frozen=True, slots=True)
class Cluster:
    """One index of its own: an engine for each policy, and a way to wait until writes are found."""

    engine: Callable[[str], SearchEngine]
    settle: Callable[[], Awaitable[None]]


type OpenCluster = Callable[[], Cluster]


def a_document(ref: InstanceRef, version: int = 1, partition: str = "p", **values: Any) -> IndexedDocument:
    """Return the document of an instance whose attributes have these values, by tag."""
    attributes = {tag[1:]: {"vr": "LO", "Value": [value]} for tag, value in values.items()}
    return _written(ref, document_of(ref, attributes, {PARTITION: partition}, POLICY), version, partition)


def _written(
    ref: InstanceRef, document: dict[str, Any], version: int, partition: str = "p"
) -> IndexedDocument:
    fallback = bare_document(ref, partition)
    return IndexedDocument(document_id(partition, ref), version, document, fallback)


def _gone(ref: InstanceRef, version: int) -> IndexedDocument:
    document = bare_document(ref, "p", deleted_on="20200101")
    return IndexedDocument(document_id("p", ref), version, document, document)


def _ref(number: int) -> InstanceRef:
    return an_instance("1.2", f"1.2.{number % 3}", f"1.2.{number % 3}.{number}")


async def _all(engine: SearchEngine, clause: Clause, limit: int = 100) -> IndexPage:
    return await engine.find("p", IndexRequest(clause, limit))


class SearchEngineContract:
    """An adapter's test file overrides `open_cluster`."""

    @pytest.fixture
    def open_cluster(self) -> OpenCluster:
        raise NotImplementedError

    @pytest.fixture
    def cluster(self, open_cluster: OpenCluster) -> Cluster:
        return open_cluster()

    @pytest.fixture
    def engine(self, cluster: Cluster) -> SearchEngine:
        return cluster.engine("aaaaaaaaaa")

    async def _ready(self, engine: SearchEngine, *documents: IndexedDocument) -> Generation:
        generation = await engine.begin_build()
        await engine.write(generation, documents)
        await engine.promote(generation)
        return generation

    async def test_what_is_being_built_does_not_answer(self, engine: SearchEngine) -> None:
        """Until its first build is promoted an engine says that it cannot answer; from then on it finds all."""
        found = await engine.generations()
        assert (found.serving, found.building, found.outdated) == (None, None, False)
        with pytest.raises(BackendUnavailableError):
            await _all(engine, Everything())

        begun = await engine.begin_build()
        await engine.write(begun, [a_document(_ref(1))])
        assert (await engine.begin_build(), (await engine.generations()).building) == (begun, begun)
        with pytest.raises(BackendUnavailableError):
            await _all(engine, Everything())

        await engine.promote(begun)
        found = await engine.generations()
        assert (found.serving, found.building, found.outdated) == (begun, None, False)
        assert [hit.ref for hit in (await _all(engine, Everything())).hits] == [_ref(1)]

    async def test_an_old_version_overwrites_no_newer_one(
        self, engine: SearchEngine, cluster: Cluster
    ) -> None:
        """Whatever comes late is passed over, and so is what comes twice; a deletion outlasts older writes too."""
        generation = await self._ready(engine, a_document(_ref(1), 5, _00100020="new"), _gone(_ref(2), 7))
        late = [a_document(_ref(1), 4, _00100020="old"), a_document(_ref(2), 6), a_document(_ref(3), 9)]
        await engine.write(generation, late)
        await engine.write(generation, [a_document(_ref(1), 5, _00100020="again"), _gone(_ref(3), 8)])
        await cluster.settle()

        assert [hit.ref for hit in (await _all(engine, Everything())).hits] == [_ref(3), _ref(1)]
        found = [
            [hit.ref for hit in (await _all(engine, exactly(f"00100020={value}"))).hits]
            for value in ("new", "old", "again")
        ]
        assert found == [[_ref(1)], [], []]
        await engine.write(generation, [a_document(_ref(2), 10), _gone(_ref(1), 11)])
        await cluster.settle()
        assert [hit.ref for hit in (await _all(engine, Everything())).hits] == [_ref(3), _ref(2)]

    async def test_pages_reach_every_hit_once(self, engine: SearchEngine, cluster: Cluster) -> None:
        """Each page goes on after the last hit of the one before, whatever is written meanwhile; the first one counts."""
        documents = [a_document(_ref(number), _00080060=("CT", "MR")[number % 2]) for number in range(1, 26)]
        generation = await self._ready(engine, *documents)
        await cluster.settle()
        request = IndexRequest(Everything(), 7, facets={"modality": "Modality"})
        first = await engine.find("p", request)
        assert (first.total, first.facets) == (25, {"modality": {"MR": 13, "CT": 12}})
        await engine.write(generation, [a_document(an_instance("1.1", "1.1.1", "1.1.1.1"))])
        await cluster.settle()

        found, page = [hit.ref for hit in first.hits], first
        while page.hits:
            page = await engine.find("p", IndexRequest(Everything(), 7, page.hits[-1].ref))
            assert page.total is None
            found += [hit.ref for hit in page.hits]
        assert found == sorted(_ref(number) for number in range(1, 26))

    async def test_hits_have_the_fields_asked_for(self, engine: SearchEngine, cluster: Cluster) -> None:
        """Of each hit those fields are returned that were asked for and that it has, and no others."""
        await self._ready(
            engine,
            a_document(_ref(1), _00080060="CT", _00100020="X", _00100010={"Alphabetic": "Doe^John"}),
            a_document(_ref(2)),
        )
        await cluster.settle()

        page = await engine.find(
            "p", IndexRequest(Everything(), 10, fields=("Modality", "PatientName.family"))
        )
        fields = {"Modality": ["CT"], "PatientName.family": ["doe"]}
        assert {hit.ref: hit.fields for hit in page.hits} == {_ref(1): fields, _ref(2): {}}

    async def test_partitions_are_searched_by_themselves(
        self, engine: SearchEngine, cluster: Cluster
    ) -> None:
        """The same instance in two data partitions is two documents, and each partition finds its own."""
        here, there = a_document(_ref(1), _00100020="X"), a_document(_ref(1), partition="q", _00100020="Y")
        await self._ready(engine, here, there)
        await cluster.settle()

        totals = {
            (partition, value): (
                await engine.find(partition, IndexRequest(exactly(f"00100020={value}"), 5))
            ).total
            for partition in "pqr"
            for value in "XY"
        }
        assert {asked for asked, total in totals.items() if total} == {("p", "X"), ("q", "Y")}

    async def test_a_new_build_takes_over_at_once(self, engine: SearchEngine, cluster: Cluster) -> None:
        """While another build is made the old one answers, is kept up, and then all of it is gone, and all of the new there."""
        old = await self._ready(engine, a_document(_ref(1)))
        new = await engine.begin_build()
        await engine.write(new, [a_document(_ref(2))])
        await engine.write(old, [a_document(_ref(3))])
        await cluster.settle()
        assert [hit.ref for hit in (await _all(engine, Everything())).hits] == [_ref(3), _ref(1)]
        found = await engine.generations()
        assert (found.serving, found.building) == (old, new)

        await engine.write(new, [a_document(_ref(4))])
        await engine.promote(new)
        assert [hit.ref for hit in (await _all(engine, Everything())).hits] == [_ref(4), _ref(2)]
        found = await engine.generations()
        assert (found.serving, found.building) == (new, None)

    async def test_one_policy_never_answers_for_another(self, engine: SearchEngine, cluster: Cluster) -> None:
        """Where the policy changed, nothing is answered out of the old build; the new one replaces it."""
        await self._ready(engine, a_document(_ref(1)))
        other = cluster.engine("bbbbbbbbbb")
        assert (await other.generations()).outdated
        with pytest.raises(BackendUnavailableError):
            await _all(other, Everything())

        await self._ready(other, a_document(_ref(2)))
        await cluster.settle()
        assert [hit.ref for hit in (await _all(other, Everything())).hits] == [_ref(2)]
        with pytest.raises(BackendUnavailableError):
            await _all(engine, Everything())

    async def test_two_workers_begin_one_build(self, cluster: Cluster) -> None:
        """However many ask for a build at once, one is begun."""
        engines = [cluster.engine("aaaaaaaaaa") for _ in range(4)]
        assert len(set(await asyncio.gather(*(engine.begin_build() for engine in engines)))) == 1

    async def test_many_documents_are_written_at_once(self, engine: SearchEngine, cluster: Cluster) -> None:
        """More than fit one request of the engine's are all found."""
        await self._ready(engine, *(a_document(_ref(number), number) for number in range(1, 1302)))
        await cluster.settle()
        assert (await _all(engine, Everything(), 1)).total == 1301

    async def test_a_repair_overwrites_its_own_number(self, engine: SearchEngine) -> None:
        """What is written again takes the place of the same version, and of no higher one."""
        generation = await self._ready(engine, a_document(_ref(1), 5), a_document(_ref(2), 6))
        await engine.write(generation, [_gone(_ref(1), 5), _gone(_ref(2), 5)])
        ids = [document_id("p", _ref(number)) for number in (1, 2, 3)]
        assert await engine.held(generation, ids) == set(ids[:2])
        await engine.write(generation, [_gone(_ref(1), 5), _gone(_ref(2), 5)], again=True)
        assert await engine.held(generation, ids) == {ids[1]}
        assert await engine.held(generation, []) == set()

    async def test_every_living_document_is_listed(self, engine: SearchEngine) -> None:
        """Page by page in the order of UIDs, of one partition, right after it was written, deleted ones not."""
        refs = sorted(_ref(number) for number in range(1, 24))
        generation = await self._ready(engine, *(a_document(ref) for ref in refs))
        await engine.write(
            generation, [_gone(refs[3], 2), a_document(an_instance("1.1", "1.1.1", "1.1.1.1"), 1, "q")]
        )
        await engine.settle(generation)
        found: list[InstanceRef] = []
        while page := await engine.listed(generation, "p", found[-1] if found else None, 10):
            assert len(page) <= 10
            found += page
        assert found == [ref for ref in refs if ref != refs[3]]

    async def test_old_deletions_are_purged(self, engine: SearchEngine) -> None:
        """What says that an instance was deleted goes when its day is past; what is there, and what is newer, stays."""
        day = bare_document(_ref(4), "p", deleted_on="20200102")
        newer = IndexedDocument(document_id("p", _ref(4)), 3, day, day)
        generation = await self._ready(
            engine, a_document(_ref(1), 9), _gone(_ref(2), 9), _gone(_ref(3), 9), newer
        )
        await engine.settle(generation)
        assert await engine.purge(generation, "20200102") == 2
        await engine.settle(generation)
        assert await engine.purge(generation, "20200102") == 0
        assert await engine.held(generation, [document_id("p", _ref(1))])
        # An old write is refused by the mark that is left, and by nothing where it has gone.
        await engine.write(generation, [a_document(_ref(4), 2)])
        assert not await engine.held(generation, [document_id("p", _ref(4))])

    # The method is inherited by the tests of several adapters.
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[
            HealthCheck.differing_executors,
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
        ],
    )
    @given(records=archives(), asked=st.lists(clauses(), min_size=1, max_size=8))
    async def test_clauses_mean_what_they_say(
        self, engine: SearchEngine, cluster: Cluster, records: list[InstanceRecord], asked: list[Clause]
    ) -> None:
        """On random records every random clause finds the documents that it stands for, in order."""
        partition = fresh_name("p")
        found = await engine.generations()
        generation = found.serving or await self._ready(engine)
        own = {PARTITION: partition, "size": 7}
        documents = {
            record.ref: document_of(record.ref, orjson.loads(record.metadata), own, POLICY)
            for record in records
        }
        await engine.write(
            generation, [_written(ref, document, 1, partition) for ref, document in documents.items()]
        )
        await cluster.settle()
        for clause in asked:
            page = await engine.find(partition, IndexRequest(clause, 1000))
            expected = sorted(ref for ref, document in documents.items() if fits(clause, document))
            assert (clause, expected, len(expected)) == (clause, [hit.ref for hit in page.hits], page.total)
