"""Upload files as one session: straight to storage, then published at one moment or not at all."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Final

import requests

from client.archive_server import TIMEOUT_SECONDS, detail_of
from client.dicomweb import sop_instance_uid
from client.errors import ClientError
from client.stow import Outcome

_NAMES: Final = 1000
"""Files that one request asks targets for."""
_TRIES: Final = 5
_POLL_SECONDS: Final = 1.0
_THERE_ALREADY: Final = (403, 409, 412)
"""What storage answers to a second try whose first came through, for a target is used once."""


class SessionUpload:
    """One session of the archive at *url*; *session* logs in to it, and to nothing else."""

    def __init__(self, url: str, session: requests.Session, parallel: int) -> None:
        self._url = url
        self._session = session
        self._parallel = parallel

    def run(self, files: Sequence[Path], show: Callable[[int], None]) -> list[Outcome]:
        """Upload files and publish them; return what became of each.

        Raises:
            ClientError: The archive or its storage refuses or does not answer; nothing is published then.
        """
        named = {f"{number:08d}.dcm": file for number, file in enumerate(files, 1)}
        told = self._ask("POST", "/sessions", {"files": []}, 201)
        path = f"/sessions/{told['session']}"
        try:
            self._put_all(path, named, show)
            told = self._ask("POST", f"{path}/commit", {"files": list(named)}, 200, 202, 409)
        except (ClientError, KeyboardInterrupt):
            self._abandon(path)
            raise
        while told["status"] not in ("done", "failed"):
            time.sleep(_POLL_SECONDS)
            told = self._ask("GET", path, None, 200)
        return _outcomes(named, told)

    def _put_all(self, path: str, named: Mapping[str, Path], show: Callable[[int], None]) -> None:
        names, done = list(named), 0
        with ThreadPoolExecutor(self._parallel) as pool:
            for start in range(0, len(names), _NAMES):
                some = {"files": names[start : start + _NAMES]}
                targets = self._ask("POST", f"{path}/targets", some, 200)["targets"]
                puts = [pool.submit(_put, target, named[target["name"]]) for target in targets]
                try:
                    for put in as_completed(puts):
                        put.result()
                        done += 1
                        show(done)
                except ClientError:
                    pool.shutdown(cancel_futures=True)
                    raise

    def _abandon(self, path: str) -> None:
        try:
            self._session.delete(self._url + path, timeout=TIMEOUT_SECONDS)
        except requests.RequestException:
            return  # it expires

    def _ask(self, method: str, path: str, body: Any, *taken: int) -> dict[str, Any]:
        for attempt in range(_TRIES):
            try:
                answer = self._session.request(method, self._url + path, json=body, timeout=TIMEOUT_SECONDS)
            except requests.RequestException as error:
                if attempt + 1 == _TRIES:
                    raise ClientError(f"{self._url} does not answer ({type(error).__name__})") from None
            else:
                if answer.status_code in taken:
                    told: dict[str, Any] = answer.json()
                    return told
                if answer.status_code not in (429, 502, 503, 504) or attempt + 1 == _TRIES:
                    detail = f"{answer.status_code} {detail_of(answer)}".strip()
                    raise ClientError(f"{self._url} answered {detail}")
            time.sleep(0.5 * 2**attempt)
        raise ClientError(f"{self._url} does not answer")


def _put(target: Mapping[str, Any], file: Path) -> None:
    """Put one file where its target says; no login is sent there."""
    why = ""
    for attempt in range(_TRIES):
        try:
            with file.open("rb") as body:
                # An empty file would be sent in chunks, which storage does not take.
                data = body if file.stat().st_size else b""
                answer = requests.put(
                    target["url"], data=data, headers=target["headers"], timeout=TIMEOUT_SECONDS
                )
            if answer.status_code in (200, 201) or (attempt and answer.status_code in _THERE_ALREADY):
                return
            why = str(answer.status_code)
            if answer.status_code < 500 and answer.status_code not in (408, 429):
                break
        except requests.RequestException as error:
            why = type(error).__name__
        time.sleep(0.5 * 2**attempt)
    raise ClientError(f"storage did not take a file ({why})")


def _outcomes(named: Mapping[str, Path], told: Mapping[str, Any]) -> list[Outcome]:
    reasons = {failure["file"]: failure["reason"] for failure in told["failures"]}
    is_done = told["status"] == "done"
    outcomes = []
    for name, file in named.items():
        state = "failed" if name in reasons else "stored" if is_done else "waiting"
        outcomes.append(Outcome(file, sop_instance_uid(file), state, None, reasons.get(name, "")))
    return outcomes
