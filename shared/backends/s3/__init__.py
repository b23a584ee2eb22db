"""ObjectStore on any S3-compatible service, by boto3 in threads of its own."""

from shared.backends.s3.client import S3Options
from shared.backends.s3.store import S3ObjectStore, open_s3_store

__all__ = ["S3ObjectStore", "S3Options", "open_s3_store"]
