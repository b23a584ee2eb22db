"""Composition of the upstream service: how it is reached, its feed, and the store that reads from it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import SettingsError
from shared.ports.archive import ObjectStore
from shared.ports.upstream import UPSTREAM_CONTAINER, DicomwebUpstream, UpstreamFeed, UpstreamQueue
from shared.settings.settings import Settings

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueServiceClient

    from shared.backends.upstream.address import UpstreamAddress
    from shared.backends.upstream.http import UpstreamHttp


@dataclass(frozen=True, slots=True)
class Upstream:
    """A service that holds the instances of the default data partition; *feed* is None where it has none."""

    dicomweb: DicomwebUpstream
    queue: UpstreamQueue
    feed: UpstreamFeed | None


async def with_upstream(
    settings: Settings,
    objects: ObjectStore,
    queues: "QueueServiceClient",
    closers: list[Callable[[], Awaitable[None]]],
) -> tuple[ObjectStore, Upstream | None]:
    """Return the store with what the upstream service holds in it, and that service, if one is set.

    Args:
        settings: What is set.
        objects: The store of everything else.
        queues: The account's queues.
        closers: Gets what closes it.

    Raises:
        SettingsError: What is set of it makes no sense.
    """
    if not settings.upstream_url:
        return objects, None
    from shared.backends.upstream.address import address_of
    from shared.backends.upstream.dicomweb import PARTS, SINGLE, HttpDicomwebUpstream, OrthancUpstream
    from shared.backends.upstream.http import UpstreamHttp
    from shared.backends.upstream.login import login_of
    from shared.backends.upstream.objects import UpstreamObjects
    from shared.backends.upstream.placed_objects import PlacedObjects
    from shared.backends.upstream.queue import StorageUpstreamQueue

    if UPSTREAM_CONTAINER in (*settings.watched_containers, settings.archive_container):
        raise SettingsError(
            f"no container can be called {UPSTREAM_CONTAINER} where an upstream service is set"
        )
    address = address_of(settings)
    http = UpstreamHttp(settings, login_of(settings))
    closers.append(http.close)
    made = OrthancUpstream if settings.upstream_kind == "orthanc" else HttpDicomwebUpstream
    dicomweb = made(http, address, SINGLE if settings.upstream_kind == "azure" else PARTS)
    store = UpstreamObjects(dicomweb)
    closers.append(store.close)
    upstream = Upstream(dicomweb, StorageUpstreamQueue(queues), _feed(settings, http, address))
    return PlacedObjects(objects, store), upstream


def _feed(settings: Settings, http: "UpstreamHttp", address: "UpstreamAddress") -> UpstreamFeed | None:
    from shared.backends.upstream.azure_feed import AzureFeedV1, AzureFeedV2
    from shared.backends.upstream.orthanc_feed import OrthancFeed

    if settings.upstream_kind == "dicomweb":
        return None
    if settings.upstream_kind == "orthanc":
        return OrthancFeed(http, address)
    return AzureFeedV1(http, address) if address.version == "v1" else AzureFeedV2(http, address)
