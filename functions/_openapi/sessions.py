"""The operations of upload sessions, as data."""

from typing import Final

from functions._openapi.operations import JSON, Operation

_SESSION: Final = "/sessions/{job}"

SESSIONS: Final = (
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
