"""A fixture of each search server in turn; import it to use it. With ES_TEST_URL a real cluster is one of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.search_servers import SearchServer, real_cluster, running_noida, running_osmem

_SERVERS = ["noida", "osmem", *(["elasticsearch"] if real_cluster() else [])]


@pytest.fixture(scope="session", params=_SERVERS)
def search_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchServer]:
    """Yield each of the servers in turn."""
    if (real := real_cluster()) is not None and request.param == "elasticsearch":
        yield real
        return
    if request.param == "noida":
        with running_noida(tmp_path_factory.mktemp("noida")) as server:
            yield server
        return
    with running_osmem() as server:
        yield server
