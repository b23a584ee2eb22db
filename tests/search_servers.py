"""Start the two servers that stand in for Elasticsearch in tests, on free ports of loopback."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import osmem_server

from client.noida import NoidaDb
from shared.backends.elasticsearch import ElasticsearchOptions, open_elasticsearch
from tests.free_ports import free_ports
from tests.osmem_node import OsmemNode

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class SearchServer:
    """Where a server is, and what the client needs to talk to it."""

    url: str
    client_options: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def client(self, timeout_seconds: float = 30) -> AsyncElasticsearch:
        """Return a client, to be closed by who asked for it."""
        options = ElasticsearchOptions(self.url, timeout_seconds=timeout_seconds, **self.options)
        return open_elasticsearch(options, **self.client_options)


@contextmanager
def running_noida(folder: Path, noida: NoidaDb | None = None) -> Iterator[SearchServer]:
    """Run noida-db, with its data in *folder*, at a port of its own unless one is given."""
    noida = noida or NoidaDb(free_ports(1))
    with _running(noida.command(folder), SearchServer(noida.url)) as server:
        yield server


@contextmanager
def running_osmem() -> Iterator[SearchServer]:
    """Run osmem-server, which keeps its data in memory."""
    port = free_ports(1)
    command = [osmem_server.resolve_binary(), "-addr", f"127.0.0.1:{port}", "-no-stdin-watch", "-no-ja"]
    server = SearchServer(f"http://127.0.0.1:{port}", {"node_class": OsmemNode})
    with _running(command, server) as running:
        yield running


@contextmanager
def _running(command: list[str], server: SearchServer) -> Iterator[SearchServer]:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        asyncio.run(asyncio.wait_for(_answering(server), _START_SECONDS))
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _answering(server: SearchServer) -> None:
    async with server.client() as client:
        # It cannot say when it will be ready, only whether it is.
        while not await client.ping():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def real_cluster() -> SearchServer | None:
    """Return the cluster that ES_TEST_URL names, if any."""
    url = os.environ.get("ES_TEST_URL", "")
    given = {
        "api_key": os.environ.get("ES_TEST_API_KEY", ""),
        "ca_certs": os.environ.get("ES_TEST_CA_CERTS", ""),
    }
    return SearchServer(url, options=given) if url else None
