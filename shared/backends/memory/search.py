"""Searches by judging every row: what an answer of any other adapter must be equal to. Refuses no query."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import orjson

from shared.backends.memory.index import MemoryIndex
from shared.dicom.matching import matches
from shared.dicom.query import Level, Query
from shared.dicom.search_order import position_of
from shared.dicom.study_summary import merge_series, merge_study
from shared.records import InstanceRecord, Json, SearchPage


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
        studies = (_Study(list(records)) for _, records in by_study)
        found = [row for study in studies for row in study.rows(query.level) if matches(query, row)]
        placed = sorted((position_of(query.level, row), index) for index, row in enumerate(found))
        if query.after is not None:
            placed = [place for place in placed if place[0] > query.after]
        end = query.offset + query.limit
        page = placed[query.offset : end]
        return SearchPage(
            [found[index] for _, index in page],
            len(placed) if query.after is None else None,
            page[-1][0] if page and len(placed) > end else None,
        )


class _Study:
    """The rows of one study. What a level says is taken from that level's row, also where a file disagrees."""

    def __init__(self, records: list[InstanceRecord]) -> None:
        by_series = groupby(records, key=lambda record: record.ref.series)
        instances = [[orjson.loads(record.metadata) for record in of_series] for _, of_series in by_series]
        self._series = [(merge_series(of_series), of_series) for of_series in instances]
        self._study = merge_study(row for row, _ in self._series)

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
