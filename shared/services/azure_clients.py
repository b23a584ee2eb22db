"""The clients of the storage account that settings name: by a connection string, or by an identity."""

from typing import TYPE_CHECKING

from shared.errors import SettingsError
from shared.settings.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.data.tables.aio import TableServiceClient
    from azure.storage.blob.aio import BlobServiceClient
    from azure.storage.queue.aio import QueueServiceClient

    from shared.backends.azure_http.signed_http import SignedHttp


def azure_clients(
    settings: Settings,
) -> tuple["BlobServiceClient", "SignedHttp", "QueueServiceClient", "TableServiceClient", "SignedHttp"]:
    """Make the clients of blobs, queues and tables, and the signed HTTP of blobs and of tables.

    Raises:
        SettingsError: No storage account is set.
    """
    from azure.data.tables.aio import TableServiceClient
    from azure.storage.blob.aio import BlobServiceClient
    from azure.storage.queue.aio import QueueServiceClient

    from shared.backends.azure_http.account import by_connection_string, by_identity
    from shared.backends.azure_options import blob_options, request_options

    timeout = settings.request_timeout_seconds
    options, for_blobs = request_options(timeout), blob_options(timeout)
    if (connection := settings.connection_string) is not None:
        return (
            BlobServiceClient.from_connection_string(connection, **for_blobs),
            by_connection_string(connection, "blob", timeout),
            QueueServiceClient.from_connection_string(connection, **options),
            TableServiceClient.from_connection_string(connection, **options),
            by_connection_string(connection, "table", timeout),
        )
    _check_uris(settings)
    credential = credential_of(settings)
    return (
        BlobServiceClient(settings.blob_service_uri, credential, **for_blobs),
        by_identity(settings.blob_service_uri, credential, timeout),
        QueueServiceClient(settings.queue_service_uri, credential, **options),
        TableServiceClient(settings.table_service_uri, credential=credential, **options),
        by_identity(settings.table_service_uri, credential, timeout),
    )


def probe_clients(
    settings: Settings,
) -> tuple["BlobServiceClient", "QueueServiceClient", "TableServiceClient"]:
    """Make clients that ask once only, to be closed by who asked for them.

    Raises:
        SettingsError: No storage account is set.
    """
    from azure.data.tables.aio import TableServiceClient
    from azure.storage.blob.aio import BlobServiceClient
    from azure.storage.queue.aio import QueueServiceClient

    from shared.backends.azure_options import request_options

    options = request_options(settings.request_timeout_seconds) | {"retry_total": 0}
    if (connection := settings.connection_string) is not None:
        try:
            return (
                BlobServiceClient.from_connection_string(connection, **options),
                QueueServiceClient.from_connection_string(connection, **options),
                TableServiceClient.from_connection_string(connection, **options),
            )
        except ValueError:
            raise SettingsError(
                "the storage connection string cannot be read; copy it from the account"
            ) from None
    _check_uris(settings)
    credential = credential_of(settings)
    return (
        BlobServiceClient(settings.blob_service_uri, credential, **options),
        QueueServiceClient(settings.queue_service_uri, credential, **options),
        TableServiceClient(settings.table_service_uri, credential=credential, **options),
    )


def _check_uris(settings: Settings) -> None:
    if not (settings.blob_service_uri and settings.queue_service_uri and settings.table_service_uri):
        raise SettingsError(
            "no storage account: set DicomStorage to a connection string, or DicomStorage__blobServiceUri, "
            "DicomStorage__queueServiceUri and DicomStorage__tableServiceUri"
        )


def credential_of(settings: Settings) -> "AsyncTokenCredential":
    """Return what the app shows who it is by: its managed identity, or a developer's own."""
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

    if settings.managed_identity_client_id:
        return ManagedIdentityCredential(client_id=settings.managed_identity_client_id)
    return DefaultAzureCredential()
