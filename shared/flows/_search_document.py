"""Make the document of an instance for the search index, of the instance as the archive has it now."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from shared.dicom.index.document import bare_document, document_id, document_of
from shared.dicom.index.fields import PARTITION
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.references import InstanceRef
from shared.dicom.risk.report import level_name
from shared.errors import InstanceNotFoundError, PermanentError
from shared.flows._archive_key import instance_of
from shared.ports.archive import InstanceIndex
from shared.ports.search import IndexedDocument
from shared.records import InstanceRecord

type OpenPartition = Callable[[str], Awaitable[tuple[InstanceIndex, IndexPolicy]]]
"""Gives the index of a partition, and what of it may enter the search."""


async def search_document(
    partition: str, ref: InstanceRef, version: int, open_partition: OpenPartition
) -> IndexedDocument:
    """Return the document under *version*, a place in the change feed that was there before this call.

    Whatever changes the instance after it was read has a higher one, so that an old state overwrites no newer one.
    """
    index, policy = await open_partition(partition)
    try:
        record = await index.get(ref)
    except InstanceNotFoundError:
        document = fallback = bare_document(ref, partition, deleted_on=_day(datetime.now(UTC)))
    except PermanentError:
        # One that cannot be read must not keep all others from being found.
        document = fallback = bare_document(ref, partition)
    else:
        fallback = bare_document(ref, partition)
        own = _own_fields(record, partition, policy)
        document = document_of(ref, orjson.loads(record.metadata), own, policy)
    return IndexedDocument(document_id(partition, ref), version, document, fallback)


def _own_fields(record: InstanceRecord, partition: str, policy: IndexPolicy) -> dict[str, Any]:
    key = record.location.key
    own: dict[str, Any] = {
        PARTITION: partition,
        "bucket": key.container,
        "size": record.location.length,
        "indexed_on": _day(record.indexed_at),
        "TransferSyntaxUID": record.transfer_syntax_uid,
    }
    if record.risk is not None:
        own["risk"] = level_name(record.risk.level)
    # Of names that users chose some say who the patient is; those of the archive's making are of UIDs.
    if policy.identifying == "plain" or instance_of(key) == record.ref:
        own["object_key"] = key.name
    return own


def _day(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y%m%d")
