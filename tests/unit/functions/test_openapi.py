"""The OpenAPI document is valid, and says of the routes of the functions all there is to say and no more."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azurefunctions.extensions.http.fastapi import web
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydicom.uid import RLELossless

from functions._dialect import DIALECTS
from functions._openapi.document import openapi_document
from functions._surface import SURFACES
from functions._worker_paths import free_framework_paths
from localhost.bindings import Function
from localhost.routing import Router, compile_route
from tests.unit.flows.builders import SERIES, STUDY, add_pixels, make_data_set, make_file, to_file
from tests.unit.functions.pictures import grey_file
from tests.unit.functions.service import Service

GOLDEN = Path(__file__).parents[2] / "host" / "golden" / "functions-queue.json"
VALUES = {
    "study": "1.2",
    "series": "1.3",
    "instance": "1.4",
    "frame": "1",
    "frames": "1,2",
    "bulkdata": "7FE00010",
    "version": "0",
}
INSTANCE_PATH = "/studies/{study}/series/{series}/instances/{instance}"
DAMAGED_PATH = INSTANCE_PATH.replace("{instance}", "{damaged}")
DECODED = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
NOT_DOCUMENTED = {"preflight"}
"""What browsers do by themselves, at every path."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return the document of the whole app."""
    roots = [dialect.root for dialect in DIALECTS]
    return openapi_document("https://archive.example", roots, needs_key=True)


@pytest.fixture(scope="module")
def http_functions() -> dict[str, dict[str, Any]]:
    """Return the HTTP triggers that the worker reports, by function."""
    return {
        name: binding
        for name, bindings in json.loads(GOLDEN.read_text()).items()
        for binding in bindings
        if binding["type"] == "httpTrigger"
    }


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and content of each operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@pytest.mark.slow
def test_the_document_is_valid(document: dict[str, Any]) -> None:
    """As OpenAPI 3.1, with every reference leading somewhere, whatever callers have to show."""
    roots = [dialect.root for dialect in DIALECTS]
    with_tokens = openapi_document("https://archive.example", roots, needs_key=False, needs_token=True)
    for one in (document, with_tokens):
        assert [error.message for error in OpenAPIV31SpecValidator(one).iter_errors()] == []


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    """By which makers of clients name their functions."""
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_every_route_is_documented_and_nothing_else(
    document: dict[str, Any], http_functions: dict[str, dict[str, Any]]
) -> None:
    """A function that is added is declared in functions/_openapi/operations.py, one that goes is taken out there."""
    router = Router(
        compile_route(binding["route"], Function(name, name, binding), binding["methods"])
        for name, binding in http_functions.items()
    )
    served: set[str] = set()
    without_route: list[str] = []
    for path, method, _ in operations(document):
        example = re.sub(r"\{(\w+)\}", lambda match: VALUES.get(match[1], "x"), path)
        found = router.find(method.upper(), example.encode())
        if found is None:
            without_route.append(f"{method} {path}")
        else:
            served.add(found[0].name)
    undocumented = sorted(set(http_functions) - served - NOT_DOCUMENTED)
    assert undocumented == [], "declare these functions in functions/_openapi/operations.py"
    assert without_route == [], (
        "no function has these routes: take them out of functions/_openapi/operations.py"
    )


def test_the_role_of_each_operation_is_documented(http_functions: dict[str, dict[str, Any]]) -> None:
    """As functions/_surface.py declares it; an operation whose role is none of its method's has `role` set."""
    roots = [dialect.root for dialect in DIALECTS]
    document = openapi_document("https://archive.example", roots, needs_key=False, needs_token=True)
    router = Router(
        compile_route(binding["route"], Function(name, name, binding), binding["methods"])
        for name, binding in http_functions.items()
    )
    wrong: dict[str, str] = {}
    for path, method, operation in operations(document):
        example = re.sub(r"\{(\w+)\}", lambda match: VALUES.get(match[1], "x"), path)
        found = router.find(method.upper(), example.encode())
        if found is None or found[0].name not in SURFACES:
            continue
        role = SURFACES[found[0].name].role
        if operation["security"] != ([{"token": [role.name.lower()]}] if role is not None else []):
            wrong[f"{method} {path}"] = "" if role is None else role.name.lower()
    assert wrong == {}, "set role= of these in functions/_openapi"


