"""Reconciling knows what upload sessions have published from what they have not, though the tables be lost."""

from dataclasses import replace

import pytest

from shared.backends.memory.index import MemoryIndex
from shared.backends.memory.ledger import MemoryObjectLedger
from shared.flows.commit_session import commit_session
from tests.unit.flows.test_reindex import OLD, Reconciled
from tests.unit.flows.test_sessions import begun, left, seen
from tests.unit.flows.world import KilledError


def age(made: Reconciled) -> None:
    """Let every object have been written long ago, so that nobody can be about to index it."""
    objects = made.world.objects.objects
    for key, stored in objects.items():
        objects[key] = replace(stored, info=replace(stored.info, modified_at=OLD))


async def test_what_a_session_has_published_is_found_again() -> None:
    """Its manifest says that it was: index and ledger are made anew of its objects; a second pass finds nothing."""
    made = Reconciled()
    world = made.world
    session = await begun(world)
    await commit_session(session, [], world.session_ports)
    age(made)
    assert (await made.run(restart=True)).drift == {}
    world.ledger = MemoryObjectLedger()
    world.index = MemoryIndex("default", world.feed)
    assert (await made.run(restart=True)).drift == {"new": 3}
    assert await seen(world) == ["1.2.3.1.1", "1.2.3.1.2", "1.2.3.2.1"]
    assert (await made.run(restart=True)).drift == {}


@pytest.mark.parametrize("force", [False, True])
async def test_what_a_session_has_not_published_is_left_alone(*, force: bool) -> None:
    """The objects of a commit that died are not taken for instances, at whatever call it died before its row."""
    for calls in range(20, 60):
        made = Reconciled()
        world = made.world
        session = await begun(world)
        world.interrupt(calls)
        with pytest.raises(KilledError):
            await commit_session(session, [], world.session_ports)
        world.interrupt(None)
        if await seen(world):
            break
        age(made)
        objects = left(world, "archive")
        await made.run(force=force)
        assert await seen(world) == []
        assert left(world, "archive") == objects
    assert calls > 25
