"""Write documents in bulk: in requests of a bounded size, again after a while where the cluster is too busy.

A request that the cluster (or a proxy before it) finds too large is sent in halves. A document that it will never take
is replaced by one that says only that the instance is there, and told of with the reason; the others go on.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_random_exponential

from shared.backends.elasticsearch.errors import of_status, translated
from shared.dicom.index.fields import UIDS
from shared.errors import BackendUnavailableError
from shared.ports.search import IndexedDocument
from shared.telemetry.events import event

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

_log = logging.getLogger(__name__)

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DOCUMENTS: Final = 500
_BUSY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_PATIENCE_SECONDS: Final = 30.0
_LONGEST_WAIT_SECONDS: Final = 5.0
_TOO_LARGE: Final = "too large"


type _Batch = list[tuple[IndexedDocument, bytes]]


@dataclass(frozen=True, slots=True)
class _Refused:
    """A document that the cluster will never take, and why."""

    document: IndexedDocument
    reason: str


@dataclass(slots=True)
class _Result:
    """What became of a batch, as far as it was not written or overtaken: what to send again, and what never."""

    again: _Batch
    never: list[_Refused]


async def write(
    client: "AsyncElasticsearch", index: str, documents: Sequence[IndexedDocument], *, again: bool = False
) -> None:
    """Write documents with their versions; those that have been overtaken are passed over.

    With *again* one of the same version is overwritten too.

    Raises:
        BackendUnavailableError: The cluster does not answer, or stays too busy. What was written stays written.
    """
    writer = _Writer(client, index, "external_gte" if again else "external")
    for batch in _batches(documents):
        refused = await writer.write_patiently(batch)
        for one in refused:
            facts = {
                "study_instance_uid": one.document.fallback[UIDS[0]],
                "sop_instance_uid": one.document.fallback[UIDS[-1]],
                "reason": one.reason,
            }
            event(_log, "document refused by the search index", level=logging.WARNING, **facts)
        bare = [(one.document, orjson.dumps(one.document.fallback)) for one in refused]
        if bare and await writer.write_patiently(bare):
            raise BackendUnavailableError("Elasticsearch refuses documents that hold nothing but UIDs")


def _batches(documents: Sequence[IndexedDocument]) -> Iterator[_Batch]:
    batch: _Batch = []
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


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes to one index by one way of comparing versions."""

    client: "AsyncElasticsearch"
    index: str
    version_type: str

    async def write_patiently(self, batch: _Batch) -> list[_Refused]:
        """Write, again and again while the cluster is busy; return those that it will never take."""
        refused: list[_Refused] = []
        left = batch

        async def write_what_is_left() -> _Batch:
            nonlocal left
            result = await self._write_once(left)
            refused.extend(result.never)
            left = result.again
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

    async def _write_once(self, batch: _Batch) -> _Result:
        from elasticsearch import ApiError

        operations: list[Any] = []
        for document, data in batch:
            action = {"_id": document.id, "version": document.version, "version_type": self.version_type}
            operations += [orjson.dumps({"index": action}), data]
        with translated("a bulk request"):
            try:
                answer = await self.client.bulk(index=self.index, operations=operations)
            except ApiError as error:
                if error.meta.status in _BUSY:
                    return _Result(batch, [])
                if error.meta.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                    return await self._write_halves(batch)
                raise of_status("a bulk request", error) from None
        return _sorted_out(batch, answer["items"]) if answer["errors"] else _Result([], [])

    async def _write_halves(self, batch: _Batch) -> _Result:
        if len(batch) == 1:
            return _Result([], [_Refused(batch[0][0], _TOO_LARGE)])
        middle = len(batch) // 2
        first = await self._write_once(batch[:middle])
        second = await self._write_once(batch[middle:])
        return _Result(first.again + second.again, first.never + second.never)


def _sorted_out(batch: _Batch, items: Sequence[dict[str, Any]]) -> _Result:
    if len(items) != len(batch):
        raise BackendUnavailableError("Elasticsearch answered a bulk request in part; try again")
    result = _Result([], [])
    for one, item in zip(batch, items, strict=True):
        status = item["index"]["status"]
        if status in _BUSY:
            result.again.append(one)
        elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            result.never.append(_Refused(one[0], _TOO_LARGE))
        elif status == HTTPStatus.BAD_REQUEST:
            # Its kind alone: the sentence that goes with it may hold a value.
            kind = str(item["index"].get("error", {}).get("type", "not told"))
            result.never.append(_Refused(one[0], kind))
        elif status >= HTTPStatus.BAD_REQUEST and status != HTTPStatus.CONFLICT:
            raise BackendUnavailableError(f"Elasticsearch answered a document with {status}")
    return result
