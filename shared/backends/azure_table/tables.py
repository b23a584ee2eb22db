"""The few table operations the adapters use, with Azure's errors and limits put in the product's words.

A lost race is an answer here (False), not an error: every caller has something to do about it.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.data.tables import TableEntity, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from shared.backends.azure_table.keys import checked
from shared.errors import BackendUnavailableError, UnsupportedObjectError

type Row = Mapping[str, Any]

MAX_TRANSACTION_ROWS = 100
MAX_TRANSACTION_BYTES = 3 * 1024 * 1024
"""Of the request's body; Azure refuses 4 MiB."""
_ROW_HEADERS_BYTES = 1024
"""Around each row, about: its URL, which repeats its keys, and MIME headers."""
MAX_PROPERTY_BYTES = 64 * 1024
MAX_ROW_BYTES = 1024 * 1024

_LOST_RACE = frozenset(
    {
        "EntityAlreadyExists",
        "UpdateConditionNotSatisfied",
        "ResourceNotFound",
        "EntityNotFound",
        "ConditionNotMet",
    }
)


@dataclass(frozen=True, slots=True)
class Change:
    """One row of a transaction. *etag* makes update and delete conditional; insert fails if the row is there."""

    kind: Literal["insert", "upsert", "update", "delete"]
    row: Row
    etag: str | None = None


async def pause(attempt: int) -> None:
    """Wait a random while before a lost race is run again, longer for each *attempt* (from 0), a second at most."""
    await asyncio.sleep(random.uniform(0, min(0.02 * 2**attempt, 1)))  # noqa: S311  # no secret depends on it


def etag_of(row: TableEntity) -> str:
    """Return the etag a row was read with."""
    return str(row.metadata["etag"])


def row_bytes(row: Row) -> int:
    """Return about how many bytes a row takes in a transaction, checking what Azure refuses and Azurite takes.

    Raises:
        UnsupportedObjectError: A key, a property or the whole row is over Azure's limit.
    """
    checked(row["PartitionKey"])
    checked(row["RowKey"])
    total, sent = 0, _ROW_HEADERS_BYTES
    for name, value in row.items():
        stored_bytes, sent_bytes = _value_bytes(value)
        if stored_bytes > MAX_PROPERTY_BYTES:
            raise UnsupportedObjectError(
                f"table property {name} would take {stored_bytes} bytes of {MAX_PROPERTY_BYTES}"
            )
        total += stored_bytes + 2 * len(name) + 8
        sent += sent_bytes + len(name) + 40
    if total > MAX_ROW_BYTES:
        raise UnsupportedObjectError(f"a table row would take {total} bytes of {MAX_ROW_BYTES}")
    return sent


def _value_bytes(value: object) -> tuple[int, int]:
    """Return how many bytes a value takes where it is stored, and in a request."""
    if isinstance(value, bytes):
        return len(value), 4 * (len(value) // 3 + 1)  # as base64
    if isinstance(value, str):
        return len(value.encode("utf-16-le")), len(json.dumps(value))
    return 8, 8


def in_transactions(changes: Iterable[Change], *, rows: int = MAX_TRANSACTION_ROWS) -> list[list[Change]]:
    """Split changes of one partition into transactions that Azure accepts, in their order."""
    groups: list[list[Change]] = []
    used = 0
    for change in changes:
        size = row_bytes(change.row)
        if not groups or len(groups[-1]) >= rows or used + size > MAX_TRANSACTION_BYTES:
            groups.append([])
            used = 0
        groups[-1].append(change)
        used += size
    return groups


class Tables:
    """All tables of one account, their clients made once."""

    def __init__(self, service: TableServiceClient) -> None:
        self._service = service
        self._clients: dict[str, TableClient] = {}

    def _client(self, table: str) -> TableClient:
        if table not in self._clients:
            self._clients[table] = self._service.get_table_client(table)
        return self._clients[table]

    async def get(self, table: str, partition_key: str, row_key: str) -> TableEntity | None:
        """Return one row, or None; that the table is missing is an error."""
        async with _translated(table):
            try:
                return await self._client(table).get_entity(partition_key, row_key)
            except ResourceNotFoundError as error:
                if getattr(error, "error_code", None) == "TableNotFound":
                    raise
                return None

    async def query(
        self,
        table: str,
        filters: str,
        parameters: Mapping[str, str],
        *,
        select: Sequence[str] = (),
        page: int = 1000,
    ) -> AsyncIterator[TableEntity]:
        """Yield the rows that fit, in the order of their keys; *page* rows at a time are fetched.

        *filters* is OData with `@name` for each of *parameters*, which are quoted: values never become syntax.
        """
        pages = (
            self._client(table)
            .query_entities(
                filters,
                parameters=dict(parameters),
                select=list(select) or None,
                results_per_page=page,
            )
            .by_page()
        )
        while True:
            async with _translated(table):
                try:
                    rows = [row async for row in await anext(pages)]
                except StopAsyncIteration:
                    return
            for row in rows:
                yield row

    async def rows_of(
        self, table: str, partition_key: str, *, start: str = "", end: str = "", select: Sequence[str] = ()
    ) -> list[TableEntity]:
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
        async with _translated(table):
            try:
                await self._client(table).create_entity(row)
            except ResourceExistsError:
                return False
        return True

    async def upsert(self, table: str, row: Row) -> None:
        """Write a row whatever is there."""
        row_bytes(row)
        async with _translated(table):
            await self._client(table).upsert_entity(row, mode=UpdateMode.REPLACE)

    async def delete(self, table: str, partition_key: str, row_key: str) -> None:
        """Remove a row; that it is absent is no error."""
        async with _translated(table):
            await self._client(table).delete_entity(partition_key, row_key)

    async def transact(self, table: str, changes: Sequence[Change]) -> bool:
        """Write changes of one partition all or not at all; False if another writer came first."""
        return await self.transact_for_etag(table, changes) is not None

    async def transact_for_etag(self, table: str, changes: Sequence[Change]) -> str | None:
        """Do as transact, and return the etag that the first row has now ("" if it was deleted), or None."""
        operations = [_operation(change) for change in changes]
        async with _translated(table):
            try:
                answers = await self._client(table).submit_transaction(operations)
            except TableTransactionError as error:
                if getattr(error, "error_code", None) in _LOST_RACE:
                    return None
                raise
            except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
                return None
        return str(answers[0].get("etag", ""))

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


def _operation(change: Change) -> tuple[str, Row] | tuple[str, Row, dict[str, Any]]:
    if change.etag is not None:
        options: dict[str, Any] = {"etag": change.etag, "match_condition": MatchConditions.IfNotModified}
        if change.kind == "update":
            options["mode"] = UpdateMode.REPLACE
        return change.kind, change.row, options
    match change.kind:
        case "insert":
            return "create", change.row
        case "delete":
            return "delete", change.row
        case "upsert" | "update":
            return "upsert", change.row, {"mode": UpdateMode.REPLACE}


@asynccontextmanager
async def _translated(table: str) -> AsyncIterator[None]:
    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as error:
        raise BackendUnavailableError(f"table {table}: no answer") from error
    except HttpResponseError as error:
        code = getattr(error, "error_code", None)
        raise BackendUnavailableError(f"table {table}: status {error.status_code} ({code})") from error
