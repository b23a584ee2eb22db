"""The operations on clinical cases, as data."""

from typing import Final

from functions._openapi.operations import JSON, Operation

_VIEW: Final = ("bits", "scale", "window", "preset", "frame", "viewport")

CASES: Final = (
    Operation(
        "case",
        "/cases/{year}/{id}",
        "Put together a clinical case: JSON, a page, a ZIP of all its files, or the picture of one view",
        {200: (JSON, "text/html", "application/zip", "image/png"), 304: ()},
        parameters=("strict", "view", *_VIEW, "accept", "If-None-Match"),
        failures=(400, 404, 406),
        headers=("ETag",),
    ),
    Operation(
        "put_case",
        "/cases/{year}/{id}",
        "Store a case as a whole: the parts L__CC, L__MLO, R__CC, R__MLO and report",
        {200: (JSON,), 201: (JSON,)},
        method="put",
        parameters=("If-Match", "If-None-Match"),
        body=("multipart/form-data",),
        failures=(400, 409, 412, 413, 415, 422),
        headers=("ETag",),
    ),
    Operation(
        "list_cases",
        "/cases",
        "List clinical cases by year and id",
        {200: (JSON, "text/html")},
        parameters=("case-year", "case-id", "complete", "case-limit", "after", "accept"),
        failures=(400, 406),
    ),
    Operation(
        "index_cases",
        "/cases/index",
        "Index the cases of the watched containers; 202 when there is more to do, by the same request again",
        {200: (JSON,), 202: (JSON,)},
        method="post",
        parameters=("seconds", "restart"),
        failures=(400,),
        role="admin",
    ),
    Operation(
        "get_report",
        "/cases/{year}/{id}/report",
        "Return the report of a case",
        {200: ("text/plain", JSON), 304: ()},
        parameters=("If-None-Match",),
        failures=(404, 406),
        headers=("ETag",),
    ),
    Operation(
        "put_report",
        "/cases/{year}/{id}/report",
        "Write the report of a case",
        {201: (), 204: ()},
        method="put",
        parameters=("If-Match", "If-None-Match"),
        body=("text/plain", JSON),
        failures=(400, 409, 412, 413, 415),
    ),
    Operation(
        "migrate_reports",
        "/cases/reports/migration",
        "Move reports that others wrote to where they are found by key; 202 when there are more, by the same request again",
        {200: (JSON,), 202: (JSON,)},
        method="post",
        parameters=("seconds",),
        failures=(400,),
        role="admin",
    ),
)
"""What clinical cases have."""
