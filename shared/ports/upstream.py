"""What the product needs of an upstream service that holds instances in its stead; shared.ports.archive says how ports are made."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.dicom.references import InstanceRef

UPSTREAM_CONTAINER = "upstream"
"""In keys of objects: that the bytes are held upstream. No container of the store is called so."""


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A DICOMweb request, made of checked parts.

    Attributes:
        method: GET, POST, PUT or DELETE.
        path: Segments below the root of the service, not encoded.
        query: Names and values, not encoded.
        headers: By lower-case name; only what may leave this app.
        body: Read once, and only when the service is ready to take it.
    """

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: AsyncIterator[bytes] | None = None


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """What the service answered.

    Attributes:
        status: Its own, whatever it is.
        headers: By lower-case name.
        chunks: The body, decoded; closing it lets the connection go. Reading it raises UpstreamTimeoutError or
            BadUpstreamAnswerError.
    """

    status: int
    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes]


class DicomwebUpstream(Protocol):
    """A DICOMweb service that holds instances."""

    @property
    def root(self) -> str:
        """The address with which its own URLs begin, without a trailing slash."""
        ...

    @property
    def instance_accept(self) -> str:
        """How it is asked for one instance as it is stored."""
        ...

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Send a request and return the answer as it begins; who asks closes its chunks.

        It is sent again only where nothing of it has left this machine.

        Raises:
            UpstreamUnavailableError: No connection, or it broke.
            UpstreamTimeoutError: No answer in time.
            BadUpstreamAnswerError: What came is no HTTP, or over a limit.
            UpstreamLoginError: There are no credentials to send.
        """
        ...


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some changes of an upstream service.

    Attributes:
        refs: Instances that have come, gone or changed, in the order of the feed.
        cursor: Where to go on.
        at_end: Whether there was no more when it was read.
    """

    refs: Sequence[InstanceRef]
    cursor: str
    at_end: bool


class UpstreamFeed(Protocol):
    """The changes of an upstream service, in its order."""

    @property
    def name(self) -> str:
        """What names this feed of this service, for its checkpoint."""
        ...

    async def page(self, cursor: str) -> FeedPage:
        """Return what follows *cursor*, which an earlier page gave; "" for the beginning.

        A page may be empty without being the last. If the service was replaced by one with fewer changes, the page is
        of the beginning.

        Raises:
            BackendUnavailableError: As DicomwebUpstream.send; the service refuses its feed, or that cannot be read.
        """
        ...


class UpstreamQueue(Protocol):
    """Instances of the upstream service to be looked at soon, at least once."""

    async def look_at(self, refs: Sequence[InstanceRef]) -> None:
        """Ask that the index be brought up to what the service holds of these instances.

        Raises:
            BackendUnavailableError: The queue did not take all of it.
        """
        ...
