"""The keys of an issuer are fetched when they are needed, once, and outlive its failures for a stated time."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from shared.access.signing_keys import REFRESH_SECONDS, RETRY_SECONDS, SigningKeys
from shared.errors import BackendUnavailableError, UnauthenticatedError

MOST = 24 * 3600.0
REFETCH = 60.0


class Source:
    """An issuer's keys, a clock, and what was asked when."""

    def __init__(self, *kids: str) -> None:
        self.kids = list(kids)
        self.now = 1000.0
        self.asked = 0
        self.is_down = False
        self.answering = asyncio.Event()
        self.answering.set()
        self.keys = SigningKeys(
            self.fetch, most_seconds=MOST, refetch_seconds=REFETCH, clock=lambda: self.now
        )

    async def fetch(self) -> list[Mapping[str, Any]]:
        """Answer as the issuer would."""
        self.asked += 1
        await self.answering.wait()
        if self.is_down:
            raise BackendUnavailableError("down")
        return [{"kid": kid, "kty": "RSA"} for kid in self.kids]

    async def settled(self) -> None:
        """Wait until what is being fetched in the background is there."""
        if self.keys._fetching is not None:
            await self.keys._fetching


async def test_keys_are_fetched_once() -> None:
    """For the first token, and not for those after it."""
    source = Source("a", "b")
    assert source.asked == 0
    assert (await source.keys.get("a"))["kid"] == "a"
    assert (await source.keys.get("b"))["kid"] == "b"
    assert source.asked == 1


async def test_concurrent_requests_fetch_once() -> None:
    """All wait for the same answer; one who leaves takes it from nobody."""
    source = Source("a")
    source.answering.clear()
    waiting = [asyncio.create_task(source.keys.get("a")) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    source.answering.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(not isinstance(one, BaseException) for one in found[1:])
    assert source.asked == 1


async def test_an_unknown_key_makes_them_be_fetched_again_but_not_often() -> None:
    """A rotated key is found; who invents ids cannot make the app ask the issuer for each."""
    source = Source("a")
    await source.keys.get("a")
    source.kids = ["b"]
    assert (await source.keys.get("b"))["kid"] == "b"
    assert source.asked == 2
    for number in range(100):
        with pytest.raises(UnauthenticatedError):
            await source.keys.get(f"invented-{number}")
    assert source.asked == 2
    source.now += REFETCH
    with pytest.raises(UnauthenticatedError):
        await source.keys.get("invented")
    assert source.asked == 3


async def test_all_who_come_with_a_rotated_key_wait_for_it() -> None:
    """The first asks the issuer, and none of the others is refused meanwhile."""
    source = Source("a")
    await source.keys.get("a")
    source.kids = ["b"]
    source.answering.clear()
    waiting = [asyncio.create_task(source.keys.get("b")) for _ in range(20)]
    await asyncio.sleep(0)
    source.answering.set()
    assert {key["kid"] for key in await asyncio.gather(*waiting)} == {"b"}
    assert source.asked == 2


async def test_a_key_that_was_withdrawn_is_not_taken_any_more() -> None:
    """Once the keys were fetched without it."""
    source = Source("a", "b")
    await source.keys.get("a")
    source.kids = ["b", "c"]
    await source.keys.get("c")
    with pytest.raises(UnauthenticatedError):
        await source.keys.get("a")


async def test_old_keys_serve_while_new_ones_are_fetched() -> None:
    """Nobody waits for a key that is known."""
    source = Source("a")
    await source.keys.get("a")
    source.now += REFRESH_SECONDS + 1
    source.answering.clear()
    await source.keys.get("a")
    await asyncio.sleep(0)
    assert source.asked == 2
    source.answering.set()
    await source.settled()
    await source.keys.get("a")
    assert source.asked == 2


async def test_keys_serve_while_the_issuer_is_down_until_they_are_too_old() -> None:
    """Then nobody is let in, for a key may have been withdrawn meanwhile: 503, not 401."""
    source = Source("a")
    await source.keys.get("a")
    source.is_down = True
    source.now += MOST - 1
    await source.keys.get("a")
    await source.settled()
    source.now += RETRY_SECONDS + 1
    with pytest.raises(BackendUnavailableError):
        await source.keys.get("a")
    source.is_down = False
    source.now += RETRY_SECONDS
    await source.keys.get("a")


async def test_an_issuer_that_is_down_is_not_asked_by_every_request() -> None:
    """While no key is known at all."""
    source = Source("a")
    source.is_down = True
    for _ in range(20):
        with pytest.raises(BackendUnavailableError):
            await source.keys.get("a")
    assert source.asked == 1


@pytest.mark.parametrize("answer", [[], [{"kid": 7}], [{"kty": "RSA"}], [{"kid": "b", "use": "enc"}]])
async def test_an_answer_without_keys_takes_none_away(answer: list[Mapping[str, Any]]) -> None:
    """It is a failure of the issuer's."""
    source = Source("a")
    await source.keys.get("a")

    async def nothing() -> list[Mapping[str, Any]]:
        return answer

    source.keys._fetch = nothing
    with pytest.raises(UnauthenticatedError):
        await source.keys.get("b")
    await source.keys.get("a")