async def test_retrievals_and_deletions_that_are_documented_are_answered(
    document: dict[str, Any], service: Service
) -> None:
    """Below the routes that take any path, each documented resource is one: of a study that is not there, it says so."""
    prefix = "/dicomweb/studies/{study}/"
    for path, method, _ in operations(document):
        if (
            not path.startswith(prefix)
            or path.endswith(("/series", "/instances"))
            or method in ("post", "put")
        ):
            continue
        rest = re.sub(r"\{(\w+)\}", lambda match: VALUES[match[1]], path.removeprefix(prefix))
        name = {"get": "dicomweb_retrieve", "delete": "dicomweb_delete"}[method]
        answer = await service.call(name, method=method.upper(), route={"study": "1.2", "path": rest})
        assert answer.status == 404, path
        assert "no such resource" not in answer.json["detail"], path


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/studies/{study}/rendered", {"accept": 'multipart/related; type="image/jpeg"'}, 206),
        ("/studies/{study}/rendered", {"accept": "image/jpeg", "if-none-match": "*"}, 304),
        (INSTANCE_PATH, {"accept": "application/dicom; transfer-syntax=*", "if-none-match": "*"}, 304),
        (INSTANCE_PATH, {"accept": "application/dicom; transfer-syntax=*", "range": "bytes=0-1"}, 206),
        (INSTANCE_PATH, {"accept": "application/dicom; transfer-syntax=*", "range": "bytes=99999999-"}, 416),
        (f"{DAMAGED_PATH}/rendered", {}, 422),
        (f"{DAMAGED_PATH}/thumbnail", {}, 422),
        (f"{DAMAGED_PATH}/frames/{{frames}}", {"accept": DECODED}, 406),
    ],
)
async def test_statuses_that_are_answered_are_documented(
    document: dict[str, Any], service: Service, path: str, headers: dict[str, str], status: int
) -> None:
    """Those that are rare too."""
    damaged = add_pixels(make_data_set(3), [b"\1" * 6], rows=2, columns=3, encapsulated=True)
    await service.store(grey_file(), make_file(2))
    if "{damaged}" in path:
        await service.store(to_file(damaged, transfer_syntax_uid=RLELossless))
    values = {"study": STUDY, "series": SERIES, "instance": f"{SERIES}.1", "frames": "1"}
    given = path.removeprefix("/studies/").replace("/{damaged}", f"/{SERIES}.3")
    study, _, rest = re.sub(r"\{(\w+)\}", lambda match: values[match[1]], given).partition("/")

    answer = await service.call("dicomweb_retrieve", headers=headers, route={"study": study, "path": rest})

    assert answer.status == status
    declared = document["paths"]["/dicomweb" + path.replace("{damaged}", "{instance}")]["get"]
    assert str(status) in declared["responses"]


async def test_the_document_names_where_the_client_came(service: Service) -> None:
    """So that a client can be made of it at once."""
    answer = await service.call("openapi", "/openapi.json", headers={"host": "archive.example:8080"})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["openapi"] == "3.1.0"
    assert answer.json["servers"] == [{"url": "http://archive.example:8080"}]
    assert {f"/{dialect.root}/studies" for dialect in DIALECTS} <= set(answer.json["paths"])


def test_the_web_framework_of_the_worker_has_no_paths_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would answer /openapi.json before the function does."""
    monkeypatch.setattr(web, "FastAPI", web.FastAPI)
    before = {route.path for route in web.WebApp().get_app().routes}
    assert free_framework_paths()
    assert "/openapi.json" in before
    assert web.WebApp().get_app().routes == []


def test_an_extension_without_that_framework_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app starts all the same."""
    monkeypatch.delattr(web, "FastAPI")
    assert not free_framework_paths()
