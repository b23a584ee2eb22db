"""The operations that look into files: describing them, and telling what risks their patients run."""

from typing import Final

from functions._openapi.operations import JSON, Operation

_INSTANCE: Final = "/studies/{study}/series/{series}/instances/{instance}"
_FILE: Final = ("application/dicom", 'multipart/related; type="application/dicom"')

ANALYSIS: Final = (
    Operation(
        "describe_instance",
        f"/describe{_INSTANCE}",
        "Describe every attribute of an instance",
        {200: (JSON,)},
        parameters=("keys", "in-partition"),
        failures=(400, 404),
    ),
    Operation(
        "describe_file",
        "/describe",
        "Describe every attribute of a file; nothing of it is kept",
        {200: (JSON,)},
        method="post",
        parameters=("keys",),
        body=_FILE,
        failures=(400, 413, 422),
        role="reader",
    ),
    Operation(
        "risk_of_instance",
        f"/risk{_INSTANCE}",
        "Tell where an instance identifies its patient, and how gravely; never a value",
        {200: (JSON,)},
        parameters=("in-partition",),
        failures=(400, 404),
    ),
    Operation(
        "risk_of_study",
        "/risk/studies/{study}",
        "Tell by what the instances of a study identify their patient",
        {200: (JSON,)},
        parameters=("in-partition",),
        failures=(400, 404),
    ),
    Operation(
        "list_risks",
        "/risk",
        "List the studies by the level of their risk",
        {200: (JSON, "text/csv")},
        parameters=("level", "after", "limit", "in-partition"),
        failures=(400, 404, 406),
        headers=("Link",),
    ),
    Operation(
        "risk_of_file",
        "/risk",
        "Tell where a file identifies its patient; nothing of it is kept",
        {200: (JSON,)},
        method="post",
        body=_FILE,
        failures=(400, 413, 422),
        role="reader",
    ),
)
"""Beside the DICOMweb service."""
