"""Talk to the service under test. It judges nothing."""

import email
import email.policy
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

import requests
from pydicom.dataset import Dataset

from client.conformance.instances import file_of
from client.conformance.verdict import CheckFailed

DICOM_JSON: Final = "application/dicom+json"
ANY_SYNTAX: Final = "transfer-syntax=*"
TIMEOUT_SECONDS: Final = 120
_AZURE_ROOT: Final = re.compile(r"/v[12](?:\.0)?(?:-prerelease)?(?:/|$)")


class Server:
    """One DICOMweb service.

    Attributes:
        url: Its base, without a trailing slash.
        is_azure: Whether it speaks the dialect of the Azure DICOM service.
    """

    def __init__(self, url: str, *, is_azure: bool | None = None) -> None:
        self.url = url.rstrip("/")
        self.is_azure = bool(_AZURE_ROOT.search(self.url)) if is_azure is None else is_azure
        self._session = requests.Session()
        self._studies: set[str] = set()

    def call(
        self,
        path: str,
        *,
        method: str = "GET",
        accept: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: bytes | None = None,
    ) -> requests.Response:
        """Send a request to *path* below the base, or to a whole URL; redirects are followed."""
        all_headers: dict[str, str | None] = {"Accept": accept, **(headers or {})}
        url = path if "://" in path else self.url + path
        return self._session.request(
            method,
            url,
            headers=all_headers,
            data=body,
            timeout=TIMEOUT_SECONDS,
        )

    def store(
        self, *instances: Dataset | bytes, path: str = "/studies", accept: str = DICOM_JSON, **headers: str
    ) -> requests.Response:
        """Store instances as multipart/related."""
        for instance in instances:
            if isinstance(instance, Dataset) and "StudyInstanceUID" in instance:
                self._studies.add(str(instance.StudyInstanceUID))
        contents = (one if isinstance(one, bytes) else file_of(one) for one in instances)
        body, content_type = multipart(contents)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call(
            path, method="POST", accept=accept, headers={"Content-Type": content_type, **named}, body=body
        )

    def stored(self, *instances: Dataset) -> None:
        """Store instances that a check is not about, or fail."""
        response = self.store(*instances)
        if response.status_code not in (200, 202):
            raise CheckFailed(f"storing what is needed answered {response.status_code}")

    def rows(self, path: str) -> list[dict[str, Any]]:
        """Return the rows that a search answers; none for 204."""
        response = self.call(path, accept=DICOM_JSON)
        if response.status_code == 204:
            return []
        if response.status_code != 200:
            raise CheckFailed(f"{path} answered {response.status_code}")
        rows: list[dict[str, Any]] = response.json()
        return rows

    def feed_position(self) -> int:
        """Return the sequence of the newest change, or fail where there is no feed."""
        response = self.call("/changefeed/latest?includemetadata=false")
        if response.status_code == 204:
            return 0
        if response.status_code != 200:
            raise CheckFailed(f"/changefeed/latest answered {response.status_code}")
        return int(response.json()["Sequence"])

    def changes_after(self, sequence: int) -> list[dict[str, Any]]:
        """Return the first hundred changes after a sequence."""
        response = self.call(f"/changefeed?offset={sequence}&limit=100&includemetadata=false")
        changes: list[dict[str, Any]] = response.json() if response.status_code == 200 else []
        return changes

    def tidy(self) -> None:
        """Delete what the checks have stored, where the service can."""
        for study in self._studies:
            self.call(f"/studies/{study}", method="DELETE")
        self._session.close()


def multipart(contents: Iterable[bytes]) -> tuple[bytes, str]:
    """Return a multipart/related body of DICOM files and its Content-Type."""
    boundary = secrets.token_hex(16)
    parts = (
        f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + content + b"\r\n"
        for content in contents
    )
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return body, f'multipart/related; type="application/dicom"; boundary={boundary}'


def parts_of(response: requests.Response) -> list[tuple[dict[str, str], bytes]]:
    """Return headers (by lower-case name) and content of each part of a multipart answer."""
    kind = response.headers.get("Content-Type", "")
    if not kind.lower().startswith("multipart/related"):
        raise CheckFailed(
            f"{response.status_code} with Content-Type {kind or 'missing'}, not multipart/related"
        )
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = email.message_from_bytes(head + response.content, policy=email.policy.compat32)
    if message.defects or not message.is_multipart():
        raise CheckFailed("the multipart body cannot be read")
    parts: Any = message.get_payload()
    return [
        ({name.lower(): value for name, value in part.items()}, part.get_payload(decode=True))
        for part in parts
    ]
