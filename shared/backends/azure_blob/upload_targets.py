"""UploadTargets on Azure Blob Storage: addresses signed for one blob each. Writes none."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlsplit

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobSasPermissions, UserDelegationKey, generate_blob_sas
from azure.storage.blob.aio import BlobServiceClient

from shared.backends.azure_blob.names import check_key
from shared.errors import BackendUnavailableError, NotConfiguredError
from shared.ports.sessions import UploadTarget
from shared.records import ObjectKey

_THIS_MACHINE: Final = ("127.0.0.1", "::1", "localhost")
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
_LONGEST: Final = timedelta(days=7)
"""Of a user delegation key."""
_HEADERS: Final = {"x-ms-blob-type": "BlockBlob"}


class AzureUploadTargets:
    """Signs with the account's key, or as the identity that the app has (a user delegation key).

    Who has an address may create its blob, once: not overwrite, read, list or delete anything.

    Args:
        service: The account's blobs, by a client made in the running loop.

    Source: "Create a user delegation SAS" and "Create a service SAS", Azure Storage REST reference, version 2025-01-05.
    """

    def __init__(self, service: BlobServiceClient) -> None:
        self._service = service
        self._key: tuple[datetime, UserDelegationKey] | None = None
        self._turn = asyncio.Lock()

    async def targets(self, keys: Sequence[ObjectKey], expires_at: datetime) -> list[UploadTarget]:
        """Return a target for each object; see UploadTargets.

        Raises:
            NotConfiguredError: The app itself has but a signed address of the account.
            BackendUnavailableError: The service gives no key to sign with.
        """
        credential = self._service.credential
        account_key = getattr(credential, "account_key", None)
        delegated = None
        if account_key is None:
            if not hasattr(credential, "get_token"):
                raise NotConfiguredError(
                    "upload sessions need the account's key, or an identity that may delegate"
                )
            delegated = await self._delegated(expires_at)
        return [self._target(key, expires_at, account_key, delegated) for key in keys]

    def _target(
        self,
        key: ObjectKey,
        expires_at: datetime,
        account_key: str | None,
        delegated: UserDelegationKey | None,
    ) -> UploadTarget:
        check_key(key)
        endpoint = self._service.url.rstrip("/")
        parts = urlsplit(endpoint)
        is_here = parts.scheme == "http" and parts.hostname in _THIS_MACHINE
        signature = generate_blob_sas(
            account_name=str(self._service.account_name),
            container_name=key.container,
            blob_name=key.name,
            account_key=account_key,
            user_delegation_key=delegated,
            permission=BlobSasPermissions(create=True),
            start=datetime.now(UTC) - _CLOCKS_DIFFER,
            expiry=expires_at,
            protocol="https,http" if is_here else "https",
        )
        return UploadTarget(key.name, f"{endpoint}/{key.container}/{quote(key.name)}?{signature}", _HEADERS)

    async def _delegated(self, expires_at: datetime) -> UserDelegationKey:
        """Return a key that lasts until then; one serves many sessions."""
        async with self._turn:
            if self._key is not None and self._key[0] >= expires_at:
                return self._key[1]
            now = datetime.now(UTC)
            until = min(expires_at + (expires_at - now), now + _LONGEST)
            try:
                key = await self._service.get_user_delegation_key(now - _CLOCKS_DIFFER, until)
            except AzureError as error:
                raise BackendUnavailableError(
                    f"no key to sign addresses with ({type(error).__name__}); the app's identity needs the role"
                    " Storage Blob Delegator"
                ) from None
            self._key = until, key
            return key
