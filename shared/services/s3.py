"""Composition of the S3 store."""

from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.settings.settings import Settings

if TYPE_CHECKING:
    from shared.backends.s3 import S3ObjectStore


async def s3_store(settings: Settings) -> "S3ObjectStore":
    """Open the S3 service that *settings* name."""
    from shared.backends.s3 import S3Options, open_s3_store

    options = S3Options(
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        access_key_id=_plain(settings.s3_access_key_id),
        secret_access_key=_plain(settings.s3_secret_access_key),
        session_token=_plain(settings.s3_session_token),
        ca_bundle=settings.s3_ca_bundle,
        addressing=settings.s3_addressing,
        keys=settings.s3_keys,
        checksums=settings.s3_checksums,
        bucket_prefix=settings.s3_bucket_prefix,
        content_type=settings.s3_content_type,
        timeout_seconds=settings.request_timeout_seconds,
        connections=settings.s3_connections,
    )
    return await open_s3_store(options)


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
