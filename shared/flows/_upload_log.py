"""Write the log of a run from what its job and its items say, so that it is whole whatever was killed. Reads no table.

No line holds a value of a patient's, a key or the name of an object.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from shared.flows._upload_request import request_of
from shared.ports.jobs import DONE, FAILED, ItemState, Job, JobItem
from shared.ports.partner import Try

_DATE = "%m/%d/%Y %H:%M:%S"
_MOST_TRIES = 60


def tries_text(tries: Sequence[Try], before: str = "") -> str:
    """Return tries as a fact keeps them, after those of an attempt before."""
    told = [*before.split(), *(f"{one.outcome}:{one.milliseconds}" for one in tries)]
    return " ".join(told[-_MOST_TRIES:])


def upload_log(job: Job, items: Sequence[JobItem], level: str) -> bytes:
    """Return the log as text, lines in the order of phases and files."""
    lines: list[tuple[datetime | None, int, str]] = []

    def say(at: datetime | None, kind: int, text: str) -> None:
        lines.append((at, kind, text))

    request, facts = request_of(job), job.facts
    mode = " as one ZIP" if request.atomic else ""
    say(job.created_at, logging.INFO, f"run {job.job_id}: attempt {request.attempt}{mode}")
    _say_tries(say, job.created_at, "metadata", facts.get("metadata_tries", ""))
    for item in items:
        _say_item(say, item)
    _say_tries(say, job.changed_at, "upload of the ZIP", facts.get("zip_tries", ""))
    _say_tries(say, job.changed_at, "analytics", facts.get("analytics_tries", ""))
    if again := facts.get("analytics_again"):
        say(job.changed_at, logging.WARNING, f"analytics: asked for again after an interruption ({again})")
    if facts.get("end", job.phase) == FAILED:
        say(job.changed_at, logging.ERROR, f"the run failed: {job.error}")
    elif facts.get("end", job.phase) == DONE:
        say(job.changed_at, logging.INFO, f"the run is done: {len(items)} files")
    least = logging.getLevelNamesMapping()[level]
    return "".join(_line(*line) for line in lines if line[1] >= least).encode()


type _Say = Callable[[datetime | None, int, str], None]


def _say_item(say: _Say, item: JobItem) -> None:
    name, at = f"file {item.number}", item.changed_at
    if tags := item.facts.get("tags"):
        say(at, logging.DEBUG, f"{name}: {tags}")
    if item.facts.get("deliveries", "1") != "1":
        say(at, logging.WARNING, f"{name}: taken up again after an interruption")
    _say_tries(say, at, name, item.facts.get("tries", ""))
    if item.state is ItemState.FAILED:
        say(at, logging.ERROR, f"{name}: failed: {item.error}")
    elif item.state is ItemState.DONE:
        how = item.facts.get("how", "sent")
        say(
            at,
            logging.INFO,
            f"{name}: {how}, {item.counts.get('bytes', 0)} bytes, sha256 {item.facts.get('sha256', '-')}",
        )


def _say_tries(say: _Say, at: datetime | None, what: str, tries: str) -> None:
    for number, told in enumerate(tries.split(), 1):
        outcome, _, milliseconds = told.partition(":")
        level = logging.INFO if outcome.startswith("2") else logging.WARNING
        say(at, level, f"{what}: try {number} was answered {outcome} after {milliseconds} ms")


def _line(at: datetime | None, level: int, text: str) -> str:
    when = (at or datetime.now(UTC)).strftime(_DATE)
    return f"{when} | [{logging.getLevelName(level)}] | {text}\n"
