"""What is measured of a DICOMweb server, by the same code whoever it is."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from bench.measure import Operation

_BOUNDARY = b"edge-of-a-part"
_STORE = {
    "Content-Type": f'multipart/related; type="application/dicom"; boundary={_BOUNDARY.decode()}',
    "Accept": "application/dicom+json",
}
INSTANCE = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
FRAME = {"Accept": 'multipart/related; type="application/octet-stream"'}
JSON = {"Accept": "application/dicom+json"}
KEEP_ALIVE = 0.6
"""Seconds: less than the shortest of the servers' own, so that no request meets a connection that is being closed."""


class UnexpectedAnswerError(Exception):
    """A server answered otherwise than it should: nothing measured of it would mean anything."""


def body(parts: Sequence[bytes]) -> bytes:
    """Return a multipart body of so many instances."""
    head = b"--" + _BOUNDARY + b"\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + part + b"\r\n" for part in parts) + b"--" + _BOUNDARY + b"--\r\n"


def session() -> aiohttp.ClientSession:
    """Return a client that keeps connections and asks for answers as they are stored."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
        headers={"Accept-Encoding": "identity"},
        timeout=aiohttp.ClientTimeout(total=300),
    )


@dataclass(frozen=True, slots=True)
class DicomwebOperations:
    """Operations on the DICOMweb server at *root*."""

    session: aiohttp.ClientSession
    root: str
    least: str
    """Address of the least that the server can be asked, beside DICOMweb."""

    def ask_least(self) -> Operation:
        """Return the request that is answered at once: what HTTP alone costs this server."""

        async def operation(_number: int) -> None:
            async with self.session.get(self.least) as response:
                await response.read()
            if response.status >= 500:
                raise UnexpectedAnswerError(f"{response.url} answered {response.status}")

        return operation

    def store(self, bodies: Sequence[bytes]) -> Operation:
        """Return the storing of one body after the other."""

        async def operation(number: int) -> None:
            url = f"{self.root}/studies"
            async with self.session.post(url, data=bodies[number], headers=_STORE) as response:
                answer = await self._content(response)
            if b"00081198" in answer and json.loads(answer)["00081198"].get("Value"):
                raise UnexpectedAnswerError(f"{self.root} did not store all: {answer[:500]!r}")

        return operation

    def retrieve(self, path: Callable[[int], str], accept: Mapping[str, str], least_bytes: int) -> Operation:
        """Return the getting of the path that belongs to each number; shorter answers are errors."""

        async def operation(number: int) -> None:
            async with self.session.get(f"{self.root}/{path(number)}", headers=accept) as response:
                answer = await self._content(response)
            if len(answer) < least_bytes:
                raise UnexpectedAnswerError(f"{response.url} answered {len(answer)} bytes")

        return operation

    def rows(self, path: Callable[[int], str], tag: bytes, count: int) -> Operation:
        """Return the getting of DICOM JSON in which *tag* occurs so often; it is counted without parsing."""

        async def operation(number: int) -> None:
            async with self.session.get(f"{self.root}/{path(number)}", headers=JSON) as response:
                answer = await self._content(response)
            found = answer.count(b'"' + tag + b'"')
            if found != count:
                raise UnexpectedAnswerError(f"{response.url} answered {found} rows, not {count}")

        return operation

    async def _content(self, response: aiohttp.ClientResponse) -> bytes:
        content = await response.read()
        if response.status not in (200, 204):
            raise UnexpectedAnswerError(
                f"{response.method} {response.url} answered {response.status}: {content[:500]!r}"
            )
        return content
