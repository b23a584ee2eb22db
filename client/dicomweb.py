"""Ask any DICOMweb server: logins, searches page by page, instances to files. It knows no command and prints nothing."""

import argparse
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from client.archive_server import DEFAULT_URL, TIMEOUT_SECONDS, detail_of
from client.errors import ClientError, RefusedError
from client.keyed_session import FUNCTION_KEY, KeyedSession

LOGINS: Final = """\
logins, by variables: DICOM_FUNCTIONS_KEY holds a function key, DICOM_FUNCTIONS_TOKEN a bearer token,
DICOM_FUNCTIONS_USER and DICOM_FUNCTIONS_PASSWORD a basic login. Certificates are always checked."""
_UID: Final = re.compile(r"[0-9.]{1,64}", re.ASCII)
_CHUNK: Final = 1024 * 1024
_PAGE: Final = 200
_MAX_PART_HEADERS: Final = 16 * 1024
_PREAMBLE: Final = 128
_AGAIN: Final = (429, 502, 503, 504)

type Row = Mapping[str, Any]


def add_server(parser: argparse.ArgumentParser) -> None:
    """Add the options by which a server is named and logged in to."""
    add = parser.add_argument
    add("--url", default=DEFAULT_URL, help=f"root of the archive (default {DEFAULT_URL})")
    add(
        "--dicomweb", metavar="URL", help="root of the DICOMweb service, of any server (default URL/dicomweb)"
    )
    add("--cert", metavar="PEM", help="file of the client's certificate")
    add("--cert-key", metavar="PEM", help="file of its key, where that is another")
    add("--ca-certs", metavar="PEM", help="file of the certificates that the server's is checked against")


