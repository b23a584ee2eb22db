"""The CPU time of processes, from /proc: what a peer costs, however its work is spread over threads and children."""

import asyncio
import os
import resource
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_WINDOW = 0.3
_BUSY = 0.12
"""A process that uses more of a core than this, in a window of so many seconds, is at work. Polling queues is not."""


def process_seconds(pid: int) -> float:
    """Return the CPU seconds used by a process and its descendants, ended or alive."""
    return sum(_seconds_of(one) for one in _tree(pid))


def all_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds of each named process, and of this one as `client`."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    own = usage.ru_utime + usage.ru_stime
    return {name: process_seconds(pid) for name, pid in pids.items()} | {"client": own}


async def idle(pids: Mapping[str, int], *, seconds: float = 900) -> bool:
    """Wait until none of the processes works for two windows on end; tell whether that came within *seconds*."""
    deadline = time.monotonic() + seconds
    quiet = 0
    before = _total(pids)
    while quiet < 2:
        if time.monotonic() > deadline:
            return False
        began = time.monotonic()
        await asyncio.sleep(_WINDOW)
        now = _total(pids)
        quiet = quiet + 1 if (now - before) / (time.monotonic() - began) < _BUSY else 0
        before = now
    return True


async def idle_rates(pids: Mapping[str, int], *, seconds: float = 5) -> dict[str, float]:
    """Return what share of a core each process uses while nobody asks anything of it: polling, mostly."""
    before, began = all_seconds(pids), time.monotonic()
    await asyncio.sleep(seconds)
    after, elapsed = all_seconds(pids), time.monotonic() - began
    return {name: (after[name] - before[name]) / elapsed for name in pids}


def _total(pids: Mapping[str, int]) -> float:
    return sum(process_seconds(pid) for pid in pids.values())


def _tree(pid: int) -> Iterator[int]:
    yield pid
    try:
        lists = [task / "children" for task in Path(f"/proc/{pid}/task").iterdir()]
        children = [int(child) for one in lists for child in one.read_text().split()]
    except OSError:
        return  # it has just ended
    for child in children:
        yield from _tree(child)


def _seconds_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) / _TICKS
