"""Retrieve metadata: the stored JSON joined, not parsed."""

from collections.abc import AsyncIterator
from typing import Final

from shared.flows._records import Ref, records_of
from shared.flows._urls import instance_url
from shared.ports.archive import InstanceIndex
from shared.telemetry.tracing import flow

_RELATIVE: Final = b'"BulkDataURI":"bulkdata/'
"""As the index keeps it. Within a string of the JSON each quote has a backslash before it, so no value looks so."""


@flow
async def retrieve_metadata(ref: Ref, *, service_url: str, index: InstanceIndex) -> AsyncIterator[bytes]:
    """Yield a JSON array of the metadata of every instance of what *ref* names, a piece for each.

    Args:
        ref: A study, series or instance.
        service_url: Public root of the service; every BulkDataURI begins with it.
        index: Where they are.

    Raises:
        NotFoundError: There is no instance; raised before the first piece.

    Source: PS3.18 2024e §10.4.1.1.2 and §F.2
    """
    before = b"["
    async for record in records_of(index, ref):
        absolute = f'"BulkDataURI":"{instance_url(service_url, record.ref)}/bulkdata/'
        yield before + record.metadata.replace(_RELATIVE, absolute.encode())
        before = b","
    yield b"]"
