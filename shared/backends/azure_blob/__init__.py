"""ObjectStore on Azure Blob Storage, by the SDK's asynchronous client."""

from shared.backends.azure_blob.store import AzureBlobStore

__all__ = ["AzureBlobStore"]
