"""Tell of each container, table and queue whether the app can reach it. Makes clients of its own, and closes them.

It stands apart from the services: where a table is missing or a key is wrong those cannot be made, and that is when
one asks.
"""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from shared.errors import BackendUnavailableError, ObjectNotFoundError
from shared.services.search import search_engine
from shared.settings.settings import Settings

if TYPE_CHECKING:
    from shared.ports.archive import ObjectStore

SECONDS = 8
"""That a service has to answer."""
SEARCH_INDEX = "search index"
"""The one dependency without which everything but searches by it goes on."""
UPSTREAM = "upstream service"
"""Without it DICOMweb fails, wherever this app runs; cases and searches of its own go on."""


async def check_connections(settings: Settings) -> dict[str, str]:
    """Return what is found of each dependency, such as "container images" or "table report".

    It is "ok", "no such container" (or table, or queue), "being built", "denied", "unreachable", or another status; no
    secret and no address.

    Raises:
        SettingsError: No storage account is set, or its connection string cannot be read.
    """
    from shared.backends.azure_probes import answers_of, container_probes, queue_probes, table_probes
    from shared.backends.azure_table.archive import TABLES
    from shared.backends.storage_queue import STUDY_CHANGED
    from shared.backends.upstream.queue import UPSTREAM_EVENTS
    from shared.backends.work_queue import ANALYTICS, DEIDENTIFY, IMPORTS, SESSIONS, UPLOADS
    from shared.services.azure_clients import probe_clients
    from shared.services.s3 import s3_store

    containers = dict.fromkeys(
        (
            *settings.watched_containers,
            settings.archive_container,
            settings.derived_container,
            settings.rejected_container,
            settings.sessions_container,
            *([settings.quarantine_container] if settings.risk_action == "quarantine" else []),
        )
    )
    queues = [STUDY_CHANGED, DEIDENTIFY, IMPORTS, SESSIONS, UPLOADS, ANALYTICS]
    queues += ["blob-events"] if settings.blob_events == "queue" else []
    queues += [UPSTREAM_EVENTS] if settings.upstream_url else []
    async with AsyncExitStack() as stack:
        blobs, queue_service, tables = probe_clients(settings)
        for client in (blobs, queue_service, tables):
            stack.push_async_callback(client.close)
        probes = table_probes(tables, (*TABLES, settings.report_table)) | queue_probes(queue_service, queues)
        others = await _of_search(settings) | await _of_upstream(settings)
        if settings.object_store != "s3":
            return await answers_of(container_probes(blobs, containers) | probes, SECONDS) | others
        store = await s3_store(settings)
        stack.push_async_callback(store.close)
        found = {f"container {name}": await _of_store(store, name) for name in containers}
        return found | await answers_of(probes, SECONDS) | others


async def _of_search(settings: Settings) -> dict[str, str]:
    engine = search_engine(settings)
    if engine is None:
        return {}
    try:
        return {SEARCH_INDEX: await engine.state(SECONDS)}
    finally:
        await engine.close()


async def _of_upstream(settings: Settings) -> dict[str, str]:
    if not settings.upstream_url:
        return {}
    from shared.backends.upstream.probe import upstream_state

    try:
        return {UPSTREAM: await upstream_state(settings, SECONDS)}
    except BackendUnavailableError:
        return {UPSTREAM: "no such service"}


async def _of_store(store: "ObjectStore", container: str) -> str:
    try:
        await anext(store.scan(container), None)
    except ObjectNotFoundError:
        return "no such container"
    except BackendUnavailableError as error:
        return str(error)
    return "ok"
