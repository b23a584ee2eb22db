"""Write documents in bulk: in requests of a bounded size, again after a while where the cluster is too busy."""

import logging
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_random_exponential

from shared.backends.elasticsearch.errors import of_status, translated
from shared.errors import BackendUnavailableError
from shared.search_ports import IndexedDocument
from shared.telemetry import event

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

_log = logging.getLogger(__name__)

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DOCUMENTS: Final = 500
_BUSY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_PATIENCE_SECONDS: Final = 30.0
_LONGEST_WAIT_SECONDS: Final = 5.0


async def write(client: "AsyncElasticsearch", index: str, documents: Sequence[IndexedDocument]) -> None:
    """Write documents with their versions; those that have been overtaken are passed over.

    Raises:
        BackendUnavailableError: The cluster does not answer, or stays too busy.
    """
    for batch in _batches(documents):
        refused = await _write_patiently(client, index, batch)
        if refused:
            event(_log, "documents refused by the search index", level=logging.WARNING, count=len(refused))
            bare = [(one, orjson.dumps(one.fallback)) for one in refused]
            if await _write_patiently(client, index, bare):
                raise BackendUnavailableError("Elasticsearch refuses documents that hold nothing but UIDs")


type _Written = tuple[IndexedDocument, bytes]


def _batches(documents: Sequence[IndexedDocument]) -> Iterator[list[_Written]]:
    batch: list[_Written] = []
    size = 0
    for document in documents:
        data = orjson.dumps(document.document)
        if batch and (size + len(data) > MAX_BYTES or len(batch) == MAX_DOCUMENTS):
            yield batch
            batch, size = [], 0
        batch.append((document, data))
        size += len(data)
    if batch:
        yield batch


async def _write_patiently(
    client: "AsyncElasticsearch", index: str, batch: list[_Written]
) -> list[IndexedDocument]:
    """Return those documents that the cluster will never take."""
    refused: list[IndexedDocument] = []
    left = batch

    async def write_what_is_left() -> list[_Written]:
        nonlocal left
        left, never = await _write_once(client, index, left)
        refused.extend(never)
        return left

    tries = AsyncRetrying(
        retry=retry_if_result(bool),
        wait=wait_random_exponential(multiplier=0.2, max=_LONGEST_WAIT_SECONDS),
        stop=stop_after_delay(_PATIENCE_SECONDS),
    )
    try:
        await tries(write_what_is_left)
    except RetryError:
        raise BackendUnavailableError(
            "Elasticsearch was too busy to take documents; try again later"
        ) from None
    return refused


async def _write_once(
    client: "AsyncElasticsearch", index: str, batch: list[_Written]
) -> tuple[list[_Written], list[IndexedDocument]]:
    """Return what to send again, and what was refused for good."""
    from elasticsearch import ApiError

    operations: list[Any] = []
    for document, data in batch:
        action = {"_id": document.id, "version": document.version, "version_type": "external"}
        operations += [orjson.dumps({"index": action}), data]
    with translated("a bulk request"):
        try:
            answer = await client.bulk(index=index, operations=operations)
        except ApiError as error:
            if error.meta.status in _BUSY:
                return batch, []
            if error.meta.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                return await _write_halves(client, index, batch)
            raise of_status("a bulk request", error) from None
    return _sorted_out(batch, answer["items"] if answer["errors"] else [])


async def _write_halves(
    client: "AsyncElasticsearch", index: str, batch: list[_Written]
) -> tuple[list[_Written], list[IndexedDocument]]:
    if len(batch) == 1:
        return [], [batch[0][0]]
    middle = len(batch) // 2
    first, second = (
        await _write_once(client, index, batch[:middle]),
        await _write_once(client, index, batch[middle:]),
    )
    return first[0] + second[0], first[1] + second[1]


def _sorted_out(
    batch: list[_Written], items: Sequence[dict[str, Any]]
) -> tuple[list[_Written], list[IndexedDocument]]:
    again: list[_Written] = []
    never: list[IndexedDocument] = []
    for one, item in zip(batch, items, strict=False):
        status = item["index"]["status"]
        if status in _BUSY:
            again.append(one)
        elif status == HTTPStatus.BAD_REQUEST:
            never.append(one[0])
        elif status >= HTTPStatus.BAD_REQUEST and status != HTTPStatus.CONFLICT:
            raise BackendUnavailableError(f"Elasticsearch answered a document with {status}")
    return again, never
