"""Find what a request is about, outside of DICOMweb: an instance of the archive, or a file in its body."""

from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request

from functions import _wiring
from functions._streaming import limited_body
from shared.dicom.media_types import parse_media_type
from shared.dicom.multipart import boundary_of, read_parts
from shared.dicom.partition_names import validate_partition_name
from shared.dicom.references import InstanceRef
from shared.errors import InvalidRequestError, NotFoundError
from shared.services.services import Services

MAX_POSTED_BYTES: Final = 128 * 1024 * 1024
"""Of a file in a request; it is held in memory."""


async def services_of(req: Request) -> Services:
    """Return the services of the data partition that the query names by `partition`, or of the default one.

    Raises:
        InvalidRequestError: No partition can be called so.
        NotFoundError: There is none of this name.
    """
    services = await _wiring.services()
    name = req.query_params.get("partition")
    if name is None or validate_partition_name(name) == services.partition:
        return services
    if not await services.partitions.has(name):
        raise NotFoundError(
            "there is no such data partition; it comes into being when something is stored in it"
        )
    return await services.in_partition(name)


def instance_of(req: Request) -> InstanceRef:
    """Return the instance that the route parameters name."""
    return InstanceRef(req.path_params["study"], req.path_params["series"], req.path_params["instance"])


async def posted_file(req: Request) -> bytes:
    """Return the file in the body: the whole body, or the first part of a multipart one.

    Raises:
        InvalidRequestError: There is none.
        PayloadTooLargeError: The body is larger than the limit.
    """
    body = limited_body(req, MAX_POSTED_BYTES)
    content_type = req.headers.get("content-type", "")
    if content_type and parse_media_type(content_type).essence.startswith("multipart/"):
        async for part in read_parts(body, boundary_of(content_type)):
            return await _joined(part.chunks())
        raise InvalidRequestError("the multipart body has no part; send one DICOM file")
    data = await _joined(body)
    if not data:
        raise InvalidRequestError("the body is empty; send one DICOM file")
    return data


async def _joined(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])
