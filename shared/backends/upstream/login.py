"""What is sent to the upstream service as proof of who asks. Logs and keeps nothing."""

import base64
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.backends.azure_http.answer import NoAnswerError
from shared.errors import SettingsError, UpstreamLoginError
from shared.settings.upstream import UpstreamSettings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

type Authorization = Callable[[], Awaitable[str | None]]
"""Gives the header Authorization for a request that is about to be sent."""


class Login:
    """The header Authorization of a kind of credentials, renewed before it ends; it must be closed."""

    def __init__(
        self, authorization: Authorization, close: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.authorization = authorization
        self._close = close

    async def close(self) -> None:
        """Close what asks for tokens."""
        if self._close is not None:
            await self._close()


def login_of(settings: UpstreamSettings) -> Login:
    """Return the credentials that *settings* name.

    Raises:
        SettingsError: A part of them is not set.
    """
    match settings.upstream_credential:
        case "none":
            return Login(_always(None))
        case "bearer":
            token = _needed(settings.upstream_token, "DICOM_UPSTREAM_TOKEN")
            return Login(_always(f"Bearer {token}"))
        case "basic":
            password = _needed(settings.upstream_password, "DICOM_UPSTREAM_PASSWORD")
            pair = base64.b64encode(f"{settings.upstream_username}:{password}".encode()).decode()
            return Login(_always(f"Basic {pair}"))
        case _:
            credential = _identity(settings)
            return Login(by_tokens(credential, settings.upstream_scope), credential.close)


def by_tokens(credential: "AsyncTokenCredential", scope: str) -> Authorization:
    """Return the header made of tokens, each used until it is about to end."""
    from shared.backends.azure_http.credentials import Token

    token = Token(credential, scope)

    async def authorization() -> str:
        try:
            return await token.authorization("", "", {})
        except NoAnswerError:
            raise UpstreamLoginError(
                "no token for the upstream service is to be had; check DICOM_UPSTREAM_CREDENTIAL and the identity's"
                " role DICOM Data Owner or DICOM Data Reader"
            ) from None

    return authorization


def _identity(settings: UpstreamSettings) -> "AsyncTokenCredential":
    from azure.identity.aio import AzureCliCredential, EnvironmentCredential, ManagedIdentityCredential

    if settings.upstream_credential == "cli":
        return AzureCliCredential()
    if settings.upstream_credential == "environment":
        return EnvironmentCredential()
    return ManagedIdentityCredential(client_id=settings.upstream_client_id or None)


def _always(value: str | None) -> Authorization:
    async def authorization() -> str | None:
        return value

    return authorization


def _needed(secret: SecretStr | None, name: str) -> str:
    value = "" if secret is None else secret.get_secret_value()
    if not value or not value.isascii() or not value.isprintable():
        raise SettingsError(f"{name} must be set, in printable ASCII, for this DICOM_UPSTREAM_CREDENTIAL")
    return value
