"""What the suites of an object store stand on. Holds no tests itself."""

from __future__ import annotations

from typing import ClassVar, Protocol

import pytest

from shared.ports.archive import ObjectStore
from shared.records import ObjectKey

MIB = 1024 * 1024


class Backdoor(Protocol):
    """Reads and writes a store past the port, so that one method is not proved by another."""

    async def write(self, key: ObjectKey, data: bytes) -> None:
        """Write an object."""
        ...

    async def read(self, key: ObjectKey) -> bytes | None:
        """Read an object, None if there is none."""
        ...

    async def make_folder(self, key: ObjectKey) -> None:
        """Write the marker that a store with a hierarchy keeps for a folder."""
        ...


def pattern(length: int) -> bytes:
    """Return bytes in which every 4 tell where they stand."""
    return b"".join(number.to_bytes(4) for number in range(length // 4 + 1))[:length]


class ObjectStoreFixtures:
    """What an adapter's test file overrides: a store, an empty container in it, and a back door."""

    impossible_names: ClassVar[frozenset[str]] = frozenset()
    """Of the names that others keep, those that this store would keep under another name; it refuses them."""
    folder_marker: ClassVar[str] = "a"
    """Name of the object that marks the folder `a`."""

    @pytest.fixture
    def store(self) -> ObjectStore:
        raise NotImplementedError

    @pytest.fixture
    def container(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def backdoor(self) -> Backdoor:
        raise NotImplementedError

    @pytest.fixture
    def key(self, container: str) -> ObjectKey:
        return ObjectKey(container, "folder/name.dcm")
