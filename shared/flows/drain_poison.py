"""Take what the host gave up out of the poison queues: done after all, or kept with the reason why not."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from shared.flows._kept_poison import poison_key, written
from shared.ports.archive import ObjectStore
from shared.ports.poison import PoisonMessage, PoisonQueues
from shared.telemetry import metrics
from shared.telemetry.events import event
from shared.telemetry.tracing import flow

_log = logging.getLogger(__name__)

BATCH: Final = 16
DONE: Final = "done"
KEPT: Final = "kept"
UNSAID: Final = "It ended the process that worked on it, or took too long; the app's log has more"

type LastTry = Callable[[bytes, str], Awaitable[str]]
"""Works on a message, which has an id, once more; returns why it failed, or nothing if it did not."""


@flow
async def drain_poison(
    handlers: Mapping[str, LastTry],
    *,
    poison: PoisonQueues,
    objects: ObjectStore,
    rejected_container: str,
    seconds: float,
) -> Mapping[str, int]:
    """Empty the poison queues of *handlers*, until *seconds* have passed; return how many were done and kept.

    A message is tried once more, so that its reason is known. One that is here for the second time is not, for that try
    may be what ended the process. It leaves the queue after it is kept: a kill between leaves both, and the next run
    writes the same object.

    Args:
        handlers: By name of the queue, what works on its messages.
        poison: Where messages are taken from.
        objects: Where they are kept.
        rejected_container: In which container.
        seconds: After which no further message is taken.

    Raises:
        TransientError: A queue or the store does not answer; nothing is lost.
    """
    loop = asyncio.get_running_loop()
    end, counts = loop.time() + seconds, Counter[str]()
    for queue, handler in handlers.items():
        while loop.time() < end and (taken := await poison.take(queue, BATCH)):
            for message in taken:
                reason = await _last_try(message, handler)
                if reason:
                    key = poison_key(rejected_container, message)
                    data = written(message, reason, datetime.now(UTC))
                    await objects.put(key, data, content_type="application/json")
                counts[KEPT if reason else DONE] += 1
                await poison.remove(message)
    for outcome, count in counts.items():
        metrics.poison(outcome, count)
        event(_log, "poison drained", level=logging.WARNING, outcome=outcome, count=count)
    return counts


async def _last_try(message: PoisonMessage, handler: LastTry) -> str:
    return UNSAID if message.taken > 1 else await handler(message.content, message.message_id)