class DicomwebServer:
    """One DICOMweb service.

    Attributes:
        root: Its URL, without a trailing slash.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.root = (options.dicomweb or f"{options.url.rstrip('/')}/dicomweb").rstrip("/")
        self.session = open_session(options)

    def get(self, path: str, accept: str, parameters: Mapping[str, str] | None = None) -> requests.Response:
        """Return an answer whose body is still to be read; that of an error too."""
        return self.session.get(
            self.root + path,
            params=parameters,
            headers={"Accept": accept},
            timeout=TIMEOUT_SECONDS,
            stream=True,
        )

    def rows(self, path: str, parameters: Mapping[str, str] | None = None) -> Iterator[Row]:
        """Yield what a search finds, page by page until it is exhausted, a row once.

        Raises:
            ClientError: The server does not answer, or refuses.
        """
        offset, seen = 0, set[str]()
        while True:
            asked = {**(parameters or {}), "limit": str(_PAGE), "offset": str(offset)}
            with self.get(path, "application/dicom+json", asked) as answer:
                if answer.status_code == 204:
                    return
                check(answer, self.root)
                page = _json_of(answer)
            if not isinstance(page, list):
                raise ClientError(
                    f"{self.root} answered a search with what is no list; is it the root of a DICOMweb service?"
                )
            fresh = 0
            for row in page:
                key = "!".join(value_of(row, tag) for tag in ("0020000D", "0020000E", "00080018"))
                if key not in seen:
                    seen.add(key)
                    fresh += 1
                    yield row
            # Some servers answer fewer than asked though there are more, and some ignore the offset.
            if not page or not fresh:
                return
            offset += len(page)

    def save_instance(self, path: str, instance: str, target: Path) -> tuple[int, str]:
        """Write an instance to a file, which appears once it is whole; return its bytes and SHA-256.

        Raises:
            RefusedError: The server refuses, or sends another instance, or not all of it.
        """
        beside = target.with_name(f"{target.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        try:
            with self.get(path, accept) as answer, beside.open("wb") as file:
                if answer.status_code != 200:
                    raise RefusedError(f"{answer.status_code} {detail_of(answer)}".strip())
                for chunk in _content(answer):
                    digest.update(chunk)
                    size += file.write(chunk)
            if sop_instance_uid(beside) != instance:
                raise RefusedError("what was sent is another instance, or no DICOM file")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        return size, digest.hexdigest()


def _json_of(answer: requests.Response) -> Any:
    """Return the body as JSON; None where it is none."""
    try:
        return answer.json()
    except requests.exceptions.JSONDecodeError:
        return None


def open_session(options: argparse.Namespace) -> requests.Session:
    """Return a session that logs in as the options and the variables say, and asks again what changes nothing.

    Raises:
        ClientError: A file of certificates is not there.
    """
    session = KeyedSession()
    again = Retry(total=4, backoff_factor=0.5, status_forcelist=_AGAIN, respect_retry_after_header=True)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=again, pool_maxsize=32))
    for file in (options.cert, options.cert_key, options.ca_certs):
        if file is not None and not Path(file).is_file():
            raise ClientError(f"there is no file {file}")
    if options.cert:
        session.cert = (options.cert, options.cert_key) if options.cert_key else options.cert
    if options.ca_certs:
        session.verify = options.ca_certs
    login = os.environ.get
    if key := login("DICOM_FUNCTIONS_KEY"):
        session.headers[FUNCTION_KEY] = key
    if token := login("DICOM_FUNCTIONS_TOKEN"):
        session.headers["Authorization"] = f"Bearer {token}"
        session.trust_env = False  # a .netrc would go before it
    elif user := login("DICOM_FUNCTIONS_USER"):
        session.auth = (user, login("DICOM_FUNCTIONS_PASSWORD", ""))
    return session


def check(answer: requests.Response, root: str) -> None:
    """Raise a ClientError unless the answer is 200."""
    if answer.status_code in (401, 403):
        raise ClientError(f"{root} refuses this login ({answer.status_code})")
    if answer.status_code != 200:
        raise ClientError(f"{root} answered {answer.status_code} {detail_of(answer)}".strip())


def value_of(row: Row, tag: str) -> str:
    """Return the first value of an attribute of DICOM JSON as text, "" for none."""
    values = row.get(tag, {}).get("Value") or [""]
    first = values[0]
    return str(first.get("Alphabetic", "") if isinstance(first, dict) else first)


def is_uid(text: str) -> bool:
    """Tell whether a text can stand in a path as a UID."""
    return _UID.fullmatch(text) is not None


def sop_instance_uid(file: Path) -> str:
    """Return the UID that the file meta information says, "" if the file is no DICOM file (PS3.10 2024e §7.1)."""
    with file.open("rb") as opened:
        head = opened.read(_PREAMBLE + 4 + 4096)
    if head[_PREAMBLE : _PREAMBLE + 4] != b"DICM":
        return ""
    at = _PREAMBLE + 4
    while at + 8 <= len(head) and head[at : at + 2] == b"\x02\x00":
        is_long = head[at + 4 : at + 6] in (b"OB", b"UN", b"OW", b"UT")
        start = at + (12 if is_long else 8)
        length = int.from_bytes(head[at + 8 : at + 12] if is_long else head[at + 6 : at + 8], "little")
        if head[at + 2 : at + 4] == b"\x03\x00":
            return head[start : start + length].rstrip(b"\0 ").decode("ascii", "replace")
        at = start + length
    return ""


def _content(answer: requests.Response) -> Iterator[bytes]:
    """Yield the file in an answer, whether it comes as it is or as the one part of a multipart body."""
    message = Message()
    message["Content-Type"] = answer.headers.get("content-type", "")
    boundary = message.get_boundary()
    chunks = answer.iter_content(_CHUNK)
    if message.get_content_maintype() != "multipart" or boundary is None:
        length = answer.headers.get("content-length")
        got = 0
        for chunk in chunks:
            got += len(chunk)
            yield chunk
        if length is not None and "content-encoding" not in answer.headers and got != int(length):
            raise RefusedError("it was cut short")
        return
    yield from _one_part(chunks, b"\r\n--" + boundary.encode())


def _one_part(chunks: Iterator[bytes], delimiter: bytes) -> Iterator[bytes]:
    """Yield the content of the first part; no more is held than a chunk and a delimiter. Source: RFC 2046 §5.1.1."""
    held = b"\r\n"
    while (end := held.find(b"\r\n\r\n", 2)) < 0:
        held += next(chunks, b"") or _cut_short()
        if len(held) > _MAX_PART_HEADERS + _CHUNK:
            raise RefusedError("it is no multipart body")
    if delimiter not in held[:end]:
        raise RefusedError("it is no multipart body")
    held = held[end + 4 :]
    while (end := held.find(delimiter)) < 0:
        sure = max(len(held) - len(delimiter), 0)
        if sure:
            yield held[:sure]
        held = held[sure:] + (next(chunks, b"") or _cut_short())
    yield held[:end]


def _cut_short() -> bytes:
    raise RefusedError("it was cut short")
