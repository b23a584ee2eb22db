"""Find the bytes that an item of a run is about. Reads no content but the start of what has no extension."""

import re
from collections.abc import AsyncIterator
from typing import Final

from shared.errors import ObjectNotFoundError
from shared.flows._upload_request import UploadPorts, UploadRequest
from shared.ports.jobs import JobItem
from shared.records import ObjectInfo, ObjectKey, ObjectLocation

_EXTENSION: Final = re.compile(r"\.dcm", re.IGNORECASE)
_PREFIX: Final = (128, 132)


async def location_of(item: JobItem, ports: UploadPorts) -> ObjectLocation:
    """Return where the file of *item* lies.

    Raises:
        NotFoundError: It is gone.
    """
    if item.ref is not None:
        return (await ports.index.get(item.ref)).location
    container, _, name = item.source.partition("/")
    info = await ports.objects.head(ObjectKey(container, name))
    return ObjectLocation(info.key, info.etag, 0, info.size)


async def objects_named(request: UploadRequest, ports: UploadPorts) -> AsyncIterator[ObjectKey]:
    """Yield the objects that a prefix names and that are DICOM files by their names, in the order of these."""
    async for info in ports.objects.scan(request.container, prefix=request.prefix):
        if not info.is_folder and await _counts(info, request, ports):
            yield info.key


async def _counts(info: ObjectInfo, request: UploadRequest, ports: UploadPorts) -> bool:
    name = info.key.name.rpartition("/")[2]
    if _EXTENSION.fullmatch(name[-4:]):
        return True
    if not request.any_name or info.size <= _PREFIX[1]:
        return False
    try:
        return (await ports.objects.read_range(info.key, *_PREFIX)).data == b"DICM"
    except ObjectNotFoundError:
        return False
