"""What the triggers share that bring the search index up to date."""

import asyncio
from typing import Final

from shared.errors import NotConfiguredError
from shared.flows.update_search import SearchUpdatePorts, update_search
from shared.services.services import Services

_updating: Final = asyncio.Lock()


async def bring_search_up(services: Services, *, seconds: float) -> None:
    """Take into the search index what has changed, if there is one and nobody in this process is at it already.

    Args:
        services: those of the default data partition, with which the place in the feed is kept.
        seconds: after which the next update goes on.

    Raises:
        BackendUnavailableError: The search engine does not answer. The next update makes up for it.
    """
    ports = update_ports(services)
    if ports is None or _updating.locked():
        return
    async with _updating:
        await update_search(ports, seconds=seconds)


def update_ports(services: Services) -> SearchUpdatePorts | None:
    """Return what an update needs, None where there is no search engine; *services* are as in `bring_search_up`."""
    if services.engine is None:
        return None
    return SearchUpdatePorts(services.feed, services.checkpoints, services.engine, services.searched)


async def begin_rebuild(services: Services) -> str:
    """Begin a build of the index, which the next updates fill; return its name.

    Raises:
        NotConfiguredError: There is no search engine.
        BackendUnavailableError: It does not answer.
    """
    if services.engine is None:
        raise NotConfiguredError("there is no search index to build; set DICOM_ELASTICSEARCH_URL")
    return (await services.engine.begin_build()).name
