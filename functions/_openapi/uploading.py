"""The operations of uploads to a partner, as data."""

from typing import Final

from functions._openapi.operation import Operation

_JSON: Final = "application/json"

UPLOADING: Final = (
    Operation(
        "begin_upload",
        "/uploads",
        "Begin a run that sends files to the partner: a study, series, instance, case, list of instances, or prefix",
        {202: (_JSON,)},
        method="post",
        parameters=("partition", "Idempotency-Key"),
        body=(_JSON,),
        failures=(400, 404, 409, 413, 501),
        headers=("Location",),
    ),
    Operation(
        "upload_status",
        "/uploads/{job}",
        "Tell how far a run is, and what became of each file",
        {200: (_JSON,)},
        failures=(404,),
    ),
    Operation(
        "upload_log",
        "/uploads/{job}/log",
        "Send the log of a run, as far as it is: phases, tries, statuses; no patient data",
        {200: ("text/plain",)},
        failures=(404,),
    ),
)
