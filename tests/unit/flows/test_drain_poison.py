"""What the host gave up is done after all, or kept with its reason; nothing is lost at any kill."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import pytest

from shared.errors import BackendUnavailableError
from shared.flows.drain_poison import UNSAID, LastTry, drain_poison
from shared.flows.list_poison import list_poison
from shared.flows.replay_poison import replay_poison
from tests.unit.flows.world import KilledError, World

QUEUES = frozenset({"blob-events", "study-changed"})


class Tries:
    """Handlers that fail on what is named; *seen* is what they were given."""

    def __init__(self, failing: Mapping[bytes, str]) -> None:
        self.failing = failing
        self.seen: list[bytes] = []

    async def __call__(self, content: bytes, message_id: str) -> str:
        """Work on a message."""
        self.seen.append(content)
        return self.failing.get(content, "")


async def drained(world: World, handler: LastTry, seconds: float = 60) -> Mapping[str, int]:
    """Drain both queues."""
    return await drain_poison(
        dict.fromkeys(sorted(QUEUES), handler),
        poison=world.port(world.poison),
        objects=world.port(world.objects),
        rejected_container="rejected",
        seconds=seconds,
    )


async def listed(world: World, **options: object) -> list[dict[str, object]]:
    """Return what is kept."""
    return await list_poison(world.objects, "rejected", **{"limit": 100, **options})  # type: ignore[arg-type]


async def replayed(world: World, name: str) -> int:
    """Replay what is kept under a name."""
    return await replay_poison(
        name,
        poison=world.port(world.poison),
        objects=world.port(world.objects),
        container="rejected",
        queues=QUEUES,
        limit=1000,
    )


async def test_what_works_at_last_is_done_and_the_rest_is_kept_with_its_reason() -> None:
    """However many there are, of each queue."""
    world = World()
    failing = {b"%d" % number: f"SomeError: number {number}" for number in range(0, 50, 5)}
    for number in range(50):
        world.poison.give_up("blob-events" if number % 2 else "study-changed", b"%d" % number)
    tries = Tries(failing)

    assert await drained(world, tries) == {"done": 40, "kept": 10}

    assert sorted(tries.seen) == sorted(b"%d" % number for number in range(50))
    kept = await listed(world)
    assert {str(one["message"]).encode(): one["reason"] for one in kept} == failing
    assert all(one["replayable"] and one["given_up_at"] and one["drained_at"] for one in kept)
    world.poison.show_again()
    assert await drained(world, tries) == {}


async def test_what_ended_the_process_is_not_tried_again() -> None:
    """A message taken for the second time is kept without another try, for that may be what it does."""
    world = World()
    world.poison.give_up("blob-events", b"bomb")

    async def explode(content: bytes, message_id: str) -> str:
        raise KilledError

    with pytest.raises(KilledError):
        await drained(world, explode)
    world.poison.show_again()
    assert await drained(world, explode) == {"kept": 1}

    [kept] = await listed(world)
    assert kept["reason"] == UNSAID


async def test_a_kill_at_any_call_loses_no_message_and_keeps_none_twice() -> None:
    """Each message is done or kept in the end, under one name, wherever the process died."""
    calls = 0
    while True:
        world = World()
        for content in (b"good", b"bad"):
            world.poison.give_up("blob-events", content)
        tries = Tries({b"bad": "SomeError: bad"})
        world.interrupt(calls)
        try:
            await drained(world, tries)
            finished = True
        except KilledError:
            finished = False
        world.interrupt(None)
        world.poison.show_again()
        await drained(world, tries)
        assert b"good" in tries.seen
        kept = {one["message"]: one["reason"] for one in await listed(world)}
        assert kept.keys() - {"good"} == {"bad"}, calls
        world.poison.show_again()
        assert await world.poison.take("blob-events", 16) == []
        if finished:
            break
        calls += 1
    assert calls > 4


async def test_a_store_that_is_down_leaves_the_messages() -> None:
    """The next run has them."""
    world = World()
    world.poison.give_up("blob-events", b"bad")
    tries = Tries({b"bad": "why"})
    world.interrupt(1, BackendUnavailableError("away"))
    with pytest.raises(BackendUnavailableError):
        await drained(world, tries)
    world.interrupt(None)
    world.poison.show_again()

    assert await drained(world, tries) == {"kept": 1}


async def test_time_that_is_over_ends_a_run() -> None:
    """Nothing is taken then."""
    world = World()
    world.poison.give_up("blob-events", b"bad")

    assert await drained(world, Tries({}), seconds=0) == {}
    assert len(await world.poison.take("blob-events", 5)) == 1


async def test_what_is_kept_goes_back_to_its_queue() -> None:
    """One message, or all of a queue; its bytes are what they were, and nothing is kept of it any more."""
    world = World()
    contents = [b"\xff\x00", *(b"%d" % number for number in range(4))]
    for content in contents:
        world.poison.give_up("blob-events", content)
    world.poison.give_up("study-changed", b"s")
    await drained(world, Tries(dict.fromkeys([*contents, b"s"], "why")))
    one = next(kept for kept in await listed(world) if kept["message"] == "2")

    assert await replayed(world, str(one["name"])) == 1
    assert world.poison.sent == [("blob-events", b"2")]
    assert await replayed(world, "blob-events") == 4
    assert sorted(content for _, content in world.poison.sent) == sorted(contents)
    assert [kept["queue"] for kept in await listed(world)] == ["study-changed"]
    assert await listed(world, queue="blob-events") == []


async def test_pages_follow_each_other() -> None:
    """The name of the last message seen begins the next page."""
    world = World()
    for number in range(5):
        world.poison.give_up("blob-events", b"%d" % number)
    await drained(world, Tries({b"%d" % number: "why" for number in range(5)}))
    first = await listed(world, limit=3)
    rest = await listed(world, limit=3, after=first[-1]["name"])

    assert sorted(str(one["message"]) for one in [*first, *rest]) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    "name", ["uploads", "../x", "blob-events/none.json", "blob-events/../../images/a.dcm"]
)
async def test_what_is_not_kept_is_not_found(name: str) -> None:
    """Nor does a name lead out of the folder."""
    from shared.errors import NotFoundError

    world = World()
    with pytest.raises(NotFoundError):
        await replayed(world, name)


async def test_a_kept_message_is_json_that_people_can_read() -> None:
    """With its queue, why, when, and the message as text."""
    world = World()
    world.poison.give_up("blob-events", b'{"subject": "x"}')
    await drained(world, Tries({b'{"subject": "x"}': "InvalidRequestError: no blob"}))
    [(key, stored)] = [
        (key, one) for key, one in world.objects.objects.items() if key.container == "rejected"
    ]

    assert key.name.startswith("_poison/blob-events/")
    told = orjson.loads(stored.data)
    assert (told["queue"], told["reason"]) == ("blob-events", "InvalidRequestError: no blob")
    assert told["message"] == '{"subject": "x"}'
