"""The search engine by Elasticsearch's client keeps its contract, on both servers that stand in for Elasticsearch.

With ES_TEST_URL (and ES_TEST_API_KEY, ES_TEST_CA_CERTS) it does so on a real cluster too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.backends.elasticsearch import ElasticsearchEngine
from shared.dicom.index.policy import IndexPolicy
from shared.ports.search import SearchEngine
from tests.contract.indexed_archive import archives_with_index
from tests.contract.records import OpenArchive, fresh_name
from tests.contract.search_engine import Cluster, OpenCluster, SearchEngineContract
from tests.contract.search_servers import search_server
from tests.contract.study_search import StudySearchContract
from tests.search_servers import SearchServer

pytestmark = pytest.mark.search

__all__ = ["search_server"]


class _OnServers:
    @pytest.fixture
    async def open_cluster(self, search_server: SearchServer) -> AsyncIterator[OpenCluster]:
        client = search_server.client()
        names: list[str] = []

        def open_cluster() -> Cluster:
            name = fresh_name("dicom-test")
            names.append(name)

            def engine(fingerprint: str) -> SearchEngine:
                return ElasticsearchEngine(client, name, fingerprint)

            async def settle() -> None:
                await client.indices.refresh(index=f"{name}-*")

            return Cluster(engine, settle)

        yield open_cluster
        for name in names:
            for index in await client.indices.get(index=f"{name}-*"):
                await client.indices.delete(index=index)
        await client.close()


class TestElasticsearch(_OnServers, SearchEngineContract):
    """ElasticsearchEngine."""


class TestIndexedStudySearch(_OnServers, StudySearchContract):
    """IndexedStudySearch by an ElasticsearchEngine."""

    @pytest.fixture(params=["plain", "hashed"])
    def open_archive(self, request: pytest.FixtureRequest, open_cluster: OpenCluster) -> OpenArchive:
        return archives_with_index(open_cluster(), IndexPolicy(request.param, key=b"k" * 32))
