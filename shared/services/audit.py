"""Composition of the audit trail: which stream it goes to."""

from typing import TYPE_CHECKING

from shared.errors import SettingsError
from shared.settings.settings import Settings
from shared.telemetry.audit_trail import AuditTrail, LogTrail

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient


def audit_trail(settings: Settings) -> AuditTrail:
    """Make the trail that *settings* name. It reaches for its container when the first message comes."""
    if settings.audit == "log":
        return LogTrail()
    from shared.backends.audit_blobs import AuditBlobs

    return AuditBlobs(lambda: _blobs(settings), settings.audit_container)


def _blobs(settings: Settings) -> "BlobServiceClient":
    from azure.storage.blob.aio import BlobServiceClient

    from shared.backends.azure_options import request_options
    from shared.services.azure_clients import credential_of

    options = request_options(settings.request_timeout_seconds)
    if (connection := settings.connection_string) is not None:
        return BlobServiceClient.from_connection_string(connection, **options)
    if not settings.blob_service_uri:
        raise SettingsError("no storage account: set DicomStorage or DicomStorage__blobServiceUri")
    return BlobServiceClient(settings.blob_service_uri, credential_of(settings), **options)
