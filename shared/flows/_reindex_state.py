"""How far reconciling has come, and what it has found: the drift report. It finds nothing itself."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

CHECKPOINT: Final = "reindex"
LAST_REPORT: Final = "reindex-report"
_MAX_EXAMPLES: Final = 5
_MAX_CHARACTERS: Final = 8000
"""Of all examples, names among them that may have 1,024: the report is one value of a table."""

WAITING, FAILED = "waiting", "failed"


class Kind(StrEnum):
    """What was found to differ, and was put right."""

    NEW = "new"
    """An object that the ledger did not know."""
    CHANGED = "changed"
    """One that the ledger knew with other contents."""
    DELETED = "deleted"
    """An entry of the ledger whose object is gone."""
    PENDING = "pending"
    """An object whose handling was cut off."""
    UNINDEXED = "unindexed"
    """One that the ledger has as indexed, and the index has not."""
    UNCASED = "uncased"
    """An image that the ledger has under a case, and the case index has not."""
    REJECTION = "rejection"
    """A rejection without its object, or an object without the rejection that the ledger tells of."""
    ORPHANED = "orphaned"
    """What the index has of an object that is gone, or holds another instance."""
    CASE = "case"
    """What the case index has of an object that is gone, or of another case."""
    SEARCH = "search"
    """A study that searches did not find as the index has it."""
    UNSEARCHED = "unsearched"
    """An instance that the search index did not have."""
    DOCUMENT = "document"
    """One that only the search index had."""


@dataclass(slots=True)
class Reindexing:
    """One pass: what is behind it, by data partition, step and place in that step, and what it has met.

    Attributes:
        started_at: When it began.
        force: Whether settled objects are indexed again.
        partition: The data partition it is in, "" at the beginning.
        step: The step it is in.
        after: Where in that step it goes on.
        done: Whether all is behind it.
        updated_at: When this was written.
        objects: How many objects are in each state, so far.
        drift: How often each kind of difference was found, so far.
        examples: Names of the first few of each kind.
        missing: Steps over containers that are not there.
        failures: How much else could not be checked.
    """

    started_at: datetime
    force: bool = False
    partition: str = ""
    step: str = ""
    after: str = ""
    done: bool = False
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    objects: Counter[str] = field(default_factory=Counter)
    drift: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    failures: int = 0

    def found(self, kind: Kind, example: str) -> None:
        """Count a difference."""
        self.drift[kind.value] += 1
        kept = self.examples.setdefault(kind.value, [])
        used = sum(len(name) for names in self.examples.values() for name in names)
        if len(kept) < _MAX_EXAMPLES and used + len(example) <= _MAX_CHARACTERS:
            kept.append(example)

    def report(self) -> dict[str, Any]:
        """Return it for people: names of objects are in it, which may tell of patients."""
        return {
            "complete": self.done,
            "started_at": self.started_at,
            "ended_at" if self.done else "updated_at": self.updated_at,
            "force": self.force,
            **({} if self.done else {"partition": self.partition, "step": self.step, "after": self.after}),
            "objects": dict(self.objects),
            "drift": {
                kind: {"count": count, "examples": self.examples.get(kind, [])}
                for kind, count in self.drift.items()
            },
            "not_checked": {"count": self.failures, "missing": self.missing},
        }


def pack(state: Reindexing) -> str:
    """Return a pass as the text of a checkpoint."""
    import orjson

    state.updated_at = datetime.now(UTC)
    names = Reindexing.__dataclass_fields__
    return orjson.dumps({name: getattr(state, name) for name in names}).decode()


def unpack(text: str) -> Reindexing:
    """Return the pass that a checkpoint tells of."""
    import orjson

    said: Mapping[str, Any] = orjson.loads(text)
    times = {name: datetime.fromisoformat(said[name]) for name in ("started_at", "updated_at")}
    counts = {name: Counter(said[name]) for name in ("objects", "drift")}
    return Reindexing(**{**said, **times, **counts})
