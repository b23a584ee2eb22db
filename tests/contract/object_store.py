"""What every ObjectStore does."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import ObjectChangedError, ObjectNotFoundError
from shared.ports.archive import ObjectStore
from shared.records import ObjectKey
from tests.contract.object_store_fixtures import MIB, Backdoor, pattern
from tests.contract.object_writing import ObjectWritingContract

ODD_NAMES = [
    "a b.dcm",
    "a#b?c%d",
    "%2F%25",
    "plus+and&amp;",
    "quote'\"<>",
    "Ünï/日本語.dcm",
    "a//b",
    "/a",
    "a.../b",
    "x" * 1024,
]


class ObjectStoreContract(ObjectWritingContract):
    """See ObjectStoreFixtures for the fixtures to override: a store, an empty container in it, and a back door."""

    async def test_head_describes_an_object(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey
    ) -> None:
        """Key, size, etag and time of an object that something else wrote."""
        await backdoor.write(key, b"0123456789")
        info = await store.head(key)

        assert (key, 10, False) == (info.key, info.size, info.is_folder)
        assert info.etag
        assert abs(datetime.now(UTC) - info.modified_at) < timedelta(minutes=1)

    async def test_what_is_absent_is_not_found(self, store: ObjectStore, key: ObjectKey) -> None:
        """Neither an object nor a container that is not there can be read."""
        for missing in (key, ObjectKey("no-such-container", "a")):
            with pytest.raises(ObjectNotFoundError):
                await store.head(missing)
            with pytest.raises(ObjectNotFoundError):
                await store.read_range(missing, 0, 10)
            with pytest.raises(ObjectNotFoundError):
                await store.read_range(missing, 5, 5)
            with pytest.raises(ObjectNotFoundError):
                await anext(aiter(store.stream(missing)))
            await store.delete(missing)

    async def test_what_has_gone_is_not_found_by_its_etag(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey
    ) -> None:
        """An object that is gone is not taken for one that changed."""
        await backdoor.write(key, b"data")
        etag = (await store.head(key)).etag
        await store.delete(key)

        for start, end in ((0, 4), (2, 2), (9, 10)):
            with pytest.raises(ObjectNotFoundError):
                await store.read_range(key, start, end, if_match=etag)
        with pytest.raises(ObjectNotFoundError):
            await anext(aiter(store.stream(key, if_match=etag)))

    @pytest.mark.parametrize(
        ("span", "expected"),
        [
            ((0, 10), b"0123456789"),
            ((0, 1), b"0"),
            ((3, 7), b"3456"),
            ((9, 10), b"9"),
            ((8, 1000), b"89"),
            ((10, 11), b""),
            ((50, 60), b""),
            ((4, 4), b""),
            ((0, 0), b""),
        ],
    )
    async def test_ranges_are_half_open(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey, span: tuple[int, int], expected: bytes
    ) -> None:
        """A range gives its bytes, fewer at the end, none past it; the object is described with all of them."""
        await backdoor.write(key, b"0123456789")
        found = await store.read_range(key, *span)

        assert expected == found.data
        assert await store.head(key) == found.info
        assert expected == b"".join([piece async for piece in store.stream(key, *span)])

    async def test_an_empty_object_is_read(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey
    ) -> None:
        """An object without bytes is there all the same."""
        await backdoor.write(key, b"")
        found = await store.read_range(key, 0, 65536)

        assert (found.data, found.info.size) == (b"", 0)
        assert await store.head(key) == found.info
        assert b"".join([piece async for piece in store.stream(key)]) == b""

    async def test_reading_can_be_held_to_an_etag(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey
    ) -> None:
        """What is read is as it was at that etag, or it is not read."""
        await backdoor.write(key, b"old")
        old = (await store.head(key)).etag
        assert (await store.read_range(key, 0, 10, if_match=old)).data == b"old"
        assert b"".join([piece async for piece in store.stream(key, if_match=old)]) == b"old"
        await backdoor.write(key, b"new")

        for start, end in ((0, 10), (1, 2), (99, 100), (1, 1)):
            with pytest.raises(ObjectChangedError):
                await store.read_range(key, start, end, if_match=old)
        with pytest.raises(ObjectChangedError):
            await anext(aiter(store.stream(key, if_match=old)))
        assert old != (await store.head(key)).etag

    async def test_a_large_object_streams_in_pieces(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey
    ) -> None:
        """Pieces of a few MiB join to the whole or to the part asked for."""
        data = pattern(18 * MIB + 5)
        await backdoor.write(key, data)

        pieces = [piece async for piece in store.stream(key)]
        part = b"".join([piece async for piece in store.stream(key, 3 * MIB + 1, 12 * MIB)])

        assert data == b"".join(pieces)
        assert max(map(len, pieces)) <= 8 * MIB
        assert data[3 * MIB + 1 : 12 * MIB] == part
        assert data[17 * MIB :] == b"".join([piece async for piece in store.stream(key, 17 * MIB)])

    async def test_a_stream_does_not_mix_two_contents(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey
    ) -> None:
        """An object replaced while it streams ends the stream with an error, though no etag was given."""
        await backdoor.write(key, bytes(40 * MIB))
        pieces = aiter(store.stream(key))
        seen = [await anext(pieces)]
        await backdoor.write(key, b"\1" * (40 * MIB))

        async def read_on() -> None:
            async for piece in pieces:
                seen.append(piece)  # noqa: PERF401 - what came before the error counts

        with pytest.raises(ObjectChangedError):
            await read_on()
        assert not any(any(piece) for piece in seen)

    async def test_a_stream_may_be_left(self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey) -> None:
        """A reader who has enough leaves nothing running behind."""
        await backdoor.write(key, bytes(20 * MIB))
        before = asyncio.all_tasks()
        async for _ in (pieces := aiter(store.stream(key))):
            break
        await pieces.aclose()  # type: ignore[attr-defined]  # adapters return async generators

        assert before == asyncio.all_tasks()

    async def test_delete_removes(self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey) -> None:
        """Deleting is idempotent, with an etag too."""
        await backdoor.write(key, b"data")
        etag = (await store.head(key)).etag
        await store.delete(key)
        await store.delete(key)
        await store.delete(key, if_match=etag)

        assert None is await backdoor.read(key)

    async def test_delete_can_be_held_to_an_etag(
        self, store: ObjectStore, backdoor: Backdoor, key: ObjectKey
    ) -> None:
        """What has been replaced meanwhile stays."""
        old = (await store.put(key, b"old")).etag
        new = (await store.put(key, b"new")).etag
        with pytest.raises(ObjectChangedError):
            await store.delete(key, if_match=old)
        assert await backdoor.read(key) == b"new"

        await store.delete(key, if_match=new)
        assert None is await backdoor.read(key)

    @pytest.mark.parametrize("name", ODD_NAMES, ids=range(len(ODD_NAMES)))
    async def test_names_may_hold_any_character(
        self, store: ObjectStore, backdoor: Backdoor, container: str, name: str
    ) -> None:
        """A name means the same object to every method and to other programs."""
        key = ObjectKey(container, name)
        if name in self.impossible_names:
            with pytest.raises(ObjectNotFoundError):
                await store.put(key, b"data")
            with pytest.raises(ObjectNotFoundError):
                await store.head(key)
            return
        await store.put(key, b"data", if_absent=True)

        assert await backdoor.read(key) == b"data"
        assert key == (await store.head(key)).key
        assert (b"at", key) == ((found := await store.read_range(key, 1, 3)).data, found.info.key)
        assert [key] == [info.key async for info in store.scan(container)]
        await store.delete(key)
        assert None is await backdoor.read(key)

    async def test_a_name_is_kept_or_refused(self, store: ObjectStore, container: str) -> None:
        """A name that the store cannot keep as it is does not become another's."""
        kept = []
        for name in ("..", "../x", "a/../b", "a/./b", "back\\slash", "x" * 1025):
            with suppress(ObjectNotFoundError):
                await store.put(ObjectKey(container, name), b"data")
                kept.append(name)

        assert sorted(kept) == [info.key.name async for info in store.scan(container)]
        with pytest.raises(ObjectNotFoundError):
            await store.head(ObjectKey(container, f"../{container}/b"))

    async def test_scan_describes_objects_in_order(self, store: ObjectStore, container: str) -> None:
        """Every object as head would describe it, in the order of names' characters."""
        names = ["A", "a", "a b", "a.dcm", "a/b", "a/b/c", "aa", "b#1", "é", "日"]
        for name in reversed(names):
            await store.put(ObjectKey(container, name), name.encode())
        found = [info async for info in store.scan(container)]

        assert names == [info.key.name for info in found]
        assert [await store.head(ObjectKey(container, name)) for name in names] == found

    @pytest.mark.parametrize(
        ("bounds", "expected"),
        [
            ({"prefix": "a/"}, ["a/1", "a/2", "a/3"]),
            ({"prefix": "a", "after": "a/1"}, ["a/2", "a/3", "ab"]),
            ({"after": "a/2"}, ["a/3", "ab", "b"]),
            ({"after": "a/25"}, ["a/3", "ab", "b"]),
            ({"prefix": "a/2"}, ["a/2"]),
            ({"prefix": "b", "after": "a/1"}, ["b"]),
            ({"prefix": "a", "after": "b"}, []),
            ({"prefix": "z"}, []),
        ],
    )
    async def test_scan_can_be_narrowed(
        self,
        store: ObjectStore,
        backdoor: Backdoor,
        container: str,
        bounds: dict[str, str],
        expected: list[str],
    ) -> None:
        """Only names with the prefix, and only those after where an earlier scan stopped, there or not."""
        for name in ("a/1", "a/2", "a/3", "ab", "b"):
            await backdoor.write(ObjectKey(container, name), b"")

        found = [info.key.name async for info in store.scan(container, **bounds)]
        assert expected == found

    async def test_scan_tells_folders(self, store: ObjectStore, backdoor: Backdoor, container: str) -> None:
        """The marker of a folder is listed and known as one."""
        marker = self.folder_marker
        await backdoor.make_folder(ObjectKey(container, marker))
        await backdoor.write(ObjectKey(container, "a/b"), b"")
        found = [(info.key.name, info.is_folder) async for info in store.scan(container)]

        assert found == [(marker, True), ("a/b", False)]
        assert (await store.head(ObjectKey(container, marker))).is_folder

    async def test_scan_of_no_container_is_not_found(self, store: ObjectStore, container: str) -> None:
        """An empty container is empty; one that is not there is an error."""
        assert [info async for info in store.scan(container)] == []
        with pytest.raises(ObjectNotFoundError):
            await anext(aiter(store.scan("no-such-container")))
