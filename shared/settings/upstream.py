"""Settings of an upstream DICOMweb service that this app stands in front of. Opens no client."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

_GIB = 1024**3


class UpstreamSettings(BaseSettings):
    """Which service DICOMweb requests are forwarded to, if any, and how it is reached."""

    upstream_url: str = Field(default="", pattern=r"^(?:https?://[^\s@?#]+)?$")
    """Root of the service, without credentials; empty for none. Of the Azure DICOM service with or without version, of
    Orthanc its own root, of others that of DICOMweb."""
    upstream_kind: Literal["azure", "orthanc", "dicomweb"] = "dicomweb"
    """What the service is; by that its changes are followed. Those of a plain DICOMweb service cannot be."""
    upstream_version: Literal["v1", "v2"] = "v2"
    """Of the Azure DICOM service's API, where the URL does not say."""
    upstream_orthanc_path: str = Field(
        default="dicom-web", pattern=r"^[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*$"
    )
    """Where below Orthanc's root its DICOMweb plugin answers."""
    upstream_credential: Literal["none", "managed_identity", "cli", "environment", "bearer", "basic"] = "none"
    """Whose credentials are sent: of the app's managed identity, of `az login`, of the AZURE_ variables, a token that is
    set, or a user and password."""
    upstream_scope: str = "https://dicom.healthcareapis.azure.com/.default"
    """What tokens of an identity are asked for."""
    upstream_client_id: str = ""
    """Of a user-assigned managed identity; empty for the system's."""
    upstream_token: SecretStr | None = None
    upstream_username: str = ""
    upstream_password: SecretStr | None = None
    upstream_ca_certs: str = ""
    """File of the certificates (PEM) that the service's is checked against; empty for the usual ones."""
    upstream_timeout_seconds: float = Field(default=60, gt=0)
    """How long to wait for a connection, for the beginning of an answer, and for each further piece."""
    upstream_max_answer_bytes: int = Field(default=64 * _GIB, gt=0)
    """Longest answer that is passed on."""
    upstream_connections: int = Field(default=32, gt=0, le=512)
    """Most requests to the service at a time."""
    upstream_poll_schedule: str = "*/15 * * * * *"
    """When the timer looks for changes of the service, as NCRONTAB in UTC."""
    upstream_poll_seconds: float = Field(default=240, gt=0, le=540)
    """How long one look takes; the next goes on from there."""
