"""What is done with a message that the host gave up, by name of its queue.

Work on objects and studies is tried once more. Of a job what was in the way is failed. Functions on the poison queues of
jobs do so at once; the timer comes by for what they do not get, for a host may pass over messages of such queues.
"""

from collections.abc import Awaitable, Callable

from functions import queue_analytics, queue_deidentify, queue_import, queue_sessions, queue_upload
from functions._events import says_why
from functions._messages import look_at_named, look_upstream, sum_up_named
from shared.flows.drain_poison import LastTry


def _again(handler: Callable[[bytes], Awaitable[None]]) -> LastTry:
    async def try_again(message: bytes, _message_id: str) -> None:
        await handler(message)

    return says_why(try_again)


LAST_TRIES: dict[str, LastTry] = {
    "blob-events": _again(look_at_named),
    "study-changed": _again(sum_up_named),
    "upstream-events": _again(look_upstream),
    "deidentify": says_why(queue_deidentify.give_up),
    "uploads": says_why(queue_upload.give_up),
    "analytics": says_why(queue_analytics.give_up),
    "imports": says_why(queue_import.give_up),
    "sessions": says_why(queue_sessions.give_up),
}
