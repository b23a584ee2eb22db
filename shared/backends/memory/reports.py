"""Text reports in a dictionary. Does not interpret them."""

from __future__ import annotations

from shared.errors import ObjectExistsError
from shared.records import ReportMigration


class MemoryReports:
    """A Reports in *texts*, by (year, case id); *loose* are those that others wrote, in the order of their rows."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], str] = {}
        self.loose: list[tuple[str, str, str]] = []
        self.is_migrated = False

    async def get(self, year: str, case_id: str) -> str | None:
        """Return the report of exactly this case, or None."""
        if (year, case_id) in self.texts or self.is_migrated:
            return self.texts.get((year, case_id))
        return next((text for *case, text in self.loose if case == [year, case_id]), None)

    async def put(self, year: str, case_id: str, text: str, *, if_absent: bool = False) -> None:
        """Write the report of a case; see Reports.put."""
        if if_absent and await self.get(year, case_id) is not None:
            raise ObjectExistsError("the case has a report already")
        self.texts[year, case_id] = text

    async def migrate(self, after: str, limit: int) -> ReportMigration:
        """Move up to *limit* reports that others wrote; see Reports.migrate."""
        start = int(after or 0)
        kept = []
        page = self.loose[start : start + limit]
        for year, case_id, text in page:
            if self.texts.setdefault((year, case_id), text) != text:
                kept.append((year, case_id, text))
        self.loose[start : start + limit] = kept
        self.is_migrated = self.is_migrated or start + len(kept) >= len(self.loose)
        following = None if start + len(kept) >= len(self.loose) else str(start + len(kept))
        cases = tuple((year, case_id) for year, case_id, _ in page)
        return ReportMigration(len(page) - len(kept), len(kept), cases, following)
