"""Ask one archive over HTTP, and say in words what it refuses. It knows no resource."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from client.errors import ClientError, RefusedError
from client.keyed_session import FUNCTION_KEY, KeyedSession

DEFAULT_URL: Final = "http://127.0.0.1:7071"
TIMEOUT_SECONDS: Final = (10, 300)
_PIECE: Final = 256 * 1024

type Parameters = Sequence[tuple[str, str]]


def open_session(key: str = "") -> requests.Session:
    """Return a session that asks again where nothing was changed, and logs in as the variables say.

    Args:
        key: A function key that goes before DICOM_FUNCTIONS_KEY.
    """
    session = KeyedSession()
    again = Retry(total=4, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504))
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=again))
    if key := key or os.environ.get("DICOM_FUNCTIONS_KEY", ""):
        session.headers[FUNCTION_KEY] = key
    if token := os.environ.get("DICOM_FUNCTIONS_TOKEN", ""):
        session.headers["Authorization"] = f"Bearer {token}"
        session.trust_env = False  # a .netrc would go before it
    return session


def detail_of(answer: requests.Response) -> str:
    """Return what a problem document says, which names no patient."""
    try:
        return str(answer.json().get("detail", ""))
    except (ValueError, AttributeError):
        return ""


def _comment_of(answer: requests.Response) -> str:
    """Return why the first instance of a store request was refused; the archive's own words name no patient.

    Source: PS3.18 2024e §I.2.2, Failed SOP Sequence; PS3.7 2024e §C, Error Comment
    """
    try:
        return str(answer.json()["00081198"]["Value"][0]["00741048"]["Value"][0]["00000902"]["Value"][0])
    except (ValueError, LookupError, TypeError):
        return ""


class ArchiveServer:
    """One archive, by its root; the variable DICOM_FUNCTIONS_KEY holds a function key, DICOM_FUNCTIONS_TOKEN a bearer token."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = open_session()

    def json(self, path: str, parameters: Parameters = (), *, method: str = "GET") -> dict[str, Any]:
        """Return what a path answers as JSON.

        Raises:
            RefusedError: There is no such thing, or it cannot be had so.
            ClientError: The archive does not answer, or wants a key.
        """
        return self.object_of(self._ask(method, path, parameters, headers={"Accept": "application/json"}))

    def send_file(
        self, path: str, file: Path, parameters: Parameters = (), *, method: str = "POST"
    ) -> requests.Response:
        """Send a file and return the answer; errors as of `json`."""
        try:
            with file.open("rb") as body:
                headers = {"Content-Type": "application/dicom"}
                return self._ask(method, path, parameters, headers=headers, data=body)
        except OSError as error:
            raise RefusedError(f"it cannot be read ({type(error).__name__})") from None

    def send_json(self, path: str, content: Any, parameters: Parameters = ()) -> dict[str, Any]:
        """Post JSON and return what is answered as JSON; errors as of `json`."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return self.object_of(self._ask("POST", path, parameters, headers=headers, data=json.dumps(content)))

    def save(self, path: str, target: Path) -> None:
        """Write what a path answers to a file, which appears once it is whole; errors as of `json`."""
        beside = target.with_name(f"{target.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._ask("GET", path, (), headers={}, stream=True) as answer, beside.open("wb") as file:
            try:
                file.writelines(answer.iter_content(_PIECE))
            except requests.RequestException as error:
                raise ClientError(f"{self.url} broke off ({type(error).__name__}); try again") from None
        beside.replace(target)

    def text(self, path: str) -> str:
        """Return what a path answers as text; errors as of `json`."""
        return self._ask("GET", path, (), headers={"Accept": "text/plain"}).text

    def object_of(self, answer: requests.Response) -> dict[str, Any]:
        """Return the JSON object that an answer holds."""
        try:
            content = answer.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise ClientError(f"{self.url} answered what is no JSON object; is it the archive's root?")
        return content

    def _ask(
        self,
        method: str,
        path: str,
        parameters: Parameters,
        *,
        headers: Mapping[str, str],
        data: Any = None,
        stream: bool = False,
    ) -> requests.Response:
        try:
            answer = self._session.request(
                method,
                self.url + path,
                params=list(parameters),
                headers=dict(headers),
                data=data,
                timeout=TIMEOUT_SECONDS,
                stream=stream,
            )
        except requests.RequestException as error:
            raise ClientError(
                f"{self.url} does not answer ({type(error).__name__}); is it running?"
            ) from None
        if answer.status_code in (401, 403):
            raise ClientError(f"{self.url} wants a key; set DICOM_FUNCTIONS_KEY")
        if answer.status_code in (404, 409, 413, 415, 422):
            raise RefusedError(
                detail_of(answer) or _comment_of(answer) or f"{answer.status_code}, without a reason"
            )
        if answer.status_code not in (200, 201, 202):
            raise ClientError(f"{self.url} answered {answer.status_code} {detail_of(answer)}")
        return answer
