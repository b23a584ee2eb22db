"""Sends signed requests to one service of an account, and tries again where that can help. Judges no answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from shared.backends.azure_http.answer import Answer, NoAnswerError
from shared.backends.azure_http.credentials import Credential

VERSION = "2025-01-05"
"""Of the REST interface."""

_WAITS = (1.0, 2.0, 4.0)
"""Seconds before each further try, and up to half as much again."""
_LONGEST_WAIT = 10.0
_MAY_PASS = frozenset({408, 429, 500, 502, 503, 504})
_PIECE = 256 * 1024
"""Bytes of a body that are handed to the socket at once: a larger one would hold up the others."""
_SLOWEST = 64 * 1024
"""Bytes a second: a body that goes out more slowly is given up, as is one that does not go on at all."""
_UNSAID = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class SignedHttp:
    """One service of an account. It must be made in the running loop, and closed.

    Args:
        endpoint: Its address, with the account's name in its path where that is not in the host's.
        credential: Who signs.
        timeout_seconds: How long to wait for a connection, and for each read from it. A request with a body may take three
            times that in all, and what the body takes at 64 KiB a second.
    """

    def __init__(self, endpoint: str, credential: Credential, timeout_seconds: float) -> None:
        self.endpoint = endpoint.rstrip("/")
        parts = urlsplit(self.endpoint)
        self._root, self._base_path = f"{parts.scheme}://{parts.netloc}", parts.path
        self._credential = credential
        self._timeout_seconds = timeout_seconds
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            skip_auto_headers=_UNSAID,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=timeout_seconds, sock_read=timeout_seconds
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        query: str = "",
        body: bytes = b"",
    ) -> Answer:
        """Send a request and return whatever the service answers at last.

        A request whose answer was lost is sent again, whatever its method: who changes something must bear that the
        second try finds what the first has done.

        Args:
            method: The method.
            path: What follows the endpoint, percent-encoded, from its `/` on.
            headers: Further headers, by lower-case name.
            query: Percent-encoded; a shared key signs none for blobs.
            body: The body.

        Raises:
            NoAnswerError: There is none, though it was tried four times.
        """
        for attempt, wait in enumerate(_WAITS):
            delay = wait
            try:
                answer = await self._send(method, path, headers, query, body)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                # The service closes connections that idle, which shows only when one is used again.
                if attempt == 0 and isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError):
                    delay = 0.0
            else:
                if answer.status not in _MAY_PASS:
                    return answer if attempt == 0 else replace(answer, tries=attempt + 1)
                delay = _asked_wait(answer, wait)
            await asyncio.sleep(delay * random.uniform(1, 1.5))  # noqa: S311  # no secret depends on it
        try:
            answer = await self._send(method, path, headers, query, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswerError(type(error).__name__) from error
        return replace(answer, tries=len(_WAITS) + 1)

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], query: str, body: bytes
    ) -> Answer:
        path = self._base_path + path
        sent = {**headers, "x-ms-date": formatdate(usegmt=True), "x-ms-version": VERSION}
        if body:
            sent["content-length"] = str(len(body))
        authorization = await self._credential.authorization(method, path, sent)
        if authorization is not None:
            sent["authorization"] = authorization
        if method == "PUT" and not body:
            sent["content-length"] = "0"
        query = "&".join(filter(None, (query, self._credential.query)))
        url = URL(f"{self._root}{path}{'?' if query else ''}{query}", encoded=True)
        data = body if len(body) <= _PIECE else _pieces(body)
        async with self._session.request(
            method, url, headers=sent, data=data or None, allow_redirects=False, **self._limits(body)
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    def _limits(self, body: bytes) -> dict[str, Any]:
        """Return what limits the time of a request with a body: its reads begin when all of that has gone out."""
        if not body:
            return {}
        wait = self._timeout_seconds
        total = 3 * wait + len(body) / _SLOWEST
        return {"timeout": aiohttp.ClientTimeout(total=total, sock_connect=wait, sock_read=wait)}


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    view = memoryview(body)
    for start in range(0, len(body), _PIECE):
        yield bytes(view[start : start + _PIECE])


def _asked_wait(answer: Answer, otherwise: float) -> float:
    """Return the seconds that a service asks to be left alone, a few at most."""
    try:
        return min(float(answer.headers.get("Retry-After", otherwise)), _LONGEST_WAIT)
    except ValueError:
        return otherwise
