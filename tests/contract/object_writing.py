"""What every ObjectStore does when it is written to. A part of object_store.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.errors import ObjectChangedError, ObjectExistsError, ObjectNotFoundError
from shared.ports.archive import ObjectStore
from shared.records import ObjectKey
from tests.contract.object_store_fixtures import MIB, Backdoor, ObjectStoreFixtures, pattern


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _breaking_off(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    raise ConnectionResetError("the client went away")


class ObjectWritingContract(ObjectStoreFixtures):
    """See ObjectStoreFixtures for the fixtures to override."""

    async def test_put_writes_bytes(self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey) -> None:
        """What is put is there, and is described as head would."""
        info = await store.put(key, b"data")

        assert await backdoor.read(key) == b"data"
        assert await store.head(key) == info
        assert info.size == 4

    async def test_put_replaces(self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey) -> None:
        """Other content has another etag."""
        old = await store.put(key, b"old")
        new = await store.put(key, _pieces(b"n", b"ew"))

        assert await backdoor.read(key) == b"new"
        assert old.etag != new.etag

    @pytest.mark.parametrize("pieces", [(), (b"",), (b"a",), (b"", b"ab", b"", b"c")])
    async def test_put_joins_small_pieces(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey, pieces: tuple[bytes, ...]
    ) -> None:
        """Pieces of any length, empty ones too, are written one behind the other."""
        info = await store.put(key, _pieces(*pieces), content_type="text/plain")

        assert b"".join(pieces) == await backdoor.read(key)
        assert await store.head(key) == info

    @pytest.mark.parametrize("piece_length", [64 * 1024 + 1, 5 * MIB, 21 * MIB])
    async def test_put_joins_large_pieces(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey, piece_length: int
    ) -> None:
        """An object of many blocks is written whole, however its pieces lie to the blocks."""
        data = pattern(21 * MIB + 3)
        pieces = [data[start : start + piece_length] for start in range(0, len(data), piece_length)]
        info = await store.put(key, _pieces(*pieces))

        assert data == await backdoor.read(key)
        assert await store.head(key) == info

    async def test_put_writes_many_bytes(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey
    ) -> None:
        """Bytes are put at any length."""
        data = pattern(17 * MIB)
        info = await store.put(key, data)

        assert data == await backdoor.read(key)
        assert await store.head(key) == info

    @pytest.mark.parametrize("length", [0, 1000, 10 * MIB])
    async def test_a_put_that_fails_leaves_nothing(
        self, store: ObjectStore, backdoor: Backdoor, container: str, length: int
    ) -> None:
        """When the pieces break off the error is theirs, nothing appears, and what was there stays."""
        absent, present = ObjectKey(container, "absent"), ObjectKey(container, "present")
        await backdoor.write(present, b"before")
        before = asyncio.all_tasks()
        for key in (absent, present):
            with pytest.raises(ConnectionResetError):
                await store.put(key, _breaking_off(*[bytes(length // 2)] * 2))

        assert None is await backdoor.read(absent)
        assert await backdoor.read(present) == b"before"
        assert [info.key.name async for info in store.scan(container)] == ["present"]
        assert before == asyncio.all_tasks()

    @pytest.mark.parametrize("length", [4, 9 * MIB])
    async def test_put_if_absent_spares_what_is_there(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey, length: int
    ) -> None:
        """The first put succeeds, the next are refused, from bytes and from pieces."""
        await store.put(key, _pieces(bytes(length)), if_absent=True)
        with pytest.raises(ObjectExistsError):
            await store.put(key, b"\1" * length, if_absent=True)
        with pytest.raises(ObjectExistsError):
            await store.put(key, _pieces(*[b"\1" * (length // 2)] * 2), if_absent=True)

        assert bytes(length) == await backdoor.read(key)

    async def test_put_if_absent_that_is_overtaken_is_refused(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey
    ) -> None:
        """An object that appears while the pieces are still coming is not overwritten."""

        async def overtaken() -> AsyncIterator[bytes]:
            yield bytes(9 * MIB)
            await backdoor.write(key, b"first")
            yield bytes(9 * MIB)

        with pytest.raises(ObjectExistsError):
            await store.put(key, overtaken(), if_absent=True)
        assert await backdoor.read(key) == b"first"

    async def test_of_racing_conditional_puts_one_wins(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey
    ) -> None:
        """Eight writers of one name: one object, seven refusals."""
        results = await asyncio.gather(
            *(store.put(key, bytes([number]), if_absent=True) for number in range(8)), return_exceptions=True
        )

        winners = [number for number, result in enumerate(results) if not isinstance(result, BaseException)]
        assert sum(isinstance(result, ObjectExistsError) for result in results) == 7
        assert bytes(winners) == await backdoor.read(key)

    @pytest.mark.parametrize("length", [4, 9 * MIB])
    async def test_put_replaces_what_it_is_told_to(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey, length: int
    ) -> None:
        """Only what has the etag is replaced: not what came after it, and not nothing."""
        await backdoor.write(key, b"first")
        first = (await store.head(key)).etag
        second = await store.put(key, _pieces(bytes(length)), if_match=first)
        for data in (b"\1" * length, _pieces(b"\1" * (length // 2), b"\1" * (length // 2))):
            with pytest.raises(ObjectChangedError):
                await store.put(key, data, if_match=first)

        assert bytes(length) == await backdoor.read(key)
        await store.delete(key)
        with pytest.raises(ObjectChangedError):
            await store.put(key, bytes(length), if_match=second.etag)
        assert None is await backdoor.read(key)

    async def test_of_racing_replacements_one_wins(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey
    ) -> None:
        """Eight writers who replace the same object: one does, seven are told."""
        before = await store.put(key, b"before")
        results = await asyncio.gather(
            *(store.put(key, bytes([number]), if_match=before.etag) for number in range(8)),
            return_exceptions=True,
        )

        winners = [number for number, result in enumerate(results) if not isinstance(result, BaseException)]
        assert sum(isinstance(result, ObjectChangedError) for result in results) == 7
        assert bytes(winners) == await backdoor.read(key)

    async def test_put_into_no_container_is_not_found(self, store: ObjectStore) -> None:
        """Containers are made beforehand; a put does not make one."""
        for data in (b"data", _pieces(bytes(9 * MIB), bytes(9 * MIB))):
            with pytest.raises(ObjectNotFoundError):
                await store.put(ObjectKey("no-such-container", "a"), data)
