"""Fill every peer with the same instances, and remember how many a kept folder holds."""

import asyncio
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.dicomweb_operations import DicomwebOperations, body
from bench.instances import SMALL, Kind, instance_bytes
from client.progress import Progress

_PER_REQUEST = 50
_CLIENTS = 4


@dataclass(slots=True)
class Stock:
    """How many instances of each kind all peers hold; kept in a file beside the data."""

    path: Path
    held: dict[str, int] = field(default_factory=dict)
    peers: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path) -> "Stock":
        """Read what an earlier run left in a folder."""
        path = folder / "stock.json"
        return cls(path, **json.loads(path.read_text())) if path.exists() else cls(path)

    def belongs_to(self, peers: list[str]) -> None:
        """End the run where a kept folder was filled by other peers: the stores would not be alike."""
        if self.peers and self.peers != peers:
            sys.exit(f"{self.path.parent} was filled by {self.peers}, not {peers}: take another folder")
        self.peers = peers

    def number(self, kind: Kind) -> int:
        """Return the number of instances held, which is the first that is not."""
        return self.held.get(str(kind.code), 0)

    @property
    def instances(self) -> int:
        """How many there are of all kinds."""
        return sum(self.held.values())

    def take(self, kind: Kind, count: int) -> range:
        """Return the next *count* numbers, which the caller stores in every peer.

        A study that is there in part is left so: measuring begins with a study of its own.
        """
        begin = -(-self.number(kind) // kind.study_size) * kind.study_size
        self.held[str(kind.code)] = begin + count
        return range(begin, begin + count)

    def keep(self) -> None:
        """Write the file."""
        self.path.write_text(json.dumps({"held": self.held, "peers": self.peers}))


async def fill(peers: Iterable[tuple[str, DicomwebOperations]], kind: Kind, numbers: range) -> None:
    """Store instances in one peer after the other, as fast as several clients can."""
    for name, operations in peers:
        progress = Progress(f"filling {name}", len(numbers))
        batches = iter(range(0, len(numbers), _PER_REQUEST))
        done = 0

        async def client(operations: DicomwebOperations, batches: Iterable[int], progress: Progress) -> None:
            nonlocal done
            for begin in batches:
                some = numbers[begin : begin + _PER_REQUEST]
                data = body([instance_bytes(kind, number) for number in some])
                await operations.store([data])(0)
                done += len(some)
                progress.show(done)

        await asyncio.gather(*(client(operations, batches, progress) for _ in range(_CLIENTS)))


def missing(stock: Stock, size: int) -> range:
    """Take as many small instances, in whole studies, as are missing for a store of *size*."""
    studies = -(-max(0, size - stock.instances) // SMALL.study_size)
    return stock.take(SMALL, studies * SMALL.study_size)
