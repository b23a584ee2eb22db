"""Make the client of an S3 service. Sends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from shared.errors import SettingsError

_ATTEMPTS = 4
_REGION_OF_OTHERS = "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Options:
    """Where an S3 service is, what it is able to, and who asks; empty texts leave the choice to boto3."""

    endpoint: str = ""
    """Its URL; empty for Amazon's of the region."""
    region: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""
    ca_bundle: str = ""
    """File of the certificates that its own is checked against, in PEM; empty for the usual ones."""
    addressing: Literal["auto", "path", "virtual"] = "auto"
    """Whether the bucket stands in the path of a URL or in its host."""
    keys: Literal["flat", "folders"] = "flat"
    """Whether the service keeps names as they are, or as paths of files in folders, as SeaweedFS does."""
    checksums: Literal["when_required", "when_supported"] = "when_required"
    """Many services store the trailing checksums of newer SDKs as if they were data."""
    bucket_prefix: str = ""
    content_type: str = "application/dicom"
    """Of DICOM objects that are put."""
    timeout_seconds: float = 30
    """How long to wait for a connection, and for each read from it."""
    connections: int = 32
    """Most requests at a time; each has a thread."""


def make_client(options: S3Options) -> Any:
    """Return a client of S3, which threads may share.

    It takes a tenth of a second and half a second the first time: call it in a thread.

    Raises:
        SettingsError: The options have no meaning for boto3, or the file of certificates is not there.
    """
    if options.ca_bundle and not Path(options.ca_bundle).is_file():
        raise SettingsError("the file of certificates for S3 (DICOM_S3_CA_BUNDLE) is not there")
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": options.addressing},
        request_checksum_calculation=options.checksums,
        response_checksum_validation=options.checksums,
        connect_timeout=options.timeout_seconds,
        read_timeout=options.timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=options.connections,
        tcp_keepalive=True,
    )
    try:
        session = boto3.session.Session(
            aws_access_key_id=options.access_key_id or None,
            aws_secret_access_key=options.secret_access_key or None,
            aws_session_token=options.session_token or None,
        )
        # Only Amazon cares for the region, but every signature has one.
        region = options.region or session.region_name or (_REGION_OF_OTHERS if options.endpoint else None)
        return session.client(
            "s3",
            region_name=region,
            endpoint_url=options.endpoint or None,
            verify=options.ca_bundle or None,
            config=config,
        )
    except (BotoCoreError, ValueError, OSError) as error:
        raise SettingsError(
            f"the settings of S3 make no client ({type(error).__name__}); check endpoint, region and credentials"
        ) from None
