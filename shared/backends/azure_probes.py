"""Ask a storage account for what the app needs of it, once each and without trying again. It makes nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient

OK: Final = "ok"
DENIED: Final = "denied"
UNREACHABLE: Final = "unreachable"

type Probe = Callable[[], Awaitable[Any]]


def container_probes(service: BlobServiceClient, names: Iterable[str]) -> dict[str, Probe]:
    """Return a probe for each container, by "container" and its name."""
    return {
        f"container {name}": service.get_container_client(name).get_container_properties
        for name in dict.fromkeys(names)
    }


def queue_probes(service: QueueServiceClient, names: Iterable[str]) -> dict[str, Probe]:
    """Return a probe for each queue."""
    return {
        f"queue {name}": service.get_queue_client(name).get_queue_properties for name in dict.fromkeys(names)
    }


def table_probes(service: TableServiceClient, names: Iterable[str]) -> dict[str, Probe]:
    """Return a probe for each table: a query by a key that no row has, for to describe a table asks for more rights."""

    def probe(name: str) -> Probe:
        async def ask() -> None:
            client = service.get_table_client(name)
            rows = client.query_entities("PartitionKey eq '' and RowKey eq ''", results_per_page=1)
            await anext(rows, None)

        return ask

    return {f"table {name}": probe(name) for name in dict.fromkeys(names)}


async def answers_of(probes: Mapping[str, Probe], seconds: float) -> dict[str, str]:
    """Return what each probe has found: "ok", "no such table" (container, queue), "denied", "unreachable", or a status.

    Args:
        probes: By kind and name.
        seconds: After which a service that has not answered is unreachable.
    """
    found = await asyncio.gather(
        *(_answer(name.partition(" ")[0], ask, seconds) for name, ask in probes.items())
    )
    return dict(zip(probes, found, strict=True))


async def _answer(kind: str, ask: Probe, seconds: float) -> str:
    try:
        async with asyncio.timeout(seconds):
            await ask()
    except (ClientAuthenticationError, HttpResponseError) as error:
        return _verdict(kind, error)
    except (AzureError, OSError):
        return UNREACHABLE
    return OK


def _verdict(kind: str, error: HttpResponseError) -> str:
    # A credential that cannot be had, or cannot sign, is refused before there is any status.
    if error.status_code in (401, 403) or (
        error.status_code is None and isinstance(error, ClientAuthenticationError)
    ):
        return DENIED
    if error.status_code == 404:
        return f"no such {kind}"
    return UNREACHABLE if error.status_code is None else f"status {error.status_code}"
