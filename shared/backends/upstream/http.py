"""Sends requests to the upstream service and hands on what it answers, both as streams. Judges no status.

No redirect is followed and no cookie is kept, so that credentials reach no other host.
"""

import asyncio
import contextlib
import random
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import aiohttp
from yarl import URL

from shared.backends.upstream.body import AnswerBody
from shared.backends.upstream.login import Login
from shared.errors import (
    BadUpstreamAnswerError,
    SettingsError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from shared.ports.upstream import UpstreamAnswer
from shared.settings.upstream import UpstreamSettings

_WAITS: Final = (0.2, 0.8)
"""Seconds before each further try to connect, and up to half as much again."""
_SLOWEST: Final = 1024
"""Bytes a second that an answer must bring on the whole, beyond the time that each piece may take."""
_UNSAID: Final = ("Accept", "Content-Type", "User-Agent")


class UpstreamHttp:
    """One service. It must be made in the running loop, and closed.

    Args:
        settings: How it is reached.
        login: Who asks.
    """

    def __init__(self, settings: UpstreamSettings, login: Login) -> None:
        self._seconds = settings.upstream_timeout_seconds
        self._longest = settings.upstream_max_answer_bytes
        self._login = login
        verified = _verified(settings.upstream_ca_certs)
        most = settings.upstream_connections
        self._session = self._opened(aiohttp.TCPConnector(limit=most, ssl=verified))
        # A connection that was used before may be closed when a body is already on its way, and that is read once.
        self._fresh = self._opened(aiohttp.TCPConnector(limit=most, ssl=verified, force_close=True))

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()
        await self._fresh.close()
        await self._login.close()

    async def send(
        self, method: str, url: URL, headers: Mapping[str, str], body: AsyncIterator[bytes] | None = None
    ) -> UpstreamAnswer:
        """Send a request; see DicomwebUpstream.send."""
        sent = {**headers, "Accept-Encoding": "identity"}
        authorization = await self._login.authorization()
        if authorization is not None:
            sent["Authorization"] = authorization
        for wait in _WAITS:
            try:
                return await self._send(method, url, sent, body)
            except _NotConnectedError:
                await asyncio.sleep(wait * random.uniform(1, 1.5))  # noqa: S311 - no secret depends on it
        try:
            return await self._send(method, url, sent, body)
        except _NotConnectedError as error:
            raise UpstreamUnavailableError(str(error)) from None

    async def _send(
        self, method: str, url: URL, headers: Mapping[str, str], body: AsyncIterator[bytes] | None
    ) -> UpstreamAnswer:
        session = self._session if body is None else self._fresh
        outgoing = None if body is None else _Outgoing(body)
        try:
            async with asyncio.timeout(self._seconds) as limit:
                data = None if outgoing is None else outgoing.pieces(self._patience(limit))
                response = await session.request(
                    method, url, headers=headers, data=data, allow_redirects=False
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if outgoing is not None and isinstance(outgoing.failure, Exception):
                raise outgoing.failure from None
            raise _translated(error) from None
        length = response.content_length
        if length is not None and length > self._longest:
            response.close()
            raise _too_long(self._longest)
        return UpstreamAnswer(response.status, _by_name(response.headers), self._body(response))

    def _patience(self, limit: asyncio.Timeout) -> Callable[[bool], None]:
        """Return what grants the service its time anew with each piece; the time of who sends it does not count."""
        loop = asyncio.get_running_loop()

        def grant(waits_for_upstream: bool) -> None:  # noqa: FBT001 - a callback of one meaning
            with contextlib.suppress(RuntimeError):  # it has answered before it took everything
                limit.reschedule(loop.time() + self._seconds if waits_for_upstream else None)

        return grant

    def _body(self, response: aiohttp.ClientResponse) -> AnswerBody:
        loop = asyncio.get_running_loop()
        taken, waited = 0, 0.0

        async def read() -> bytes:
            nonlocal taken, waited
            begun = loop.time()
            try:
                async with asyncio.timeout(self._seconds):
                    piece = await response.content.readany()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise _translated(error) from None
            waited += loop.time() - begun
            taken += len(piece)
            if taken > self._longest:
                raise _too_long(self._longest)
            if waited > self._seconds + taken / _SLOWEST:
                raise UpstreamTimeoutError("the upstream service sends its answer too slowly")
            return piece

        def close() -> None:
            if response.content.at_eof():
                response.release()
            else:
                response.close()

        return AnswerBody(read, close)

    def _opened(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            skip_auto_headers=_UNSAID,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._seconds),
        )


class _NotConnectedError(Exception):
    """There was no connection, so nothing was sent."""


class _Outgoing:
    """A body on its way; *failure* is what kept it from being read, which is not the upstream service's."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self.failure: BaseException | None = None

    async def pieces(self, grant: Callable[[bool], None]) -> AsyncIterator[bytes]:
        """Yield the body, which is not begun before there is a connection."""
        while True:
            grant(False)
            with self._noted():
                chunk = await anext(self._body, None)
            grant(True)
            if chunk is None:
                return
            yield chunk

    def _noted(self) -> contextlib.ExitStack:
        stack = contextlib.ExitStack()
        stack.push(self._note)
        return stack

    def _note(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.failure = error


def _by_name(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by lower-case name, those of one name as one list; RFC 9110 §5.2."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        known = found.get(name.lower())
        found[name.lower()] = value if known is None else f"{known}, {value}"
    return found


def _translated(error: Exception) -> Exception:
    """Return what an error of aiohttp means here. Its own message is left out: it may quote what was received."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return UpstreamUnavailableError(
            "the certificate of the upstream service is not trusted; see DICOM_UPSTREAM_CA_CERTS"
        )
    if isinstance(error, TimeoutError):
        return UpstreamTimeoutError("the upstream service did not answer in time")
    if isinstance(error, aiohttp.ClientConnectorError):
        return _NotConnectedError("the upstream service refuses connections or has no such address")
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError | aiohttp.ClientOSError):
        return UpstreamUnavailableError("the upstream service closed the connection before it answered")
    return BadUpstreamAnswerError(
        "what the upstream service sent is cut off, or no answer of HTTP within limits"
    )


def _too_long(most: int) -> BadUpstreamAnswerError:
    return BadUpstreamAnswerError(
        f"the answer of the upstream service has more than {most} bytes, see DICOM_UPSTREAM_MAX_ANSWER_BYTES"
    )


def _verified(ca_certs: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_certs or None)
    except (OSError, ssl.SSLError):
        raise SettingsError("DICOM_UPSTREAM_CA_CERTS must be a file of certificates in PEM") from None
