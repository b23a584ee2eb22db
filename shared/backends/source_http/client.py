"""Ask one source: JSON of bounded size, and bytes as they come. It knows no kind of archive.

Redirects lead nowhere but within the source's own origin, and proxies of the environment are not asked. No error
repeats what a source answered: that may name patients.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from shared.backends.source_http.addresses import CheckedResolver, check_address, literal_address
from shared.backends.source_http.options import SourceOptions
from shared.backends.source_http.retries import BusyError, now, seconds_of, with_retries
from shared.errors import SourceRefusedError, SourceUnavailableError

MAX_JSON_BYTES: Final = 64 * 1024 * 1024
HELD_BYTES: Final = 4 * 1024 * 1024
"""Of an instance, for which a request that breaks off is made again."""
_PIECE: Final = 256 * 1024
_JSON_SECONDS: Final = 300
_MAX_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_GONE: Final = frozenset({404, 410})
_WORTH_ANOTHER_TRY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

type Answer = aiohttp.ClientResponse


class MissingError(SourceRefusedError):
    """There is no such resource."""


class SourceHttp:
    """One source, asked over connections of its own.

    Raises:
        SourceRefusedError: Its URL is none that may be asked.
    """

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._root = URL(options.url.rstrip("/"))
        if self._root.scheme not in ("http", "https") or not self._root.host or self._root.user:
            raise SourceRefusedError("the URL of a source is http:// or https://, a host and a path, no more")
        if (address := literal_address(self._root.host)) is not None:
            check_address(address, allow_loopback=options.allow_loopback)
        self._opened: aiohttp.ClientSession | None = None

    def url(self, *segments: str) -> URL:
        """Return the URL of a resource; each of *segments* is one step of its path, whatever it holds.

        Raises:
            SourceRefusedError: A step would lead up or nowhere.
        """
        if any(segment in ("", ".", "..") for segment in segments):
            raise SourceRefusedError("an id of the source cannot be part of a URL")
        path = "/".join(quote(segment, safe="") for segment in segments)
        return URL(f"{str(self._root).rstrip('/')}/{path}", encoded=True)

    async def json(
        self,
        url: URL,
        *,
        params: Mapping[str, str] | None = None,
        content: Any = None,
        accept: str = "application/json",
    ) -> Any:
        """Return what a resource answers as JSON, None for no content; it is asked by POST if there is *content*.

        Raises:
            SourceRefusedError: It refuses, or answers no JSON, or too much.
            SourceUnavailableError: It does not answer after several attempts.
        """
        target = url.extend_query(params or {})
        body = None if content is None else orjson.dumps(content)

        async def once() -> bytes:
            async with asyncio.timeout(_JSON_SECONDS), self._answer(target, accept, body) as answer:
                return await _read(answer)

        read = await self.repeated(once)
        if not read:
            return None
        try:
            return orjson.loads(read)
        except orjson.JSONDecodeError:
            raise SourceRefusedError("the source answered what is no JSON") from None

    async def repeated[Result](self, attempt: Callable[[], Any]) -> Any:
        """Return what *attempt* returns, as often as this source is tried; failures of the network count as transient."""

        async def translated() -> Any:
            with _translated():
                return await attempt()

        options = self._options
        return await with_retries(
            translated, attempts=options.attempts, first_wait_seconds=options.first_wait_seconds
        )

    @asynccontextmanager
    async def open(self, url: URL, accept: str) -> AsyncIterator[Answer]:
        """Hold the answer of a resource open, tried once."""
        async with self._answer(url, accept, None) as answer:
            yield answer

    async def held(self, begin: Callable[[], AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
        """Yield what an iterator made by *begin* yields, its first HELD_BYTES as one piece.

        Until these are there a failure is followed by another attempt; then it is raised.
        """

        async def first() -> tuple[bytes, AsyncIterator[bytes]]:
            pieces, head = begin(), bytearray()
            try:
                async for piece in pieces:
                    head += piece
                    if len(head) >= HELD_BYTES:
                        break
            except BaseException:
                await _close(pieces)
                raise
            return bytes(head), pieces

        head, rest = await self.repeated(first)
        try:
            yield head
            del head
            with _translated():
                async for piece in rest:
                    yield piece
        finally:
            await _close(rest)

    async def close(self) -> None:
        """Close its connections."""
        if self._opened is not None:
            await self._opened.close()

    def _session(self) -> aiohttp.ClientSession:
        """Return the session, made in the running loop when it is first asked for."""
        if self._opened is None:
            options = self._options
            connector = aiohttp.TCPConnector(
                limit=options.connections,
                ssl=options.tls(),
                resolver=CheckedResolver(allow_loopback=options.allow_loopback),
            )
            timeout = aiohttp.ClientTimeout(
                total=None, sock_connect=options.timeout_seconds, sock_read=options.timeout_seconds
            )
            self._opened = aiohttp.ClientSession(
                connector=connector,
                timeout=timeout,
                headers=options.authorization(),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._opened

    @asynccontextmanager
    async def _answer(self, url: URL, accept: str, body: bytes | None) -> AsyncIterator[Answer]:
        for _ in range(_MAX_REDIRECTS + 1):
            async with self._request(url, accept, body) as answer:
                if answer.status not in _REDIRECTS:
                    _check_status(answer)
                    yield answer
                    return
                target = url.join(URL(answer.headers.get("Location", ""), encoded=True))
                if target.origin() != url.origin():
                    raise SourceRefusedError("the source redirects to another host, which is not followed")
                url = target
        raise SourceRefusedError("the source redirects without an end")

    def _request(self, url: URL, accept: str, body: bytes | None) -> AbstractAsyncContextManager[Answer]:
        headers = {"Accept": accept}
        if body is None:
            return self._session().get(url, headers=headers, allow_redirects=False)
        headers["Content-Type"] = "application/json"
        return self._session().post(url, headers=headers, data=body, allow_redirects=False)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise SourceUnavailableError in place of what the network does; the library's messages hold URLs."""
    try:
        yield
    except (aiohttp.ClientConnectorCertificateError, aiohttp.InvalidURL) as error:
        raise SourceRefusedError(f"the source cannot be trusted ({type(error).__name__})") from None
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise SourceUnavailableError(
            f"the source does not answer, or breaks off ({type(error).__name__})"
        ) from None


def _check_status(answer: Answer) -> None:
    status = answer.status
    if status in _WORTH_ANOTHER_TRY:
        asked = seconds_of(answer.headers.get("Retry-After"), now())
        raise BusyError(f"the source answered {status}", asked)
    if status in _GONE:
        raise MissingError(f"the source answered {status}")
    if not 200 <= status < 300:
        raise SourceRefusedError(f"the source answered {status}")


async def _read(answer: Answer) -> bytes:
    read = bytearray()
    async for chunk in answer.content.iter_chunked(_PIECE):
        read += chunk
        if len(read) > MAX_JSON_BYTES:
            raise SourceRefusedError(f"the source answered more than {MAX_JSON_BYTES} bytes of JSON")
    return bytes(read)


async def pieces_of(answer: Answer) -> AsyncIterator[bytes]:
    """Yield the body of an answer."""
    async for chunk in answer.content.iter_chunked(_PIECE):
        yield chunk


async def _close(pieces: AsyncIterator[bytes]) -> None:
    if (aclose := getattr(pieces, "aclose", None)) is not None:
        await aclose()
