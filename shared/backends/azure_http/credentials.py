"""How requests to Azure Storage are signed: by an account key, a shared access signature, or a token. Sends nothing.

Source: "Authorize with Shared Key", Azure Storage REST reference, service version 2025-01-05.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from azure.core.exceptions import AzureError

from shared.backends.azure_http.answer import NoAnswerError
from shared.errors import SettingsError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential

_SCOPE = "https://storage.azure.com/.default"
_RENEW_SECONDS = 300
"""Before a token ends it is renewed, so that none ends on the way."""
_SIGNED_BLOB_HEADERS = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)

type TextToSign = Callable[[str, str, Mapping[str, str]], str]
"""Makes the text of a service from method, resource (account and encoded path) and headers by lower-case name."""


class Credential(Protocol):
    """What makes a request one of ours."""

    query: str
    """What is added to each URL's query."""

    async def authorization(self, method: str, path: str, headers: Mapping[str, str]) -> str | None:
        """Return the header Authorization for an encoded path and headers by lower-case name, or None."""
        ...


class AccountKey:
    """An account's key. Requests are signed as they are sent: no query but what the text leaves out."""

    query = ""

    def __init__(self, account: str, key: str, text: TextToSign) -> None:
        try:
            self._key = base64.b64decode(key, validate=True)
        except binascii.Error:
            raise SettingsError("the account key of the connection string is no base64") from None
        self._account = account
        self._text = text

    async def authorization(self, method: str, path: str, headers: Mapping[str, str]) -> str:
        """Sign; see Credential."""
        text = self._text(method, f"/{self._account}{path}", headers)
        signature = base64.b64encode(hmac.digest(self._key, text.encode(), "sha256")).decode()
        return f"SharedKey {self._account}:{signature}"


class SharedAccessSignature:
    """A signature that the URL carries."""

    def __init__(self, signature: str) -> None:
        self.query = signature.removeprefix("?")

    async def authorization(self, method: str, path: str, headers: Mapping[str, str]) -> None:  # a port
        """Add nothing; see Credential."""
        return


class Token:
    """Tokens of an identity, each used until it is about to end, and to its end where no other is to be had."""

    query = ""

    def __init__(self, credential: AsyncTokenCredential, scope: str = _SCOPE) -> None:
        self._credential = credential
        self._scope = scope
        self._token: AccessToken | None = None
        self._lock = asyncio.Lock()

    async def authorization(self, method: str, path: str, headers: Mapping[str, str]) -> str:  # a port
        """Name the token; see Credential. NoAnswerError if none is to be had."""
        async with self._lock:
            if self._token is None or self._token.expires_on - time.time() < _RENEW_SECONDS:
                try:
                    self._token = await self._credential.get_token(self._scope)
                except AzureError as error:
                    if self._token is None or self._token.expires_on <= time.time():
                        raise NoAnswerError("no token") from error
            return f"Bearer {self._token.token}"


def blob_text(method: str, resource: str, headers: Mapping[str, str]) -> str:
    """Return what is signed of a request to the blob service that has no query."""
    own = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-ms-"))
    standard = "\n".join(headers.get(name, "") for name in _SIGNED_BLOB_HEADERS)
    return f"{method}\n{standard}\n{own}{resource}"


def table_text(method: str, resource: str, headers: Mapping[str, str]) -> str:
    """Return what is signed of a request to the table service; of its query nothing is."""
    return f"{method}\n\n{headers.get('content-type', '')}\n{headers['x-ms-date']}\n{resource}"
