"""Run work that keeps a core busy beside the event loop. It knows not what the work is."""

import asyncio
import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


async def in_cpu_pool[R](work: Callable[[], R]) -> R:
    """Return what *work* returns; as many pieces of work run at a time as there are cores.

    The threads are not those that wait for storage, so neither kind of work holds up the other.
    """
    return await asyncio.get_running_loop().run_in_executor(_pool(), work)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="pixels")
