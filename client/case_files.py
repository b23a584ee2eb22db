"""Fetch the files of a clinical case over HTTP. It knows neither their names nor their order."""

from pathlib import Path
from typing import Any, Final

import requests

from client.archive_server import TIMEOUT_SECONDS, detail_of, open_session
from client.errors import ClientError

_CHUNK: Final = 1024 * 1024
_NOT_SHOWN: Final = (400, 406, 422)


class NotShownError(Exception):
    """The archive has no such picture of an image, and says why."""


class CaseServer:
    """One archive, by its root.

    Attributes:
        url: The root, without a trailing slash.
    """

    def __init__(self, url: str, key: str = "") -> None:
        self.url = url.rstrip("/")
        self._session = open_session(key)

    def json(self, path: str) -> dict[str, Any]:
        """Return what a path answers as JSON.

        Raises:
            ClientError: There is no such case, or the answer is another error.
        """
        answer = self._session.get(
            self.url + path, headers={"Accept": "application/json"}, timeout=TIMEOUT_SECONDS
        )
        if answer.status_code == 404:
            raise ClientError("there is no such case; GET /cases lists those there are")
        self._check(answer)
        content: dict[str, Any] = answer.json()
        return content

    def save(self, path: str, accept: str, target: Path, *, size: int | None = None) -> None:
        """Write what a path answers to a file, which appears once it is whole.

        Args:
            path: Below the root.
            accept: In which form.
            target: The file; what is there is replaced.
            size: Bytes that it must have; None for any.

        Raises:
            NotShownError: The image cannot be had in that form.
            ClientError: The answer is another error, or was cut short.
        """
        beside = target.with_name(f"{target.name}.part")
        with self._session.get(
            self.url + path, headers={"Accept": accept}, timeout=TIMEOUT_SECONDS, stream=True
        ) as answer:
            if answer.status_code in _NOT_SHOWN and size is None:
                raise NotShownError(detail_of(answer))
            self._check(answer)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with beside.open("wb") as file:
                    for chunk in answer.iter_content(_CHUNK):
                        file.write(chunk)
                if size is not None and beside.stat().st_size != size:
                    raise ClientError(f"{target} came with another length than the case says; try again")
                beside.replace(target)
            finally:
                beside.unlink(missing_ok=True)

    def _check(self, answer: requests.Response) -> None:
        if answer.status_code in (401, 403):
            raise ClientError(f"{self.url} wants a key; set DICOM_FUNCTIONS_KEY")
        if answer.status_code != 200:
            raise ClientError(f"{self.url} answered {answer.status_code} {detail_of(answer)}")
