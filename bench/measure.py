"""One operation of several peers, measured in alternating rounds, so that a noisy machine hits them alike."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.cpu import all_seconds

type Operation = Callable[[int], Awaitable[None]]
"""Does one piece of work; it is given 0, 1, 2 and so on, a number never twice."""


@dataclass(frozen=True, slots=True)
class Load:
    """How often an operation is done: *count* times after *warm* times, in *rounds*, by *clients* at once."""

    count: int
    clients: int = 1
    rounds: int = 5
    warm: int = 5
    units: int = 1
    """Instances in one operation; wall-clock and CPU are given for each of them."""

    @property
    def total(self) -> int:
        """How many numbers an operation is given."""
        return self.warm + self.count


@dataclass(frozen=True, slots=True)
class Contender:
    """One peer's way to do an operation, and the processes that do it."""

    name: str
    operation: Operation
    pids: Mapping[str, int]
    settle: Callable[[], Awaitable[object]] | None = None
    """Waits until the peer has done what it does after it answered; that counts as CPU, not as wall-clock."""
    idle_rates: Mapping[str, float] = field(default_factory=dict)
    """What its processes use anyway, in cores: what they use in the wait beyond that is work."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What one peer took. Milliseconds: the median of a request; wall-clock and CPU of a unit."""

    p50: float
    p95: float
    wall: float
    """Elapsed time by units: less than the median where several clients work at once."""
    cpu: Mapping[str, float]
    """By process; work after the answer included."""
    after: Mapping[str, float]
    """The part of it that came after the last answer of a round."""


@dataclass(slots=True)
class _Samples:
    times: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)

    def figures(self, load: Load) -> Figures:
        """Return milliseconds an operation or a unit."""
        unit = 1000 / (load.count * load.units)
        return Figures(
            p50=statistics.median(self.times) * 1000,
            p95=sorted(self.times)[int(0.95 * (len(self.times) - 1))] * 1000,
            wall=self.elapsed * unit,
            cpu={name: seconds * unit for name, seconds in self.cpu.items()},
            after={name: seconds * unit for name, seconds in self.after.items()},
        )


async def measure(contenders: Sequence[Contender], load: Load) -> dict[str, Figures]:
    """Measure all contenders, each with the same numbers, and return their figures by name."""
    samples = {contender.name: _Samples() for contender in contenders}
    for contender in contenders:
        await _slice(contender, range(load.warm), load, _Samples())
    edges = [load.warm + load.count * turn // load.rounds for turn in range(load.rounds + 1)]
    for turn in range(load.rounds):
        first = turn % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            numbers = range(edges[turn], edges[turn + 1])
            await _slice(contender, numbers, load, samples[contender.name])
    return {name: one.figures(load) for name, one in samples.items()}


async def _slice(contender: Contender, numbers: range, load: Load, samples: _Samples) -> None:
    """Do some of the operations and add to the samples."""
    waiting = iter(numbers)

    async def client() -> None:
        for number in waiting:
            began = time.perf_counter()
            await contender.operation(number)
            samples.times.append(time.perf_counter() - began)

    before = all_seconds(contender.pids)
    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(load.clients)))
    samples.elapsed += time.perf_counter() - began
    answered = all_seconds(contender.pids)
    _add(samples.cpu, answered, before)
    if contender.settle is not None:
        began = time.perf_counter()
        await contender.settle()
        waited = time.perf_counter() - began
        settled = all_seconds(contender.pids)
        for name, rate in contender.idle_rates.items():
            after = settled[name] - answered[name] - rate * waited
            samples.cpu[name] += after
            samples.after[name] = samples.after.get(name, 0.0) + after


def _add(sums: dict[str, float], later: Mapping[str, float], earlier: Mapping[str, float]) -> None:
    for name, seconds in later.items():
        sums[name] = sums.get(name, 0.0) + seconds - earlier[name]
