"""The operations of de-identification, as data."""

from typing import Final

from functions._openapi.operation import Operation

DEIDENTIFICATION: Final = (
    Operation(
        "deidentify",
        "/deidentify",
        "De-identify the file in the body, or say what would be done",
        {200: ("application/dicom", "application/json")},
        method="post",
        parameters=("filter", "options", "pixels", "mask", "dryRun"),
        body=("application/dicom", 'multipart/related; type="application/dicom"', "multipart/form-data"),
        failures=(400, 413, 415, 422, 501),
    ),
)
