"""The operations of de-identification, as data."""

from typing import Final

from functions._openapi.operation import Operation

_SERIES: Final = "/deidentify/studies/{study}/series/{series}"
_WHAT: Final = {
    "study": "/deidentify/studies/{study}",
    "series": _SERIES,
    "instance": f"{_SERIES}/instances/{{instance}}",
    "case": "/deidentify/cases/{year}/{id}",
}
_JSON: Final = "application/json"

DEIDENTIFICATION: Final = (
    Operation(
        "deidentify",
        "/deidentify",
        "De-identify the file in the body, or say what would be done",
        {200: ("application/dicom", "application/json")},
        method="post",
        parameters=("filter", "options", "pseudonyms", "pixels", "mask", "dryRun"),
        body=("application/dicom", 'multipart/related; type="application/dicom"', "multipart/form-data"),
        failures=(400, 413, 415, 422, 501),
    ),
    *(
        Operation(
            f"deidentify_{what}",
            path,
            f"De-identify the {what} by a job, into another data partition or container",
            {202: (_JSON,)},
            method="post",
            parameters=(
                "filter",
                "options",
                "pseudonyms",
                "pixels",
                "mask",
                "dryRun",
                "partition",
                "toPartition",
                "toContainer",
            ),
            failures=(400, 404, 413, 501),
            headers=("Location",),
        )
        for what, path in _WHAT.items()
    ),
    Operation(
        "deidentify_status",
        "/deidentify/jobs/{job}",
        "Tell how far a job is, and what became of each instance",
        {200: (_JSON,)},
        failures=(404,),
    ),
    Operation(
        "deidentify_report",
        "/deidentify/jobs/{job}/items/{number}",
        "Tell what was done to one instance: tag path, rule and action of every change",
        {200: (_JSON,)},
        failures=(404,),
    ),
)
