"""The operations of imports, as data."""

from typing import Final

from functions._openapi.operation import Operation

_JSON: Final = "application/json"

IMPORTING: Final = (
    Operation(
        "start_import",
        "/imports",
        "Import instances from another archive by a job, into this one or as numbered files",
        {202: (_JSON,)},
        method="post",
        body=(_JSON,),
        failures=(400, 404, 409, 413),
        headers=("Location",),
    ),
    Operation(
        "list_imports", "/imports", "List the imports begun last, and the sources there are", {200: (_JSON,)}
    ),
    Operation(
        "import_status",
        "/imports/{job}",
        "Tell how far an import is, and what failed",
        {200: (_JSON,)},
        failures=(404,),
    ),
    Operation(
        "resume_import",
        "/imports/{job}/resume",
        "Try again what failed of an import",
        {202: (_JSON,)},
        method="post",
        failures=(404,),
        headers=("Location",),
    ),
    Operation(
        "import_manifest",
        "/imports/{job}/manifest",
        "List what became of each instance: source id, UIDs, size, SHA-256, file",
        {200: ("application/jsonl",)},
        failures=(404,),
    ),
)
