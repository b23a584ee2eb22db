"""An account's services as a connection string or an identity opens them. Knows nothing of what they serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from azure.core.utils import parse_connection_string

from shared.backends.azure_http.credentials import (
    AccountKey,
    Credential,
    SharedAccessSignature,
    Token,
    blob_text,
    table_text,
)
from shared.backends.azure_http.signed_http import SignedHttp
from shared.errors import SettingsError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

type Service = Literal["blob", "table"]

_AZURITE = {
    "blob": "http://127.0.0.1:10000/devstoreaccount1",
    "table": "http://127.0.0.1:10002/devstoreaccount1",
}
"""Where the emulator's account is unless it is said otherwise, which `UseDevelopmentStorage=true` stands for."""
_AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""It is the same for everybody, and no secret."""
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_TEXTS = {"blob": blob_text, "table": table_text}


def by_connection_string(connection: str, service: Service, timeout_seconds: float) -> SignedHttp:
    """Open a service of the account that a connection string names.

    Raises:
        SettingsError: It names no account, or nothing that opens it.

    Source: "Configure Azure Storage connection strings", Azure Storage documentation.
    """
    try:
        said = parse_connection_string(connection)
    except ValueError:
        raise SettingsError(
            "the storage connection string cannot be read; copy it from the account"
        ) from None
    if said.get("usedevelopmentstorage", "").lower() == "true":
        return SignedHttp(
            _AZURITE[service],
            AccountKey("devstoreaccount1", _AZURITE_KEY, _TEXTS[service]),
            timeout_seconds,
        )
    account = said.get("accountname", "")
    endpoint = said.get(f"{service}endpoint", "")
    if not endpoint and not account:
        raise SettingsError("the storage connection string names neither an account nor its endpoints")
    if not endpoint:
        scheme, suffix = (
            said.get("defaultendpointsprotocol", "https"),
            said.get("endpointsuffix", "core.windows.net"),
        )
        endpoint = f"{scheme}://{account}.{service}.{suffix}"
    credential: Credential
    if signature := said.get("sharedaccesssignature"):
        credential = SharedAccessSignature(signature)
    elif account and (key := said.get("accountkey")):
        credential = AccountKey(account, key, _TEXTS[service])
    else:
        raise SettingsError("the storage connection string has neither AccountKey nor SharedAccessSignature")
    return SignedHttp(endpoint, credential, timeout_seconds)


def by_identity(endpoint: str, credential: AsyncTokenCredential, timeout_seconds: float) -> SignedHttp:
    """Open the service at *endpoint* by tokens of an identity.

    Raises:
        SettingsError: Tokens would travel unencrypted.
    """
    parts = urlsplit(endpoint)
    if parts.scheme != "https" and parts.hostname not in _THIS_MACHINE:
        raise SettingsError(
            "the address of a storage service must begin with https:// to be opened by an identity"
        )
    return SignedHttp(endpoint, Token(credential), timeout_seconds)
