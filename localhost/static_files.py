"""Serves folders under URL paths; read-only, no listing, nothing outside the folder."""

from __future__ import annotations

import asyncio
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from localhost.asgi import answer

if TYPE_CHECKING:
    import os

    from localhost.asgi import Scope, Send

_PIECE = 262_144
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


class StaticFolders:
    """The folders of `--static`, longest URL path first."""

    def __init__(self, mounts: tuple[tuple[str, Path], ...]) -> None:
        longest_first = sorted(mounts, key=lambda mount: -len(mount[0]))
        self._mounts = [(path, directory.resolve()) for path, directory in longest_first]

    def find(self, path: str, *, root: bool) -> tuple[str, Path] | None:
        """Find the mount of a URL path: the one at `/` when `root`, else any other."""
        for mount, directory in self._mounts:
            if (mount == "/") == root and (root or path == mount or path.startswith(mount + "/")):
                return mount, directory
        return None

    async def serve(self, scope: Scope, send: Send, mount: tuple[str, Path]) -> None:
        """Answer a GET or HEAD from a mount; a name without extension that is no file gets index.html."""
        if scope["method"] not in {"GET", "HEAD"}:
            await answer(send, 405, "Only GET and HEAD.\n")
            return
        url_path, directory = mount
        if scope["path"] == url_path != "/":
            location = url_path.rsplit("/", 1)[1].encode() + b"/"
            headers = [(b"location", location), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 308, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        file = locate(directory, unquote(scope["raw_path"].decode("ascii"))[len(url_path.rstrip("/")) :])
        if file is None:
            await answer(send, 404, "Not found.\n")
        else:
            await _send_file(scope, send, file)


def locate(directory: Path, url_path: str) -> Path | None:
    """Find the file for a decoded path below a mount, or None; never one outside `directory`."""
    name = url_path.lstrip("/")
    if "\0" in name or "\\" in name:
        return None
    found = (directory / name).resolve()
    if not found.is_relative_to(directory):
        return None
    if found.is_dir():
        found /= "index.html"
    if found.is_file():
        return found
    index = directory / "index.html"
    return index if not Path(name).suffix and index.is_file() else None


async def _send_file(scope: Scope, send: Send, file: Path) -> None:
    about = await asyncio.to_thread(file.stat)
    tag = _etag(about)
    kind = _TYPES.get(file.suffix.lower()) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    headers = [(b"etag", tag), (b"cache-control", b"no-cache"), (b"content-type", kind.encode())]
    asked = b", ".join(value for name, value in scope["headers"] if name == b"if-none-match")
    if tag in [part.strip() for part in asked.split(b",")] or asked.strip() == b"*":
        await send({"type": "http.response.start", "status": 304, "headers": headers[:2]})
        await send({"type": "http.response.body", "body": b""})
        return
    headers.append((b"content-length", str(about.st_size).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    with file.open("rb") as stream:
        left = about.st_size if scope["method"] == "GET" else 0
        while left and (piece := await asyncio.to_thread(stream.read, min(_PIECE, left))):
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    if not left:
        await send({"type": "http.response.body", "body": b""})


def _etag(about: os.stat_result) -> bytes:
    return f'"{about.st_mtime_ns:x}-{about.st_size:x}"'.encode()
