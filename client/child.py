"""Start, watch and stop the programs that a command needs; it knows none of them."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from client.errors import ClientError

_TAIL_LINES = 20
_NOTICE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: its name for people, its words, its whole environment, where, and how it ends."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    """Gets what it prints; overwritten."""
    grace_seconds: float
    """How long it may take to stop before it is killed."""


@dataclass(frozen=True, slots=True)
class Child:
    """A program that runs."""

    program: Program
    process: asyncio.subprocess.Process

    def failure(self, what: str) -> ClientError:
        """Say what the program did, with the end of its log."""
        log = self.program.log
        with log.open(encoding="utf-8", errors="replace") as lines:
            tail = [f"  {line.rstrip()}" for line in deque(lines, _TAIL_LINES)]
        return ClientError(
            "\n".join(
                [f"{self.program.name} {what}. The end of {log}:", *(tail or ["  (it printed nothing)"])]
            )
        )


@contextlib.asynccontextmanager
async def running(program: Program) -> AsyncIterator[Child]:
    """Run a program while the block runs, then stop it and whatever it started."""
    with program.log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *program.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=program.environment,
            cwd=program.folder,
            # A terminal sends Ctrl-C to its whole group: the order of stopping is decided here instead.
            start_new_session=True,
        )
    try:
        yield Child(program, process)
    finally:
        await _stop(process, program.grace_seconds)


async def _stop(process: asyncio.subprocess.Process, grace_seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), grace_seconds)
    # What it started belongs to its group and may outlive it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def beside[Result](children: Sequence[Child], work: Coroutine[object, object, Result]) -> Result:
    """Await *work* as long as all children run.

    Raises:
        ClientError: A child stopped by itself, whether before *work* ended or as its reason to fail.
    """
    task = asyncio.ensure_future(work)
    exits = {asyncio.ensure_future(child.process.wait()): child for child in children}
    try:
        await asyncio.wait([task, *exits], return_when=asyncio.FIRST_COMPLETED)
        if task.done() and task.exception():
            # Work often fails because a child just died, a moment before that is reported.
            await asyncio.wait(exits, timeout=_NOTICE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for ended, child in exits.items():
            if ended.done():
                raise child.failure(f"stopped by itself with exit code {ended.result()}")
        return await task
    finally:
        for each in (task, *exits):
            each.cancel()
        await asyncio.gather(task, *exits, return_exceptions=True)


async def ready_in(
    seconds: float, children: Sequence[Child], waiting: Coroutine[object, object, None]
) -> None:
    """Await what the youngest child must reach.

    Raises:
        ClientError: It did not in time, or a child died.
    """
    try:
        async with asyncio.timeout(seconds):
            await beside(children, waiting)
    except TimeoutError as error:
        raise children[-1].failure(f"was not ready after {seconds} seconds") from error
