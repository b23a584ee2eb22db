"""The targets, and whether figures meet them; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.measure import Figures

type Results = Mapping[int, Mapping[str, Mapping[str, Figures]]]
"""Figures by size of the store, operation and peer (`ours`, `orthanc`, `bare`)."""

FLAT = 1.3
_EACH_SIZE, _SMALLEST, _LARGEST = "each size", "the smallest", "the largest"


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked of some operations: Orthanc's figure divided by ours is at least *times*."""

    operations: tuple[str, ...]
    of: str
    """`p50`, or `cpu`: the app's own, beside Orthanc's."""
    times: float
    at: str


_RETRIEVED = ("WADO instance 10 kB", "WADO frame 10 kB", "WADO instance 525 kB", "WADO frame 525 kB")
_SEARCHED = ("QIDO exact match", "QIDO miss", "QIDO page of 25 studies")
_STORED = ("STOW 10 kB, 50 a request, 8 clients", "STOW 525 kB, 1 a request, 1 client")
TARGETS = (
    Target(("WADO metadata of 100 instances",), "p50", 3, _EACH_SIZE),
    Target(_RETRIEVED, "p50", 1, _SMALLEST),
    Target(_SEARCHED, "p50", 1, _SMALLEST),
    Target(_SEARCHED, "p50", 4, _LARGEST),
    Target(_STORED, "cpu", 1, _EACH_SIZE),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target for one operation at one size."""

    text: str
    met: bool


def verdicts(results: Results) -> Iterator[Verdict]:
    """Judge the figures by every target for which there are any."""
    for target in TARGETS:
        for size in _sizes(results, target.at):
            for operation in target.operations:
                peers = results[size].get(operation, {})
                if "orthanc" in peers:
                    yield _beside_orthanc(target, size, operation, peers)
    sizes = sorted(results)
    for small, large in zip(sizes[:1], sizes[1:][-1:], strict=False):
        for operation in results[large]:
            if operation in results[small]:
                yield _flat(operation, (small, large), results)


def _sizes(results: Results, at: str) -> list[int]:
    sizes = sorted(results)
    if at == _SMALLEST:
        return sizes[:1]
    # One size alone is the smallest, not the largest.
    return sizes[1:][-1:] if at == _LARGEST else sizes


def _beside_orthanc(target: Target, size: int, operation: str, peers: Mapping[str, Figures]) -> Verdict:
    ours, theirs = peers["ours"], peers["orthanc"]
    if target.of == "cpu":
        mine, others, what = ours.cpu["app"], theirs.cpu["orthanc"], "CPU"
    else:
        mine, others, what = ours.p50, theirs.p50, "p50"
    wanted = "at most Orthanc's" if target.times == 1 else f"Orthanc's by {target.times:g} or less"
    return Verdict(
        f"{operation}, {size:,}: {what} {mine:.2f} ms, Orthanc {others:.2f}, "
        f"{_times(others, mine)}; wanted: {wanted}",
        mine * target.times <= others,
    )


def _times(others: float, mine: float) -> str:
    if mine <= 0:
        return "too little to measure"
    return f"{others / mine:.1f} times as fast" if mine <= others else f"{mine / others:.2f} times as much"


def _flat(operation: str, sizes: tuple[int, int], results: Results) -> Verdict:
    small, large = (results[size][operation]["ours"] for size in sizes)
    wall = large.p50 / small.p50
    cpu = large.cpu["app"] / small.cpu["app"] if small.cpu["app"] else 1.0
    return Verdict(
        f"{operation}: p50 {wall:.2f} and the app's CPU {cpu:.2f} times of that at {sizes[0]:,}; "
        f"wanted: at most {FLAT}",
        max(wall, cpu) <= FLAT,
    )
