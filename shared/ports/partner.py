"""The port of a partner who takes files of samples and analyses them, and the values exchanged. It asks nobody."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from shared.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Try:
    """One request of several that were made for the same thing."""

    number: int
    outcome: str
    """The status of the answer, or what went wrong on the way, such as `ConnectTimeout`."""
    milliseconds: int


@dataclass(frozen=True, slots=True)
class PartnerAnswer:
    """What a partner answered in the end."""

    status: int
    tries: tuple[Try, ...]
    content: object = None
    """The JSON of the answer; None if it is none."""
    text: bytes = b""
    """The beginning of the answer as it came. It may name a patient."""
    already_stored: bool = False
    """Whether the partner says that it has the file."""


class PartnerError(PermanentError):
    """A partner did not do what was asked, and asking again was no help or is none.

    Attributes:
        status: of the last answer, or what went wrong instead.
        tries: all that were made.
    """

    def __init__(self, message: str, status: str = "", tries: tuple[Try, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.tries = tries


class SentFile(Protocol):
    """A file of *size* bytes, to be sent as it is read."""

    @property
    def size(self) -> int:
        """Of the file in bytes."""
        ...

    def stream(self) -> AsyncIterator[bytes]:
        """Yield its bytes, from the first one, each time it is asked."""
        ...


class PartnerApi(Protocol):
    """Three services of one partner. Each method tries again where that can help, up to *max_retry* times.

    Any method raises PartnerError where the partner refuses, or nothing of it is heard in all tries. What reading a
    file raises is raised as it is.
    """

    async def metadata(self, sample_id: str, *, max_retry: int) -> PartnerAnswer:
        """Ask what is known of a sample; the content is an object, and names the patient."""
        ...

    async def upload(self, file: SentFile, *, max_retry: int) -> PartnerAnswer:
        """Send one file."""
        ...

    async def upload_zip(self, file: SentFile, *, max_retry: int) -> PartnerAnswer:
        """Send a ZIP of files in one request."""
        ...

    async def analytics(self, sample_id: str, request_type: str, *, max_retry: int) -> PartnerAnswer:
        """Ask for the analysis of a sample whose files are all there."""
        ...

    async def report_failure(self, log: bytes, *, max_retry: int) -> PartnerAnswer:
        """Send the log of a run that failed."""
        ...
