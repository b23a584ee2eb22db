"""Searches by judging every row: what an answer of any other adapter must be equal to. Refuses no query."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import orjson

from shared.backends.memory.index import MemoryIndex
from shared.dicom.matching import matches
from shared.dicom.query import Level, Query
from shared.dicom.study_summary import merge_series, merge_study
from shared.records import InstanceRecord, Json, SearchPage

_STUDY_DATE = "00080020"


class MemorySearch:
    """A StudySearch over what *index* holds at the moment of the search."""

    def __init__(self, index: MemoryIndex) -> None:
        self._index = index

    async def search(self, query: Query) -> SearchPage:
        """Return the page that *query* asks for, with the total.

        The newest StudyDate comes first, studies without one last; of one day by StudyInstanceUID. Series and
        instances follow the order of their studies, then that of their UIDs.
        """
        by_study = groupby(self._index.serving_records(), key=lambda record: record.ref.study)
        # Sorting is stable, so studies of one day stay in the order of their UIDs.
        studies = sorted((_Study(list(records)) for _, records in by_study), key=lambda study: study.age)
        found = [row for study in studies for row in study.rows(query.level) if matches(query, row)]
        return SearchPage(found[query.offset : query.offset + query.limit], len(found))


class _Study:
    """The rows of one study. What a level says is taken from that level's row, also where a file disagrees."""

    def __init__(self, records: list[InstanceRecord]) -> None:
        by_series = groupby(records, key=lambda record: record.ref.series)
        instances = [[orjson.loads(record.metadata) for record in of_series] for _, of_series in by_series]
        self._series = [(merge_series(of_series), of_series) for of_series in instances]
        self._study = merge_study(row for row, _ in self._series)

    @property
    def age(self) -> int:
        """Sorts the newest day first, and last what has no whole date."""
        date = next(iter(self._study[_STUDY_DATE].get("Value", ())), "")
        return -int(date) if len(date) == 8 and date.isascii() and date.isdigit() else 0

    def rows(self, level: Level) -> Iterator[Json]:
        """Yield the rows of a level, each with those above it."""
        if level == "study":
            yield self._study
            return
        for row, instances in self._series:
            series = row | self._study
            if level == "series":
                yield series
            else:
                yield from (instance | series for instance in instances)
