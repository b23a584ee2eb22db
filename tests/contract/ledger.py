"""What every ObjectLedger does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import ConcurrentChangeError
from shared.ports.archive import ObjectLedger
from shared.records import CaseView, LedgerEntry, ObjectKey, ObjectState
from tests.contract.records import an_instance

NAMES = [
    "A/1.dcm",
    "B.dcm",
    "a",
    "a b",
    "a#",
    "a%2F",
    "a.b",
    "a/",
    "a/b",
    "a/b/c.dcm",
    "a0",
    "a?",
    "a\\b",
    "ab",
    "z/1.10.dcm",
    "z/1.9.dcm",
    "~",
    "é",
    "日本/1",
    "日本/2",
]
"""In order. Characters that keys of tables refuse or sort otherwise, and folders beside names that begin like them."""


def an_entry(name: str, state: ObjectState = ObjectState.PENDING, container: str = "images") -> LedgerEntry:
    """Return an entry that has read nothing yet."""
    return LedgerEntry(ObjectKey(container, name), '"1"', state)


class ObjectLedgerContract:
    """An adapter's test file overrides one fixture: a ledger that is empty at the beginning of each test."""

    @pytest.fixture
    def ledger(self) -> ObjectLedger:
        raise NotImplementedError

    async def test_an_entry_is_returned_as_it_was_put(self, ledger: ObjectLedger) -> None:
        """All fields come back, with a reference and without."""
        read = LedgerEntry(ObjectKey("images", "a/b.dcm"), '"0x8D"', ObjectState.INDEXED, an_instance())
        rejected = LedgerEntry(
            ObjectKey("images", "c"), '"2"', ObjectState.REJECTED, None, "not DICOM: no prefix"
        )
        of_case = replace(
            read, key=ObjectKey("images", "d"), case=CaseView("2014", "S'1", "L__CC", named=False)
        )
        await ledger.put([read, rejected, of_case])

        assert of_case == await ledger.get(of_case.key)
        assert read == await ledger.get(read.key)
        assert rejected == await ledger.get(rejected.key)
        assert None is await ledger.get(ObjectKey("images", "b.dcm"))
        assert None is await ledger.get(ObjectKey("other", "c"))

    async def test_a_later_entry_replaces_the_earlier(self, ledger: ObjectLedger) -> None:
        """An object is in one state: nothing of the entry before shines through, also within one put."""
        key = ObjectKey("images", "a")
        await ledger.put([LedgerEntry(key, '"1"', ObjectState.INDEXED, an_instance(), "old")])
        await ledger.put([an_entry("a"), LedgerEntry(key, '"2"', ObjectState.IGNORED, reason="a folder")])

        assert LedgerEntry(key, '"2"', ObjectState.IGNORED, None, "a folder") == await ledger.get(key)
        assert len([entry async for entry in ledger.scan("images")]) == 1

    async def test_a_removed_entry_is_gone(self, ledger: ObjectLedger) -> None:
        """Removing is idempotent and touches no other entry."""
        await ledger.put([an_entry("a"), an_entry("a/b"), an_entry("A")])
        await ledger.remove(ObjectKey("images", "a"))
        await ledger.remove(ObjectKey("images", "a"))

        assert None is await ledger.get(ObjectKey("images", "a"))
        assert [entry.key.name async for entry in ledger.scan("images")] == ["A", "a/b"]

    async def test_who_has_seen_an_older_entry_writes_nothing(self, ledger: ObjectLedger) -> None:
        """An entry is advanced from what was read of it, by one of those who read it."""
        entry = an_entry("a#")
        first = await ledger.advance(entry, seen=None)
        with pytest.raises(ConcurrentChangeError):
            await ledger.advance(entry, seen=None)
        read = await ledger.get(entry.key)
        settled = replace(entry, state=ObjectState.INDEXED)
        second = await ledger.advance(settled, seen=read)

        with pytest.raises(ConcurrentChangeError):
            await ledger.advance(entry, seen=first)
        with pytest.raises(ConcurrentChangeError):
            await ledger.forget(first)
        assert settled == await ledger.get(entry.key)
        await ledger.forget(second)
        assert None is await ledger.get(entry.key)
        with pytest.raises(ConcurrentChangeError):
            await ledger.advance(entry, seen=second)

    async def test_put_of_nothing_does_nothing(self, ledger: ObjectLedger) -> None:
        """An empty put is no error."""
        await ledger.put([])

        assert [entry async for entry in ledger.scan("images")] == []

    async def test_scan_is_in_the_order_of_names(self, ledger: ObjectLedger) -> None:
        """Names sort by their characters, so that a scan can be merged with the listing of a store."""
        assert sorted(NAMES) == NAMES
        await ledger.put([an_entry(name) for name in reversed(NAMES)])

        assert [entry.key.name async for entry in ledger.scan("images")] == NAMES

    @pytest.mark.parametrize("after", [*NAMES[::3], "", "a.a", "z/1", "zz"])
    async def test_scan_begins_after_a_name(self, ledger: ObjectLedger, after: str) -> None:
        """A scan that stopped goes on where it was, whether or not that name is still there."""
        await ledger.put([an_entry(name) for name in NAMES])

        expected = [name for name in NAMES if name > after]
        assert expected == [entry.key.name async for entry in ledger.scan("images", after=after)]

    async def test_long_names_are_kept_apart_and_in_order(self, ledger: ObjectLedger) -> None:
        """Names up to the 1024 characters that stores allow, which differ only in their last."""
        long = "x" * 1023
        names = [long + end for end in "ABCxyz"] + ["x/" + "#" * 1022, "日" * 1024]
        await ledger.put([an_entry(name) for name in reversed(names)])

        for name in names:
            assert an_entry(name) == await ledger.get(ObjectKey("images", name))
        expected = sorted(names)
        assert expected == [entry.key.name async for entry in ledger.scan("images")]
        assert expected[3:] == [entry.key.name async for entry in ledger.scan("images", after=expected[2])]

    async def test_containers_are_scanned_by_themselves(self, ledger: ObjectLedger) -> None:
        """The entries of a container whose name begins with another's are not among the other's."""
        await ledger.put([an_entry("a"), an_entry("a", container="images2"), an_entry("b", container="imag")])

        assert [an_entry("a")] == [entry async for entry in ledger.scan("images")]
        assert [entry async for entry in ledger.scan("none")] == []

    async def test_many_entries_are_all_scanned(self, ledger: ObjectLedger) -> None:
        """More entries than any page or transaction holds, in one folder and in many."""
        names = [f"one/{number:05d}" for number in range(1100)]
        names += [f"many/{number % 7}/{number:05d}" for number in range(300)]
        await ledger.put([an_entry(name) for name in names])

        assert sorted(names) == [entry.key.name async for entry in ledger.scan("images")]
