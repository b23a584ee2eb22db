"""Look at the documents of one build as they were written, remove marks of old deletions, and tell whether any answers."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.backends.elasticsearch.clauses import within_partition
from shared.backends.elasticsearch.errors import translated
from shared.dicom.index.fields import DELETED, UIDS
from shared.dicom.index.query import Everything
from shared.dicom.references import InstanceRef

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch


async def settle(client: "AsyncElasticsearch", index: str) -> None:
    """Let all that was written be found."""
    with translated("a refresh"):
        await client.indices.refresh(index=index)


async def held(client: "AsyncElasticsearch", index: str, ids: Sequence[str]) -> set[str]:
    """Return those of *ids* that have a living document; one that was just written is seen, as in no search."""
    if not ids:
        return set()
    with translated("the look at documents"):
        answer = await client.mget(index=index, ids=list(ids), source_includes=[DELETED])
    return {
        str(document["_id"])
        for document in answer["docs"]
        if document.get("found") and not document["_source"].get(DELETED)
    }


async def listed(
    client: "AsyncElasticsearch", index: str, partition: str, after: InstanceRef | None, limit: int
) -> list[InstanceRef]:
    """Return the instances of a page of living documents, in the order of their UIDs."""
    asked: dict[str, Any] = {}
    if after is not None:
        asked["search_after"] = [after.study_instance_uid, after.series_instance_uid, after.sop_instance_uid]
    with translated("the list of documents"):
        answer = await client.search(
            index=index,
            query=within_partition(partition, Everything()),
            size=limit,
            sort=[{uid: "asc"} for uid in UIDS],
            source_includes=list(UIDS),
            track_total_hits=False,
            allow_partial_search_results=False,
            **asked,
        )
    return [InstanceRef(*(hit["_source"][uid] for uid in UIDS)) for hit in answer["hits"]["hits"]]


async def purge(client: "AsyncElasticsearch", index: str, before: str) -> int:
    """Remove documents of instances that were deleted before a day; one that is written meanwhile stays."""
    old = [{"term": {DELETED: True}}, {"range": {"indexed_on": {"lt": before}}}]
    with translated("the removal of old deletions"):
        answer = await client.delete_by_query(
            index=index, query={"bool": {"filter": old}}, conflicts="proceed"
        )
    return int(answer["deleted"])


async def state(client: "AsyncElasticsearch", alias: str, seconds: float) -> str:
    """Return "ok" if what *alias* names answers, else "being built", "denied" or "unreachable"; it never raises."""
    from elastic_transport import TransportError
    from elasticsearch import ApiError

    once = client.options(request_timeout=seconds, max_retries=0)
    try:
        is_there = await once.indices.exists_alias(name=alias)
    except ApiError as error:
        denied = error.meta.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        return "denied" if denied else f"status {error.meta.status}"
    except TransportError:
        return "unreachable"
    return "ok" if is_there else "being built"
