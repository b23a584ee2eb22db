"""What is to be said of the images of one case. Stores nothing."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from shared.errors import CaseBeingStoredError
from shared.records import CaseCommit, CaseImage, CaseSummary

VIEWS: Final = ("L__CC", "L__MLO", "R__CC", "R__MLO")
"""The views of a complete case: laterality and projection."""


def in_order(images: Iterable[CaseImage]) -> list[CaseImage]:
    """Return images by (view, object key): the first of each view stands for it, the others are duplicates."""
    return sorted(images, key=lambda image: (image.view, image.key))


def check_visible(commit: CaseCommit | None) -> None:
    """Refuse to show a case that is being stored as a whole.

    Raises:
        CaseBeingStoredError: Its commit is not done.
    """
    if commit is not None and not commit.done:
        raise CaseBeingStoredError("the case is just being stored; ask again in a moment")


def summary_of(
    year: str, case_id: str, images: Iterable[CaseImage], *, has_report: bool
) -> CaseSummary | None:
    """Return what a list of cases says of this one; None if there is nothing of it."""
    views = dict(sorted(Counter(image.view for image in images).items()))
    if not views and not has_report:
        return None
    return CaseSummary(year, case_id, views, has_report, has_report and all(view in views for view in VIEWS))


def are_duplicates(images: Sequence[CaseImage], case: Iterable[CaseImage]) -> list[bool]:
    """Tell of each of *images* whether another of *case*, of the same view, comes before it."""
    first: dict[str, CaseImage] = {}
    for image in in_order(case):
        first.setdefault(image.view, image)
    return [first[image.view].key != image.key for image in images]
