"""The few table operations the adapters use, with Azure's errors put in the product's words.

A lost race is an answer here (False), not an error: every caller has something to do about it. That answer may also
be given to who won the race, if the first answer was lost on its way: a request is sent again then.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import quote

import orjson

from shared.backends.azure_http.answer import Answer, NoAnswerError
from shared.backends.azure_http.signed_http import SignedHttp
from shared.backends.azure_table.entities import (
    Row,
    StoredRow,
    decoded,
    encoded,
    error_code,
    filter_text,
    path_of,
)
from shared.backends.azure_table.transactions import (
    Change,
    in_transactions,
    read_outcome,
    row_bytes,
    transaction,
)
from shared.errors import BackendUnavailableError

_LOST_RACE: Final = frozenset(
    {
        "EntityAlreadyExists",
        "UpdateConditionNotSatisfied",
        "ResourceNotFound",
        "EntityNotFound",
        "ConditionNotMet",
    }
)
_HEADERS: Final = {"accept": "application/json;odata=minimalmetadata", "dataserviceversion": "3.0"}
_WRITE: Final = _HEADERS | {"content-type": "application/json"}
_INSERT: Final = _WRITE | {"prefer": "return-no-content"}


async def pause(attempt: int) -> None:
    """Wait a random while before a lost race is run again, longer for each *attempt* (from 0), a second at most."""
    await asyncio.sleep(random.uniform(0, min(0.02 * 2**attempt, 1)))  # noqa: S311  # no secret depends on it


class Tables:
    """All tables of one account.

    Args:
        http: The account's table service.
    """

    def __init__(self, http: SignedHttp) -> None:
        self._http = http

    async def _send(
        self,
        table: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        query: str = "",
        body: bytes = b"",
        bears: Sequence[str] = (),
    ) -> Answer | None:
        """Send a request; return the answer, or None if it is an error that the caller *bears*."""
        try:
            answer = await self._http.send(method, path, headers, query=query, body=body)
        except NoAnswerError as error:
            raise BackendUnavailableError(f"table {table}: no answer ({error})") from None
        if answer.status < 300:
            return answer
        code = answer.code or error_code(answer.body)
        if code in bears:
            return None
        raise BackendUnavailableError(f"table {table}: status {answer.status} ({code})")

    async def get(self, table: str, partition_key: str, row_key: str) -> StoredRow | None:
        """Return one row, or None; that the table is missing is an error."""
        path = path_of(table, {"PartitionKey": partition_key, "RowKey": row_key})
        answer = await self._send(table, "GET", path, _HEADERS, bears=("ResourceNotFound", "EntityNotFound"))
        return None if answer is None else decoded(orjson.loads(answer.body), answer.headers.get("etag", ""))

    async def query(
        self,
        table: str,
        filters: str,
        parameters: Mapping[str, str],
        *,
        select: Sequence[str] = (),
        page: int = 1000,
        first: int | None = None,
    ) -> AsyncIterator[StoredRow]:
        """Yield the rows that fit, in the order of their keys; *page* rows at a time are fetched, *first* at first.

        *filters* is OData with `@name` for each of *parameters*, which are quoted: values never become syntax.
        """
        asked = {"$filter": filter_text(filters, parameters), "$top": str(min(page, first or page))}
        if select:
            asked["$select"] = ",".join(select)
        following: dict[str, str] = {}
        while True:
            query = "&".join(f"{name}={quote(value, safe='')}" for name, value in (asked | following).items())
            answer = await self._send(table, "GET", f"/{table}()", _HEADERS, query=query)
            if answer is None:
                return
            for found in orjson.loads(answer.body)["value"]:
                yield decoded(found)
            following = {
                name: answer.headers[f"x-ms-continuation-{name}"]
                for name in ("NextPartitionKey", "NextRowKey")
                if f"x-ms-continuation-{name}" in answer.headers
            }
            if not following:
                return
            asked["$top"] = str(page)

    async def rows_of(
        self, table: str, partition_key: str, *, start: str = "", end: str = "", select: Sequence[str] = ()
    ) -> list[StoredRow]:
        """Return the rows of one partition with *start* <= RowKey < *end*; an empty bound is none."""
        filters, parameters = "PartitionKey eq @pk", {"pk": partition_key}
        if start:
            filters, parameters = filters + " and RowKey ge @start", {**parameters, "start": start}
        if end:
            filters, parameters = filters + " and RowKey lt @end", {**parameters, "end": end}
        return [row async for row in self.query(table, filters, parameters, select=select)]

    async def insert(self, table: str, row: Row) -> bool:
        """Write a new row; False if there is one."""
        row_bytes(row)
        exists = ("EntityAlreadyExists",)
        answer = await self._send(table, "POST", f"/{table}", _INSERT, body=encoded(row), bears=exists)
        return answer is not None

    async def upsert(self, table: str, row: Row) -> None:
        """Write a row whatever is there."""
        row_bytes(row)
        await self._send(table, "PUT", path_of(table, row), _WRITE, body=encoded(row))

    async def delete(self, table: str, partition_key: str, row_key: str) -> None:
        """Remove a row; that it is absent is no error."""
        path = path_of(table, {"PartitionKey": partition_key, "RowKey": row_key})
        absent = ("ResourceNotFound", "EntityNotFound")
        await self._send(table, "DELETE", path, _HEADERS | {"if-match": "*"}, bears=absent)

    async def transact(self, table: str, changes: Sequence[Change]) -> bool:
        """Write changes of one partition all or not at all; False if another writer came first."""
        return await self.transact_for_etag(table, changes) is not None

    async def transact_for_etag(self, table: str, changes: Sequence[Change]) -> str | None:
        """Do as transact, and return the etag that the first row has now ("" if it was deleted), or None."""
        content_type, body = transaction(self._http.endpoint, table, changes)
        headers = {"content-type": content_type, "accept": "application/json", "dataserviceversion": "3.0"}
        answer = await self._send(table, "POST", "/$batch", headers, body=body)
        outcome = read_outcome(b"" if answer is None else answer.body)
        if outcome.status < 300:
            return outcome.etag
        if outcome.code in _LOST_RACE:
            return None
        raise BackendUnavailableError(f"table {table}: status {outcome.status} ({outcome.code})")

    async def delete_rows(self, table: str, keys: Iterable[tuple[str, str]]) -> None:
        """Remove rows by (PartitionKey, RowKey), a hundred at a time; those absent already are no error."""
        by_partition: dict[str, list[str]] = {}
        for partition_key, row_key in keys:
            by_partition.setdefault(partition_key, []).append(row_key)
        await asyncio.gather(
            *(self._delete_of(table, partition_key, rows) for partition_key, rows in by_partition.items())
        )

    async def _delete_of(self, table: str, partition_key: str, row_keys: list[str]) -> None:
        if len(row_keys) == 1:
            await self.delete(table, partition_key, row_keys[0])
            return
        changes = [
            Change("delete", {"PartitionKey": partition_key, "RowKey": row_key}) for row_key in row_keys
        ]
        for group in in_transactions(changes):
            if not await self.transact(table, group):
                # One row of a group is gone already, and the group with it: the rest go one by one.
                await asyncio.gather(
                    *(self.delete(table, partition_key, change.row["RowKey"]) for change in group)
                )

    async def upsert_rows(self, table: str, rows: Iterable[Row]) -> None:
        """Write rows whatever is there, a hundred of one partition at a time."""
        by_partition: dict[str, list[Change]] = {}
        for row in rows:
            by_partition.setdefault(row["PartitionKey"], []).append(Change("upsert", row))
        groups = [group for changes in by_partition.values() for group in in_transactions(changes)]
        await asyncio.gather(*(self._upsert_group(table, group) for group in groups))

    async def _upsert_group(self, table: str, group: list[Change]) -> None:
        if len(group) == 1:
            await self.upsert(table, group[0].row)
        else:
            await self.transact(table, group)
