"""Wall-clock and CPU time of repeated operations, with processes told apart."""

import asyncio
import os
import resource
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Figures:
    """One operation measured *count* times; times are milliseconds an operation."""

    name: str
    count: int
    median_ms: float
    slow_ms: float
    """The 95th percentile."""
    wall_ms: float
    """Elapsed time by count: less than the median where several clients work at once."""
    cpu_ms: Mapping[str, float]


def process_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has used, with its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) / _TICKS


def own_seconds() -> float:
    """Return the CPU seconds that this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(
    name: str,
    operation: Callable[[int], Awaitable[None]],
    count: int,
    *,
    clients: int,
    pids: Mapping[str, int],
) -> Figures:
    """Run *operation* (given 0, 1, 2 and so on) *count* times by so many *clients* at once."""
    numbers = iter(range(count))
    times: list[float] = []

    async def client() -> None:
        for number in numbers:
            began = time.perf_counter()
            await operation(number)
            times.append(time.perf_counter() - began)

    before = {label: process_seconds(pid) for label, pid in pids.items()} | {"client": own_seconds()}
    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    elapsed = time.perf_counter() - began
    after = {label: process_seconds(pid) for label, pid in pids.items()} | {"client": own_seconds()}
    return Figures(
        name=name,
        count=count,
        median_ms=statistics.median(times) * 1000,
        slow_ms=sorted(times)[int(0.95 * (len(times) - 1))] * 1000,
        wall_ms=elapsed / count * 1000,
        cpu_ms={label: (after[label] - before[label]) / count * 1000 for label in before},
    )
