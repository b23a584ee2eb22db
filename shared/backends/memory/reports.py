"""Text reports in a dictionary. Does not interpret them."""

from __future__ import annotations


class MemoryReports:
    """A Reports in *texts*, by (year, case id); something outside the product writes reports, so the port cannot."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], str] = {}

    async def get(self, year: str, case_id: str) -> str | None:
        """Return the report of exactly this case, or None."""
        return self.texts.get((year, case_id))
