"""Tell what of an instance can be shown, and choose the instance that stands for a study or a series. Reads no object."""

from enum import StrEnum
from typing import Final

from shared.dicom.tags import VIDEO_TRANSFER_SYNTAX_PREFIX
from shared.flows._records import Ref, records_of
from shared.ports.archive import InstanceIndex
from shared.records import InstanceRecord

ENCAPSULATED_DOCUMENT: Final = "00420011"


class Kind(StrEnum):
    """What there is to show of an instance."""

    IMAGE = "image"
    VIDEO = "video"
    DOCUMENT = "document"
    NOTHING = "nothing"


def kind_of(record: InstanceRecord) -> Kind:
    """Return what there is to show of an instance."""
    if record.layout is not None:
        is_video = record.transfer_syntax_uid.startswith(VIDEO_TRANSFER_SYNTAX_PREFIX)
        return Kind.VIDEO if is_video else Kind.IMAGE
    if ENCAPSULATED_DOCUMENT in record.bulk_data or f'"{ENCAPSULATED_DOCUMENT}"'.encode() in record.metadata:
        return Kind.DOCUMENT
    return Kind.NOTHING


async def representative(index: InstanceIndex, ref: Ref) -> InstanceRecord:
    """Return the first image of what *ref* names, by series and instance UID; else the first that can be shown, or any.

    Raises:
        NotFoundError: There is no instance.
    """
    records = records_of(index, ref)
    best = await anext(records)
    while kind_of(best) is not Kind.IMAGE:
        record = await anext(records, None)
        if record is None:
            break
        if kind_of(record) is Kind.IMAGE or kind_of(best) is Kind.NOTHING:
            best = record
    return best
