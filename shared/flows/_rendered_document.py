"""Read the document that an instance encapsulates. Only PDF is shown."""

import binascii
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from shared.dicom.tags import DEFLATED_TRANSFER_SYNTAXES
from shared.errors import DamagedDicomError, NotAcceptableError
from shared.flows._instance_bytes import inflate_instance, stream_bytes
from shared.flows._renderable import ENCAPSULATED_DOCUMENT
from shared.pixels.image_attributes import Attributes, first_integer, first_text
from shared.ports.archive import ObjectStore
from shared.records import BulkDataSpan, InstanceRecord

DOCUMENT_TYPES: Final = ("application/pdf",)
_MIME_TYPE: Final = "00420012"
_DOCUMENT_LENGTH: Final = "00420015"


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its *length* in bytes, its content."""

    length: int
    content: AsyncIterator[bytes]


async def read_document(objects: ObjectStore, record: InstanceRecord) -> Document:
    """Find the document of an instance, without the byte that pads it where its length is told.

    Raises:
        NotAcceptableError: It is no PDF.
        DamagedDicomError: It is empty.

    Source: PS3.3 2024e §C.24.2
    """
    import orjson

    attributes: Attributes = orjson.loads(record.metadata)
    media_type = first_text(attributes, _MIME_TYPE).lower()
    if media_type not in DOCUMENT_TYPES:
        raise NotAcceptableError(
            f"instance {record.ref.sop_instance_uid} encapsulates a document that is no PDF; retrieve it as bulk data"
        )
    span = record.bulk_data.get(ENCAPSULATED_DOCUMENT)
    told = first_integer(attributes, _DOCUMENT_LENGTH)
    if span is not None:
        length = _unpadded(span.length, told)
        return Document(length, _stream(objects, record, BulkDataSpan(span.offset, length, span.vr)))
    data = binascii.a2b_base64(attributes[ENCAPSULATED_DOCUMENT].get("InlineBinary", ""))
    if not data:
        raise DamagedDicomError(f"instance {record.ref.sop_instance_uid} encapsulates an empty document")
    data = data[: _unpadded(len(data), told)]
    return Document(len(data), _once(data))


def _unpadded(stored: int, told: int | None) -> int:
    return stored - 1 if told == stored - 1 else stored


async def _stream(objects: ObjectStore, record: InstanceRecord, span: BulkDataSpan) -> AsyncIterator[bytes]:
    end = span.offset + span.length
    if record.transfer_syntax_uid in DEFLATED_TRANSFER_SYNTAXES:
        yield (await inflate_instance(objects, record.location))[span.offset : end]
        return
    async for chunk in stream_bytes(objects, record.location, span.offset, end):
        yield chunk


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
