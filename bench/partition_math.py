"""Check on synthetic UIDs that the keys of tables and objects spread: over ranges, accounts and shards, also while few devices send.

It calls the product's own key functions and no storage. A billion instances are simulated by their studies: what hangs on
an instance hangs on its study's key, and the figures are shares.

    python bench/partition_math.py [--studies 1000000] [--accounts 4]
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shared.backends.azure_table import keys
from shared.dicom.references import InstanceRef, StudyRef
from shared.flows._archive_key import archive_key

ROOTS: Final = (
    "1.2.840.113619.2.55.3",
    "1.3.12.2.1107.5.2.32",
    "1.3.46.670589.11",
    "1.2.392.200036.9116.2.6",
    "1.2.826.0.1.3680043.2",
)
"""Of UIDs as devices make them: those of one device differ in their last components, and rise with time."""
DEVICES: Final = 40
BURST: Final = 1000
"""Studies in a row that are stored at about the same time."""
RANGES: Final = 256
"""Into so many ranges a service may have split a table or a container before it is under load."""
ENTITIES_A_SECOND: Final = 2000
"""Of one partition. Source: "Scalability and performance targets for Table storage", Microsoft Learn, 2026."""
REQUESTS_A_SECOND: Final = 20_000
"""Of one account. Source: the same."""

REQUESTS_AN_INSTANCE: Final = 4
"""Note, object, instance with outbox row, ledger, of one that is stored by itself; tests/contract/test_storing_requests.py counts them."""
ROWS_AN_INSTANCE: Final = 5
"""Instance, outbox, ledger, SOP lookup, feed."""


@dataclass(frozen=True, slots=True)
class Share:
    """How far from even a spread is: *busiest* and *even* are shares of all, *bound* is what is borne."""

    name: str
    busiest: float
    even: float
    bound: float

    @property
    def is_borne(self) -> bool:
        """Tell whether the busiest part has no more than it may have."""
        return self.busiest <= self.bound


def study_uids(count: int, seed: int = 1) -> Iterator[str]:
    """Yield StudyInstanceUIDs in the order of time: of devices that each count on, and few of which are busy at once."""
    chance = random.Random(seed)  # synthetic data
    serials = [f"{ROOTS[number % len(ROOTS)]}.{chance.randrange(10**5, 10**6)}" for number in range(DEVICES)]
    moment = 1_262_304_000
    for _ in range(count):
        moment += chance.randrange(1, 600)
        device = min(int(chance.expovariate(0.2)), DEVICES - 1)
        yield f"{serials[device]}.{moment}.{chance.randrange(1000)}"


def by_study(uid: str) -> str:
    """Return the key of a study's rows, and of those of its series and instances, as far as it says where they lie."""
    return keys.study_key("default", StudyRef(uid))


def by_object(uid: str) -> str:
    """Return the name of an object of a study."""
    return archive_key("archive", "default", InstanceRef(uid, f"{uid}.1", f"{uid}.1.1")).name


def by_ledger(uid: str) -> str:
    """Return the partition key of the ledger's rows of a series."""
    return keys.object_shard("default", "archive", by_object(uid))


def by_due(uid: str) -> str:
    """Return the partition key of the note that a study is due."""
    return keys.dirty_shard(uid)


def account_of(uid: str, accounts: int) -> int:
    """Return in which of several accounts a study would be: by a hash, so that it never moves."""
    return int(keys.hex_of(f"account {uid}", 8), 16) % accounts


def measure(count: int, accounts: int, key: Callable[[str], str] = by_study) -> list[Share]:
    """Return how evenly *count* studies spread.

    Args:
        count: Of studies.
        accounts: Over how many accounts the archive would be spread.
        key: Of a study's rows; another one than the product's shows that a bad one is found out.
    """
    uids = list(study_uids(count))
    ordered = sorted(map(key, uids))
    bounds = [ordered[len(ordered) * part // RANGES] for part in range(1, RANGES)]
    return [
        _share("rows of a study: 256 hash prefixes", Counter(key(uid)[:2] for uid in uids), RANGES, count),
        _burst("rows of a study: busiest of 256 ranges in a burst", key, uids, bounds),
        _share(
            "objects: 256 hash prefixes", Counter(by_object(uid).split("/")[1] for uid in uids), 256, count
        ),
        _share("ledger: 16 shards", Counter(map(by_ledger, uids)), 16, count),
        _share("notes of what is due: 16 shards", Counter(map(by_due, uids)), 16, count),
        _share(f"{accounts} accounts", Counter(account_of(uid, accounts) for uid in uids), accounts, count),
    ]


def _share(name: str, counts: Counter[str] | Counter[int], parts: int, count: int) -> Share:
    even = 1 / parts
    # Five standard deviations above even: what chance alone hardly ever gives.
    return Share(name, max(counts.values()) / count, even, even + 5 * (even / count) ** 0.5)


def _burst(name: str, key: Callable[[str], str], uids: list[str], bounds: list[str]) -> Share:
    """Return the share of a burst that falls into one range of keys, in the worst of a hundred bursts."""
    from bisect import bisect_right

    size = min(BURST, len(uids))
    step = max((len(uids) - size) // 100, 1)
    worst = 0.0
    for begin in range(0, len(uids) - size + 1, step):
        hit = Counter(bisect_right(bounds, key(uid)) for uid in uids[begin : begin + size])
        worst = max(worst, max(hit.values()) / size)
    return Share(name, worst, 1 / RANGES, 0.05)


def ceilings(accounts: int, instances_a_study: int) -> list[tuple[str, float]]:
    """Return instances a second that each part bears, by its documented target."""
    return [
        ("change feed: one partition, a row an instance", ENTITIES_A_SECOND),
        ("notes of what is due: 16 partitions, a row a study", 16 * ENTITIES_A_SECOND * instances_a_study),
        ("ledger: 16 partitions, a row an instance", 16 * ENTITIES_A_SECOND),
        ("within one series: one partition, two rows an instance", ENTITIES_A_SECOND / 2),
        (
            f"tables of {accounts} account(s), rows written singly",
            accounts * REQUESTS_A_SECOND / ROWS_AN_INSTANCE,
        ),
        (
            f"{accounts} account(s), small instances stored one by one",
            accounts * REQUESTS_A_SECOND / REQUESTS_AN_INSTANCE,
        ),
    ]


def main() -> int:
    """Run from the command line; return 1 if a spread is worse than is borne."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=4)
    options = parser.parse_args()
    shares = measure(options.studies, options.accounts)
    print(f"{options.studies:,} studies\n{'spread over':<52}{'busiest':>9}{'even':>9}{'borne':>9}")
    for share in shares:
        print(f"{share.name:<52}{share.busiest:>9.2%}{share.even:>9.2%}{share.bound:>9.2%}")
    print(f"\n{'ceiling':<60}{'instances/s':>12}{'for 1e9':>12}")
    for name, rate in ceilings(options.accounts, 500):
        days = "" if "series" in name else f"{1e9 / rate / 86400:>9.1f} d"
        print(f"{name:<60}{rate:>12,.0f}{days}")
    return 0 if all(share.is_borne for share in shares) else 1


if __name__ == "__main__":
    sys.exit(main())
