"""StudySearch with the help of a search index: it says which studies can match, the tables and matching.py which do.

Of each key that can be said in the index's words, the index gives the studies of which some instance fits: never fewer
than match, for what a study or series says, one of its instances says. So answers, their order and their pages are
those of the tables, whatever the index may hold besides; only what it does not hold yet is missing. Where the index
does not answer the tables are asked alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from shared.dicom.attributes import COMPUTED
from shared.dicom.index.clauses import clause_of
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.query import AnyOf as AnyOfValues
from shared.dicom.query import FuzzyName, MatchKey, Query, Range, SingleValue, Universal
from shared.errors import (
    AppError,
    BackendUnavailableError,
    QueryTooBroadError,
    SettingsError,
    UnsupportedQueryError,
)
from shared.ports.archive import StudySearch
from shared.ports.search import SearchEngine
from shared.records import SearchPage

MAX_STUDIES = 1000
"""That the tables look at one by one."""
PATIENCE_SECONDS = 12
"""After which the tables are asked without the index: a little more than it takes for a search by itself."""
_STUDY_INSTANCE_UID = "0020000D"
_SERVED_BY_TABLES = frozenset(
    {_STUDY_INSTANCE_UID, "0020000E", "00080018", "00100020", "00080050", "00100010"}
)
"""Keys of which the tables find one value at once, and "00080020" in ranges."""
_COMPUTED = {tag for table in COMPUTED.values() for tag in table}


class IndexedStudySearch:
    """A StudySearch of one data partition.

    Args:
        tables: Who answers; asked alone where its own keys serve the query, or the index cannot help.
        engine: The search index.
        policy: What of the partition stands in it.
        partition: Its name.
        always: Ask the index wherever it can help.
    """

    def __init__(
        self,
        tables: StudySearch,
        engine: SearchEngine,
        policy: IndexPolicy,
        partition: str,
        *,
        always: bool = False,
    ) -> None:
        self._tables = tables
        self._engine = engine
        self._policy = policy
        self._partition = partition
        self._always = always

    async def search(self, query: Query) -> SearchPage:
        """Return the page that *query* asks for; see StudySearch.search.

        Raises:
            BackendUnavailableError: The index is needed and does not answer, or is still being built.
            QueryTooBroadError: More studies can match than the tables may look at.
        """
        refused: AppError | None = None
        if self._always or not _served_by_tables(query):
            studies = None
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    studies = await self._studies(query)
            except (BackendUnavailableError, SettingsError) as error:
                refused = error
            except TimeoutError:
                refused = BackendUnavailableError("the search index did not answer in time; try again")
            if studies is not None:
                return await self._among(studies, query)
        try:
            return await self._tables.search(query)
        except QueryTooBroadError:
            if refused is not None:
                # With the index it might have been answered: to try again later is the better advice.
                raise refused from None
            studies = await self._studies(query)
            if studies is None:
                raise
            return await self._among(studies, query)

    async def _among(self, studies: Sequence[str], query: Query) -> SearchPage:
        if not studies:
            return SearchPage([], 0 if query.after is None else None)
        named = MatchKey((_STUDY_INSTANCE_UID,), "UI", AnyOfValues(tuple(studies)))
        return await self._tables.search(replace(query, keys=(*query.keys, named)))

    async def _studies(self, query: Query) -> list[str] | None:
        """Return the fewest studies to which a key leads; None if none leads to few enough."""
        if any(key.path == (_STUDY_INSTANCE_UID,) for key in query.keys) or query.within is not None:
            return None
        fewest: list[str] | None = None
        for key in query.keys:
            if key.path[0] in _COMPUTED:
                continue
            try:
                clause = clause_of(key, self._policy, ignore_case=query.ignore_case)
            except UnsupportedQueryError:
                continue
            try:
                studies = await self._engine.studies(self._partition, clause, MAX_STUDIES + 1)
            except QueryTooBroadError:
                continue  # too slow for the index: another key may lead there
            if len(studies) <= MAX_STUDIES and (fewest is None or len(studies) < len(fewest)):
                fewest = studies
        return fewest


def _served_by_tables(query: Query) -> bool:
    """Tell whether the tables have a key for the query, or need none."""
    if query.within is not None or all(isinstance(key.match, Universal) for key in query.keys):
        return True
    return any(
        (isinstance(key.match, Range) and key.path == ("00080020",))
        or (isinstance(key.match, SingleValue | AnyOfValues | FuzzyName) and key.path[0] in _SERVED_BY_TABLES)
        for key in query.keys
    )
