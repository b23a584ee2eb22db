"""What every ImportSource does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from shared.dicom.references import InstanceRef
from shared.errors import SourceRefusedError, UnsupportedQueryError
from shared.ports.imports import FoundStudies, ImportFilter, ImportSource, SourceInstance
from tests.instances import an_instance, uids

type Instances = Mapping[int, Sequence[int]]
"""Numbers of instances by the number of their study, as tests.instances makes them; the series is 1."""
type OpenSource = Callable[[Instances], Awaitable[ImportSource]]
"""Gives a source that holds these instances and nothing else, and has pages of two."""

THREE: Instances = {1: (1, 2, 3), 2: (1,), 3: (1, 2)}


class ImportSourceContract:
    """An adapter's test file overrides `open_source` and, if its ids of studies are others, `wanted`."""

    @pytest.fixture
    def open_source(self) -> OpenSource:
        raise NotImplementedError

    @pytest.fixture
    def wanted(self) -> ImportFilter:
        """Ask for the study 2 alone."""
        return ImportFilter(study_instance_uid=uids(2)[0])

    async def test_every_study_is_found_over_pages(self, open_source: OpenSource) -> None:
        """The pages hold every study; none is left out at their borders, and the last one says that it is the last."""
        source = await open_source(dict.fromkeys(range(1, 6), (1,)))
        found = await every_study(source, ImportFilter())
        assert len(set(found)) == 5
        listed = [await instances_of(source, study) for study in found]
        assert all(len(instances) == 1 for instances in listed)

    async def test_a_filter_finds_what_it_asks_for(
        self, open_source: OpenSource, wanted: ImportFilter
    ) -> None:
        """The one study, and nothing where there is none."""
        source = await open_source(THREE)
        [study] = set(await every_study(source, wanted))
        [instance] = await instances_of(source, study)
        assert await content_of(source, instance) == an_instance(2, 1, 1)
        assert await every_study(await open_source({}), wanted) == []

    async def test_every_instance_is_listed_once_and_fetched_as_it_is(self, open_source: OpenSource) -> None:
        """The bytes are those that were stored; UIDs and sizes, where they are listed, are true."""
        source = await open_source(THREE)
        fetched = {}
        for study in set(await every_study(source, ImportFilter())):
            for instance in await instances_of(source, study):
                fetched[instance.source_id] = content = await content_of(source, instance)
                assert (instance.ref is not None) is source.lists_uids
                assert instance.size in (None, len(content))
        wanted = [an_instance(study, 1, number) for study, numbers in THREE.items() for number in numbers]
        assert sorted(fetched.values()) == sorted(wanted)

    async def test_what_came_is_held_against_what_was_asked_for(self, open_source: OpenSource) -> None:
        """The right instance has no mismatch; another one has, and the words hold no value."""
        source = await open_source({1: (1,)})
        [study] = set(await every_study(source, ImportFilter()))
        [instance] = await instances_of(source, study)
        assert source.mismatch(instance, InstanceRef(*uids(1)), "P1") == ""
        told = source.mismatch(instance, InstanceRef(*uids(1, 1, 9)), "P1")
        assert told
        assert "P1" not in told

    async def test_what_is_not_there_is_refused(self, open_source: OpenSource) -> None:
        """A study or instance that has gone is an error that no other attempt can mend."""
        source = await open_source({1: (1,)})
        [study] = set(await every_study(source, ImportFilter()))
        [instance] = await instances_of(source, study)
        empty = await open_source({})
        with pytest.raises(SourceRefusedError):
            await content_of(empty, instance)

    async def test_ids_lead_nowhere_else(self, open_source: OpenSource) -> None:
        """An id that would lead to another resource is refused before anything is asked."""
        source = await open_source({1: (1,)})
        for odd in ("../../system", "", ".", "x/../../y", "a b?c#d"):
            with pytest.raises(SourceRefusedError):
                await content_of(source, SourceInstance(odd))
            with pytest.raises(SourceRefusedError):
                await instances_of(source, odd)

    async def test_changes_are_told_from_a_place_on_or_refused(self, open_source: OpenSource) -> None:
        """What was told once is not told again; a source that keeps no list says so."""
        source = await open_source(THREE)
        try:
            found, after = await all_changes(source, "")
        except UnsupportedQueryError:
            return
        listed = [instance for piece in found for instance in await instances_of(source, piece)]
        assert {instance.ref for instance in listed} == {
            InstanceRef(*uids(study, 1, number)) for study, numbers in THREE.items() for number in numbers
        }
        assert await all_changes(source, after) == ([], after)


async def every_study(source: ImportSource, wanted: ImportFilter) -> list[str]:
    """Return the studies of all pages."""
    found: list[str] = []
    page = FoundStudies([], "", more=True)
    while page.more:
        page = await source.discover(wanted, page.after)
        found += page.studies
    return found


async def all_changes(source: ImportSource, after: str) -> tuple[list[str], str]:
    """Return all pieces behind a place, and where the last one ends."""
    found: list[str] = []
    page = FoundStudies([], after, more=True)
    while page.more:
        page = await source.changes(page.after)
        found += page.studies
    return found, page.after


async def instances_of(source: ImportSource, study: str) -> list[SourceInstance]:
    """Return what a study lists."""
    return [instance async for instance in source.instances(study)]


async def content_of(source: ImportSource, instance: SourceInstance) -> bytes:
    """Return the bytes of an instance."""
    return b"".join([piece async for piece in source.fetch(instance)])
