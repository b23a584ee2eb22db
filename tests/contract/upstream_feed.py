"""What every UpstreamFeed does, on a service to which the tests can add instances."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from shared.dicom.references import InstanceRef
from shared.ports.upstream import UpstreamFeed
from tests.instances import uids


class Service(Protocol):
    """A service with a feed; *study* is a number that no other test of it uses."""

    study: int

    async def store(self, *numbers: int) -> None:
        """Let it have these instances of the study."""
        ...

    def feed(self, limit: int) -> UpstreamFeed:
        """Return its feed in pages of *limit*."""
        ...


type OpenService = Callable[[], Awaitable[Service]]


def ref(service: Service, number: int) -> InstanceRef:
    """Return an instance of a service's study."""
    return InstanceRef(*uids(service.study, 1, number))


async def read(
    feed: UpstreamFeed, cursor: str, cursors: list[str] | None = None
) -> tuple[list[InstanceRef], str]:
    """Return all that follows *cursor*, and where the end is; *cursors* gets each place on the way."""
    refs: list[InstanceRef] = []
    for _ in range(500):
        page = await feed.page(cursor)
        refs += page.refs
        cursor = page.cursor
        if cursors is not None:
            cursors.append(cursor)
        if page.at_end:
            return refs, cursor
    raise AssertionError("the feed has no end")


class UpstreamFeedContract:
    """See test_upstream_feed for the fixture to override."""

    @pytest.fixture
    def open_service(self) -> OpenService:
        """Give the service."""
        raise NotImplementedError

    @pytest.mark.parametrize("limit", [1, 3, 100])
    async def test_every_instance_is_told(self, open_service: OpenService, limit: int) -> None:
        """Once each, from where one is, however long the pages are; at the end there is no more."""
        service = await open_service()
        _, start = await read(service.feed(100), "")
        await service.store(*range(1, 8))

        refs, end = await read(service.feed(limit), start)

        assert sorted(refs) == sorted(ref(service, number) for number in range(1, 8))
        assert await read(service.feed(limit), end) == ([], end)

    async def test_any_place_on_the_way_is_one_to_go_on_from(self, open_service: OpenService) -> None:
        """A reader that was killed loses nothing, whichever page was its last."""
        service = await open_service()
        _, start = await read(service.feed(100), "")
        await service.store(*range(1, 6))
        cursors = [start]
        whole, _ = await read(service.feed(2), start, cursors)

        for cursor in cursors:
            rest, _ = await read(service.feed(2), cursor)
            assert rest == whole[len(whole) - len(rest) :]
        assert len({*whole}) == 5

    async def test_what_comes_later_follows_the_end(self, open_service: OpenService) -> None:
        """In the order in which it comes: the end is a place like any other."""
        service = await open_service()
        _, end = await read(service.feed(100), "")
        for number in range(1, 4):
            await service.store(number)
            refs, end = await read(service.feed(3), end)
            assert refs == [ref(service, number)]

    async def test_the_feed_has_a_name_of_its_service(self, open_service: OpenService) -> None:
        """By which its place is kept: the same for each reader."""
        service = await open_service()
        assert service.feed(1).name == service.feed(100).name != ""
