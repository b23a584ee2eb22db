"""Gather, while an operation goes on, whose data it touches: flows say so where they do it, the edge asks at the end.

It follows the task of the operation and those that it starts, so that nothing is handed through.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from shared.access.audit_events import Action
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef

MAX_TOUCHED: Final = 1000
"""UIDs that are kept of one operation; further ones are counted."""


class Touched:
    """The instances, series and studies of one operation, by what was done to them."""

    def __init__(self) -> None:
        self.refs: dict[Action, dict[StudyRef | SeriesRef | InstanceRef, None]] = {}
        self.further = 0

    def add(self, action: Action, ref: StudyRef | SeriesRef | InstanceRef) -> None:
        """Keep *ref*, once."""
        known = self.refs.setdefault(action, {})
        if ref in known:
            return
        if sum(map(len, self.refs.values())) >= MAX_TOUCHED:
            self.further += 1
            return
        known[ref] = None


_gathering: ContextVar[Touched | None] = ContextVar("touched", default=None)


@contextmanager
def gathering() -> Iterator[Touched]:
    """Gather what the operation inside touches."""
    touched = Touched()
    token = _gathering.set(touched)
    try:
        yield touched
    finally:
        _gathering.reset(token)


def touch(action: Action, ref: StudyRef | SeriesRef | InstanceRef) -> None:
    """Say that the data of *ref* is read, written or removed. Where nobody gathers, nothing happens."""
    touched = _gathering.get()
    if touched is not None:
        touched.add(action, ref)
