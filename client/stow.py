"""Store files by STOW-RS: requests of bounded size, streamed, and what became of each instance (PS3.18 2024e §10.5)."""

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from client.archive_server import TIMEOUT_SECONDS, detail_of
from client.dicomweb import DicomwebServer, sop_instance_uid, value_of
from client.errors import ClientError

_CHUNK: Final = 1024 * 1024
_TRIES: Final = 5
_AGAIN: Final = (408, 429, 502, 503, 504)
_ANSWERED: Final = (200, 202, 204, 409)
_REASONS: Final = {
    272: "the server failed while it stored it",
    290: "its SOP class is not taken",
    292: "its transfer syntax is not taken",
    43264: "an attribute is missing or not valid",
    43265: "it is of another study",
    45063: "its data set does not fit its SOP class",
    45070: "it is there already, with other bytes or by policy",
    45071: "it is being stored by another request; try again",
}
"""By the codes of FailureReason that servers use, those of the Azure DICOM service among them."""


@dataclass(slots=True)
class Outcome:
    """What became of a file: *state* is stored, there, failed or waiting (not published, as others failed)."""

    file: Path
    instance: str
    state: str = "failed"
    code: int | None = None
    reason: str = ""


def in_batches(files: Sequence[Path], most_files: int, most_bytes: int) -> Iterator[list[Path]]:
    """Yield files in groups for one request each; a file that is larger than the limit goes alone."""
    batch: list[Path] = []
    used = 0
    for file in files:
        size = file.stat().st_size
        if batch and (len(batch) == most_files or used + size > most_bytes):
            yield batch
            batch, used = [], 0
        batch.append(file)
        used += size
    if batch:
        yield batch


def store(server: DicomwebServer, files: Sequence[Path]) -> list[Outcome]:
    """Send files in one request, again where that can help: what is stored already stays stored.

    Raises:
        ClientError: The login is refused, or nothing answers.
    """
    for attempt in range(_TRIES):
        body = _Body(files)
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={body.boundary}',
            "Accept": "application/dicom+json",
        }
        try:
            answer = server.session.post(
                f"{server.root}/studies", data=body, headers=headers, timeout=TIMEOUT_SECONDS
            )
        except requests.RequestException as error:
            if attempt + 1 == _TRIES:
                raise ClientError(f"{server.root} does not answer ({type(error).__name__})") from None
        else:
            if answer.status_code not in _AGAIN or attempt + 1 == _TRIES:
                return _outcomes(answer, files, server.root)
        time.sleep(0.5 * 2**attempt)
    return []


def _outcomes(answer: requests.Response, files: Sequence[Path], root: str) -> list[Outcome]:
    if answer.status_code in (401, 403):
        raise ClientError(f"{root} refuses this login ({answer.status_code})")
    outcomes = [Outcome(file, sop_instance_uid(file)) for file in files]
    if answer.status_code not in _ANSWERED:
        for outcome in outcomes:
            outcome.reason = f"{answer.status_code} {detail_of(answer)}".strip()
        return outcomes
    stored, failed = _told(answer)
    for outcome in outcomes:
        if outcome.instance in failed:
            outcome.code = failed[outcome.instance]
            outcome.reason = f"{outcome.code}: {_REASONS.get(outcome.code, 'no reason is known')}"
        elif outcome.instance in stored:
            outcome.state = "stored"
        else:
            outcome.reason = "the server does not say what became of it"
    return outcomes


def _told(answer: requests.Response) -> tuple[set[str], dict[str, int]]:
    """Return the instances that are stored, and why others are not."""
    try:
        said: Any = answer.json() if answer.content else {}
    except ValueError:
        said = {}
    data_set = said[0] if isinstance(said, list) and said else said
    if not isinstance(data_set, dict):
        return set(), {}
    stored = {value_of(item, "00081155") for item in _items(data_set, "00081199")}
    failed = {
        value_of(item, "00081155"): int(value_of(item, "00081197") or 0)
        for item in _items(data_set, "00081198")
    }
    return stored, failed


def _items(data_set: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    items = data_set.get(tag, {}).get("Value", [])
    return [item for item in items if isinstance(item, dict)]


class _Body:
    """A multipart body that is read from files as it is sent; its length is known."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.boundary = secrets.token_hex(16)
        head = f"--{self.boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        self._parts = [(head, file, file.stat().st_size) for file in files]
        self._end = f"--{self.boundary}--\r\n".encode()

    def __len__(self) -> int:
        """Return its length in bytes."""
        return sum(len(head) + size + 2 for head, _, size in self._parts) + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        """Yield it piece by piece."""
        for head, file, size in self._parts:
            yield head
            left = size
            with file.open("rb") as opened:
                while left and (chunk := opened.read(min(_CHUNK, left))):
                    left -= len(chunk)
                    yield chunk
            yield bytes(left) + b"\r\n"
        yield self._end
