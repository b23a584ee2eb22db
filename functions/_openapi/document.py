"""Write the OpenAPI document of what `operations` declares."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final

from functions._openapi.analysis import ANALYSIS
from functions._openapi.cases import CASES
from functions._openapi.components import ALWAYS, Json, components
from functions._openapi.importing import IMPORTING
from functions._openapi.ledger import LEDGER
from functions._openapi.operations import DICOM_JSON, DICOMWEB, OTHERS, Operation
from functions._openapi.searching import SEARCHING
from functions._openapi.sessions import SESSIONS
from functions._openapi.uploading import UPLOADING

_IN_PATH: Final = re.compile(r"\{(\w+)\}")
_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def openapi_document(
    server_url: str, roots: Iterable[str], *, needs_key: bool, needs_token: bool = False
) -> Json:
    """Return the document of the service at *server_url*.

    Args:
        server_url: Public root of the app.
        roots: Of the DICOMweb service, without slashes around them, such as "dicomweb".
        needs_key: Whether callers need a function key.
        needs_token: Whether they need a token with a role.

    Source: OpenAPI 3.1.0
    """
    paths: dict[str, Json] = {}
    for operation in (*OTHERS, *ANALYSIS, *SEARCHING, *CASES, *LEDGER, *IMPORTING, *UPLOADING, *SESSIONS):
        paths.setdefault(operation.path, {})[operation.method] = _written(
            operation, "app", needs_token=needs_token
        )
    for root in roots:
        for operation in DICOMWEB:
            places = {f"/{root}": root}
            if operation.in_partitions:
                places[f"/{root}/partitions/{{partition}}"] = f"{root}_partition"
            for base, group in places.items():
                path = base + operation.path
                paths.setdefault(path, {})[operation.method] = _written(
                    operation, group, path, needs_token=needs_token
                )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dicom-functions",
            "version": "1",
            "description": "A DICOM archive: DICOMweb (PS3.18), a change feed, clinical cases, search.",
        },
        "servers": [{"url": server_url}],
        "security": [{"key": []}, {"key-in-query": []}] if needs_key else [],
        "paths": paths,
        "components": components(),
    }


def _written(operation: Operation, group: str, path: str | None = None, *, needs_token: bool) -> Json:
    in_path = [f"path-{name}" for name in _IN_PATH.findall(path or operation.path)]
    written: Json = {
        "operationId": f"{group}_{operation.name}",
        "summary": operation.summary,
        "tags": [group],
        "parameters": [
            {"$ref": f"#/components/parameters/{name}"} for name in (*in_path, *operation.parameters)
        ],
        "responses": _responses(operation),
    }
    if operation.body:
        written["requestBody"] = {"required": True, "content": _content(operation.body)}
    if needs_token:
        # Roles stand here as scopes do, which OpenAPI 3.1 allows.
        written["security"] = [{"token": [operation.needed_role]}] if operation.needed_role else []
    return written


def _responses(operation: Operation) -> Json:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in operation.headers}
    responses: Json = {
        str(status): {"description": HTTPStatus(status).phrase, "content": _PROBLEM}
        for status in sorted({*operation.failures, *ALWAYS})
    }
    for status, media_types in operation.answers.items():
        answer: Json = {"description": HTTPStatus(status).phrase}
        if media_types:
            answer["content"] = _content(media_types)
        if headers and status < HTTPStatus.BAD_REQUEST:
            answer["headers"] = headers
        responses[str(status)] = answer
    return dict(sorted(responses.items()))


def _content(media_types: Sequence[str]) -> Json:
    dicom_json = {"schema": {"$ref": "#/components/schemas/DicomJson"}}
    return {media_type: dicom_json if media_type == DICOM_JSON else {} for media_type in media_types}
