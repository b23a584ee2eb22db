"""What is tried once more with a message that the host gave up, by name of its queue."""

from functions._events import says_why
from functions._messages import look_at_named, look_upstream, sum_up_named
from shared.flows.drain_poison import LastTry

LAST_TRIES: dict[str, LastTry] = {
    "blob-events": says_why(look_at_named),
    "study-changed": says_why(sum_up_named),
    "upstream-events": says_why(look_upstream),
}
"""Queues of jobs are not here: a job that is given up says so itself."""
