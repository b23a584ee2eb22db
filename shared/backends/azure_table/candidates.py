"""Which studies can match a query, by the narrowest key that serves it, newest first. Does not judge them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial

import orjson

from shared.backends.azure_table import keys, lookups
from shared.backends.azure_table.entities import StoredRow
from shared.backends.azure_table.lookups import DATE, LookupKeys
from shared.backends.azure_table.tables import Tables
from shared.dicom.person_names import name_words
from shared.dicom.query import AnyOf, Match, Query, Range, SingleValue
from shared.dicom.references import SeriesRef, StudyRef
from shared.dicom.search_order import NO_DAY, position_of
from shared.errors import InvalidUidError, QueryTooBroadError
from shared.records import Json

STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID = "0020000D", "0020000E", "00080018"
_STUDY_ROW = "study"
_MAX_UIDS = 1000
_READ_AT_ONCE = 16


class Candidates:
    """Reads study rows by key.

    Every candidate is yielded once with its search row, in the order of (StudyDate descending, none last,
    StudyInstanceUID). All candidates of a query together are a superset of what matches it.
    """

    def __init__(self, tables: Tables, lookup_keys: LookupKeys) -> None:
        self._tables = tables
        self._keys = lookup_keys

    async def studies(self, query: Query) -> AsyncIterator[Json]:
        """Yield the search rows of the studies that can match; of those before *query.after* perhaps none."""
        after = query.after
        begin = f"{after.day}!{after.study_instance_uid}" if after is not None else ""
        named = await self._named(query)
        if named is not None:
            rows = [row for row in await self._at_once(self._row, named) if row is not None]
            for row in sorted(rows, key=partial(position_of, "study")):
                yield row
            return
        partition_key = self._lookup_partition(query)
        if partition_key is not None:
            found_rows = self._of_partition(partition_key, begin)
        else:
            # Where every candidate matches, no more are read at first than the page holds, and one that follows.
            first = query.offset + query.limit + 1 if query.level == "study" and not query.keys else None
            found_rows = self._by_date(_match_of(query, lookups.STUDY_DATE), begin, first)
        async for row in found_rows:
            yield orjson.loads(row["row"])

    async def _named(self, query: Query) -> list[StudyRef] | None:
        """Return the studies that a UID in the query leads to, or None if none stands there."""
        if query.within is not None:
            return [query.within.study if isinstance(query.within, SeriesRef) else query.within]
        if (uids := _uids(query, STUDY_INSTANCE_UID)) is not None:
            return [StudyRef(uid) for uid in uids]
        if (uids := _uids(query, SOP_INSTANCE_UID)) is not None:
            shards = [
                (lookups.INSTANCE_TABLE, keys.sop_shard(self._keys.partition, uid), uid) for uid in uids
            ]
        elif (uids := _uids(query, SERIES_INSTANCE_UID)) is not None:
            shards = [(lookups.TABLE, self._keys.series_partition(uid), uid) for uid in uids]
        else:
            return None
        found = await self._at_once(self._led_to, shards)
        return list(dict.fromkeys(ref for refs in found for ref in refs))

    async def _led_to(self, shard: tuple[str, str, str]) -> list[StudyRef]:
        table, partition_key, uid = shard
        rows = await self._tables.rows_of(
            table, partition_key, start=f"{uid}!", end=uid + keys.AFTER_JOIN, select=["RowKey"]
        )
        return [StudyRef(row["RowKey"].split("!")[1]) for row in rows]

    async def _at_once[Key, Found](
        self, read: Callable[[Key], Awaitable[Found]], wanted: Sequence[Key]
    ) -> list[Found]:
        """Read what each of a list of UIDs leads to, a few at a time.

        Raises:
            QueryTooBroadError: The list is too long.
        """
        if len(wanted) > _MAX_UIDS:
            raise QueryTooBroadError(f"the search names {len(wanted)} UIDs; ask for {_MAX_UIDS} at a time")
        found: list[Found] = []
        for start in range(0, len(wanted), _READ_AT_ONCE):
            found += await asyncio.gather(*map(read, wanted[start : start + _READ_AT_ONCE]))
        return found

    async def _row(self, ref: StudyRef) -> Json | None:
        row = await self._tables.get("studies", keys.study_key(self._keys.partition, ref), _STUDY_ROW)
        return None if row is None else orjson.loads(row["row"])

    def _lookup_partition(self, query: Query) -> str | None:
        patient_id = _match_of(query, lookups.PATIENT_ID)
        if isinstance(patient_id, SingleValue):
            return self._keys.patient(patient_id.text)
        accession_number = _match_of(query, lookups.ACCESSION_NUMBER)
        if isinstance(accession_number, SingleValue):
            return self._keys.accession(accession_number.text)
        name = _match_of(query, lookups.PATIENT_NAME)
        if isinstance(name, SingleValue) and (words := name_words(name.text)):
            return self._keys.name(words[0])
        return None

    def _of_partition(self, partition_key: str, begin: str) -> AsyncIterator[StoredRow]:
        filters, parameters = "PartitionKey eq @key", {"key": partition_key}
        if begin:
            filters, parameters = filters + " and RowKey ge @begin", {**parameters, "begin": begin}
        return self._tables.query(lookups.TABLE, filters, parameters)

    async def _by_date(
        self, dates: Match | None, begin: str, first_rows: int | None
    ) -> AsyncIterator[StoredRow]:
        """Yield the lookup rows of a range of dates, or of all studies; last those without a whole date.

        Rows whose keys are less than *begin* are left out.
        """
        first, last = (dates.first, dates.last) if isinstance(dates, Range) else (None, None)
        undated = self._keys.date("")[0]
        filters = "PartitionKey ge @low and PartitionKey le @high and RowKey ge @newest and RowKey lt @oldest"
        parameters = {
            "low": max(
                self._keys.date(last)[0] if last else f"{self._keys.partition}!{DATE}!",
                self._keys.day(begin.partition("!")[0]) if begin else "",
            ),
            "high": self._keys.date(first)[0] if first else undated,
            "newest": max(self._keys.date(last)[1] if last else "!", begin),
            "oldest": (self._keys.date(first)[1] if first else NO_DAY) + keys.AFTER_JOIN,
        }
        async for row in self._tables.query(lookups.TABLE, filters, parameters, page=250, first=first_rows):
            yield row
        if first:
            # A date that is not eight digits may still be one that the query means.
            async for row in self._of_partition(undated, begin):
                yield row


def _match_of(query: Query, tag: str) -> Match | None:
    return next((key.match for key in query.keys if key.path == (tag,)), None)


def _uids(query: Query, tag: str) -> list[str] | None:
    match _match_of(query, tag):
        case SingleValue(text):
            candidates: Iterable[str] = [text]
        case AnyOf(values):
            candidates = values
        case _:
            return None
    return [uid for uid in dict.fromkeys(candidates) if _is_uid(uid)]


def _is_uid(text: str) -> bool:
    try:
        StudyRef(text)
    except InvalidUidError:
        return False
    return True
