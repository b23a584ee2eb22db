"""The operations of upload sessions, and of the list of jobs, as data."""

from typing import Final

from functions._openapi.operations import JSON, Operation

_SESSION: Final = "/sessions/{job}"

SESSIONS: Final = (
    Operation(
        "list_jobs",
        "/jobs",
        "Tell how far the newest jobs are: counts, rate, time left, failures",
        {200: (JSON,)},
        parameters=("limit", "kind"),
        failures=(400,),
    ),
    Operation(
        "jobs_page",
        "/ui/jobs",
        "The same as a page that keeps itself up to date",
        {200: ("text/html",)},
        parameters=("limit", "kind"),
        failures=(400,),
    ),
    Operation(
        "start_session",
        "/sessions",
        "Begin an upload session; answers where to put each file, past the app",
        {201: (JSON,)},
        method="post",
        parameters=("partition",),
        body=(JSON,),
        failures=(400, 413, 501),
        headers=("Location",),
    ),
    Operation(
        "session_targets",
        f"{_SESSION}/targets",
        "Tell where to put further files",
        {200: (JSON,)},
        method="post",
        body=(JSON,),
        failures=(400, 404, 413),
    ),
    Operation(
        "commit_session",
        f"{_SESSION}/commit",
        "Publish all that was put, or nothing: 200 it is, 202 it is being looked at, 409 a file cannot be",
        {200: (JSON,), 202: (JSON,), 409: (JSON,)},
        method="post",
        body=(JSON,),
        failures=(400, 404, 413),
    ),
    Operation("session_status", _SESSION, "Tell how far a session is", {200: (JSON,)}, failures=(404,)),
    Operation(
        "abandon_session",
        _SESSION,
        "End a session, and publish nothing of it",
        {204: ()},
        method="delete",
        failures=(404, 409),
    ),
)
