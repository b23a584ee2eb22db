"""Run some of many pieces of work at a time. Knows not what they do."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable


async def in_parallel[T, R](work: Callable[[T], Awaitable[R]], items: Iterable[T], *, limit: int) -> list[R]:
    """Return what *work* returns of each item, in their order, with up to *limit* of them under way.

    The first error is raised as it is, and what is not done by then is given up.
    """
    gate = asyncio.Semaphore(limit)

    async def one(item: T) -> R:
        async with gate:
            return await work(item)

    tasks = [asyncio.ensure_future(one(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
