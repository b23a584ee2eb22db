"""What every Partitions does."""

from __future__ import annotations

import pytest

from shared.ports.archive import Partitions
from tests.contract.records import fresh_name


class PartitionsContract:
    """An adapter's test file overrides one fixture; names that other tests have made known may be there."""

    @pytest.fixture
    def partitions(self) -> Partitions:
        raise NotImplementedError

    async def test_only_what_was_added_is_known(self, partitions: Partitions) -> None:
        """By its exact name."""
        name = fresh_name("known")
        assert not await partitions.has(name)

        await partitions.add(name)

        assert await partitions.has(name)
        assert not await partitions.has(name.upper())

    async def test_they_come_in_the_order_they_were_made(self, partitions: Partitions) -> None:
        """And adding one again changes nothing."""
        names = [fresh_name(first) for first in ("z", "a")]
        for name in names:
            await partitions.add(name)
        before = await partitions.all()
        await partitions.add(names[0])

        assert before == await partitions.all()
        assert names == [one.name for one in before if one.name in names]
