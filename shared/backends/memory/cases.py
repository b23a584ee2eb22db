"""Images by clinical case in a dictionary. Does not read reports."""

from __future__ import annotations

from collections.abc import Sequence

from shared.case_views import are_duplicates, check_visible, in_order, summary_of
from shared.records import CaseCommit, CaseImage, CaseQuery, CaseSummary, ObjectKey


class MemoryCaseIndex:
    """A CaseIndex."""

    def __init__(self) -> None:
        self._images: dict[tuple[str, str, str, ObjectKey], CaseImage] = {}
        self._with_report: set[tuple[str, str]] = set()
        self.commits: dict[tuple[str, str], CaseCommit] = {}

    async def put(self, images: Sequence[CaseImage]) -> list[bool]:
        """Remember images of one case; one per view and object."""
        self.keep(images)
        return are_duplicates(images, self.all_of(images[0].year, images[0].case_id))

    async def remove(self, year: str, case_id: str, view: str, key: ObjectKey) -> None:
        """Forget an image; that it is unknown is no error."""
        self._images.pop((year, case_id, view, key), None)

    def keep(self, images: Sequence[CaseImage]) -> None:
        """Write images."""
        for image in images:
            self._images[image.year, image.case_id, image.view, image.key] = image

    def drop(self, image: CaseImage) -> None:
        """Remove an image."""
        self._images.pop((image.year, image.case_id, image.view, image.key), None)

    async def images_of(self, year: str, case_id: str) -> list[CaseImage]:
        """Return the images of exactly this case, by (view, object key)."""
        check_visible(self.commits.get((year, case_id)))
        return in_order(self.all_of(year, case_id))

    async def note_report(self, year: str, case_id: str, *, present: bool) -> None:
        """Remember for the list whether the case has a report."""
        if present:
            self._with_report.add((year, case_id))
        else:
            self._with_report.discard((year, case_id))

    async def page(self, query: CaseQuery) -> list[CaseSummary]:
        """Return up to *query.limit* cases, in the order of (year, id)."""
        cases = {(image.year, image.case_id) for image in self._images.values()} | self._with_report
        listed = [self._summary(*case) for case in sorted(cases) if _fits(case, query)]
        found = [
            case
            for case in listed
            if case is not None and (query.complete is None or case.complete == query.complete)
        ]
        return found[: query.limit]

    def _summary(self, year: str, case_id: str) -> CaseSummary | None:
        has_report = (year, case_id) in self._with_report
        return summary_of(year, case_id, self.all_of(year, case_id), has_report=has_report)

    def all_of(self, year: str, case_id: str) -> list[CaseImage]:
        """Return the images of a case, visible or not."""
        return [image for image in self._images.values() if (image.year, image.case_id) == (year, case_id)]


def _fits(case: tuple[str, str], query: CaseQuery) -> bool:
    year, case_id = case
    return (
        (query.year is None or year == query.year)
        and case_id.startswith(query.id_prefix)
        and (query.after is None or case > query.after)
    )
