"""Settings of upload sessions. Opens no store."""

from pydantic import Field
from pydantic_settings import BaseSettings

_GIB = 1024**3


class SessionSettings(BaseSettings):
    """How much may be uploaded past the app before it is published at once, and for how long. Sizes are in bytes."""

    sessions_container: str = "sessions"
    """Where clients put the files of a session; not watched, and emptied when the session ends."""
    session_hours: float = Field(default=4, gt=0, le=168)
    """How long a session takes files; as long its URLs are valid."""
    max_session_files: int = Field(default=20_000, gt=0)
    """Most files of a session, or entries of its ZIP."""
    max_session_bytes: int = Field(default=64 * _GIB, gt=0)
    """Most bytes of a session, unpacked."""
