"""Check many things at a time; one that fails keeps no other waiting, and is counted. Checks nothing itself."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from shared.errors import AppError
from shared.flows._in_parallel import in_parallel
from shared.flows._reindex_state import Reindexing
from shared.telemetry.events import event

_log = logging.getLogger(__name__)

AT_A_TIME: Final = 16


async def check_each[T](check: Callable[[T], Awaitable[None]], items: Iterable[T], state: Reindexing) -> None:
    """Await *check* of each item; those that raise an AppError are left to the next pass."""

    async def bear(item: T) -> None:
        try:
            await check(item)
        except AppError as error:
            state.failures += 1
            event(
                _log, "not reconciled", level=logging.WARNING, action=state.step, error=type(error).__name__
            )

    await in_parallel(bear, items, limit=AT_A_TIME)
