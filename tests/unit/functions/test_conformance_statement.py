"""The conformance statement names the resources that the functions have, and no others."""

import re
from pathlib import Path
from typing import Any

from functions import (
    http_dicomweb_changes,
    http_dicomweb_delete,
    http_dicomweb_partitions,
    http_dicomweb_retrieve,
    http_dicomweb_search,
    http_dicomweb_store,
)

STATEMENT = Path(__file__).parents[3] / "docs/conformance.md"
AREAS = (
    http_dicomweb_changes,
    http_dicomweb_delete,
    http_dicomweb_partitions,
    http_dicomweb_retrieve,
    http_dicomweb_search,
    http_dicomweb_store,
)
RESOURCES = {
    "studies/{study?}": "| Store",
    "{resource}": "| Search",
    "studies/{study}/series": "| Search",
    "studies/{study}/instances": "| Search",
    "studies/{study}/series/{series}/instances": "| Search",
    "studies/{study}/{*path}": "| Retrieve",
    "changefeed/{*path}": "| Change feed",
    "partitions": "| Data partitions",
}
ROOTS = re.compile(r"(?:dicomweb|v1|v2)/(?:partitions/\{partition\}/)?(?=.)")


def route_of(builder: Any) -> str:
    """Return the route of a declared function."""
    route: str = builder._function.get_trigger().get_dict_repr()["route"]
    return route


def test_every_route_has_its_row() -> None:
    """Below each root and its partitions there is what the table of resources says."""
    routes = [route_of(builder) for area in AREAS for builder in area.bp._function_builders]
    table = STATEMENT.read_text().partition("## Resources")[2].partition("\n## ")[0]
    assert {ROOTS.sub("", route, count=1) for route in routes} == set(RESOURCES)
    for row in RESOURCES.values():
        assert row in table
    for resource in ("/studies/{study}/series/{series}/instances", "/changefeed/latest", "/partitions"):
        assert f"`{resource}`" in table


def test_every_root_is_named() -> None:
    """And those only."""
    routes = [route_of(builder) for area in AREAS for builder in area.bp._function_builders]
    roots = {route.partition("/")[0] for route in routes}
    named = re.search(r"All under (.*)\. UIDs", STATEMENT.read_text())
    assert named is not None
    assert roots == set(re.findall(r"`/([a-z0-9]+)`", named[1]))
