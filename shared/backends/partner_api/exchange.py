"""Make one request and read its answer, within bounds. It makes none twice; it blocks its thread."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter

from shared.backends.partner_api.body import StreamedBody
from shared.backends.partner_api.waiting import seconds_of

MAX_ANSWER_BYTES: Final = 1024 * 1024
_PIECE: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, but for a body that is a file."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None = None
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one request."""

    outcome: str
    status: int = 0
    """0 where no answer came."""
    text: bytes = b""
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status is one of 2xx."""
        return 200 <= self.status < 300


class Exchange:
    """Makes requests on connections that are kept.

    Args:
        connections: most that are kept to one host.
        timeouts: of connecting, and of each wait for a piece of the answer, in seconds.
    """

    def __init__(self, connections: int, timeouts: tuple[float, float]) -> None:
        self._timeouts = timeouts
        self._session = requests.Session()
        # No file of logins in somebody's home may take the place of the key.
        self._session.auth = _as_it_is
        for scheme in ("http://", "https://"):
            self._session.mount(
                scheme, HTTPAdapter(pool_connections=8, pool_maxsize=connections, max_retries=0)
            )

    def ask(self, request: Request, file: StreamedBody | None = None) -> Heard:
        """Make one request; a redirect is an answer like any other, so that no key goes elsewhere."""
        try:
            answer = self._session.request(
                request.method,
                request.url,
                params=request.parameters,
                headers=request.headers,
                data=file if file is not None else request.body,
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                text = self._read(answer)
        except requests.RequestException as error:
            # Its message may hold the URL's query, and so the sample's id.
            return Heard(type(error).__name__)
        except OSError as error:
            return Heard(type(error).__name__)
        retry_after = seconds_of(answer.headers.get("Retry-After"), datetime.now(UTC))
        return Heard(str(answer.status_code), answer.status_code, text, retry_after)

    def _read(self, answer: requests.Response) -> bytes:
        """Return the beginning of an answer; one that drips is given up after the time of a read."""
        end = time.monotonic() + self._timeouts[1]
        text = bytearray()
        for piece in answer.iter_content(_PIECE):
            text += piece
            if len(text) > MAX_ANSWER_BYTES:
                break
            if time.monotonic() > end:
                raise requests.ReadTimeout
        return bytes(text[:MAX_ANSWER_BYTES])

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def _as_it_is(request: Any) -> Any:
    return request
