"""Threads for calls that wait on a socket, apart from those that decode pixels."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class IoThreads:
    """At most *count* calls at a time; more wait for their turn."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="s3")

    def start[**P, Result](
        self, call: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[Result]:
        """Begin a call; a future that is cancelled does not stop a call that has begun."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._pool, functools.partial(call, *args, **kwargs))

    def close(self) -> None:
        """Take no more calls; those under way end by themselves, at the latest by their timeouts."""
        self._pool.shutdown(wait=False, cancel_futures=True)
