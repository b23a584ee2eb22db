"""Settings of the partner whom files are sent to. It asks nobody."""

from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from shared.dicom.tagging.mapping import DEFAULT_MAPPING


class PartnerSettings(BaseSettings):
    """Where the partner's services are, and how they are asked; the forerunner's names work without a prefix."""

    partner_metadata_url: str = Field(
        default="",
        pattern=r"^(?:https?://\S+)?$",
        validation_alias=AliasChoices("DICOM_PARTNER_METADATA_URL", "MD_URL"),
    )
    """Of the service that says what is known of a sample."""
    partner_metadata_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("DICOM_PARTNER_METADATA_KEY", "MD_KEY")
    )
    partner_upload_url: str = Field(
        default="",
        pattern=r"^(?:https?://\S+)?$",
        validation_alias=AliasChoices("DICOM_PARTNER_UPLOAD_URL", "U_URL"),
    )
    """Of the service that takes files."""
    partner_upload_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("DICOM_PARTNER_UPLOAD_KEY", "U_KEY")
    )
    partner_analytics_url: str = Field(
        default="",
        pattern=r"^(?:https?://\S+)?$",
        validation_alias=AliasChoices("DICOM_PARTNER_ANALYTICS_URL", "A_URL"),
    )
    """Of the service that analyses a sample."""
    partner_analytics_key: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("DICOM_PARTNER_ANALYTICS_KEY", "A_KEY")
    )
    partner_log_url: str = Field(default="", pattern=r"^(?:https?://\S+)?$")
    """Whom the log of a run that failed is posted to; nobody where it is empty."""
    partner_log_key: SecretStr | None = None
    """Sent with it as x-api-key."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", validation_alias=AliasChoices("DICOM_LOG_LEVEL", "LOG_LEVEL")
    )
    """Which lines the log of a run has, from this level up; none of them holds patient data or keys."""
    partner_tags: str = DEFAULT_MAPPING
    """Which attributes are set from which keys of the metadata: attribute=key, separated by commas."""
    partner_requests: Literal["get-body", "get-query", "post"] = "get-body"
    """How metadata and analytics are asked for: a GET with a JSON body, as the forerunner did, a GET with query
    parameters, or a POST; many proxies drop or refuse the body of a GET."""
    partner_priority: int = 2
    """Sent with the question for metadata."""
    partner_max_retry: int = Field(default=3, ge=0, le=20)
    """How often a request is made again, where the run does not say."""
    partner_backoff_seconds: float = Field(default=3, ge=0)
    """What is waited before the second try; twice as long before each further one."""
    partner_longest_wait_seconds: float = Field(default=120, ge=0)
    """The longest wait between two tries; a partner that asks for more is taken at its word, and the run fails."""
    partner_connect_timeout_seconds: float = Field(default=10, gt=0)
    partner_read_timeout_seconds: float = Field(default=480, gt=0)
    """How long an answer may be waited for; the forerunner saw 403 seconds for one file."""
    partner_connections: int = Field(default=4, gt=0, le=64)
    """Most files that one worker sends at a time."""
    upload_lost_after_seconds: float = Field(default=1200, gt=0)
    """After how long without a sign of life the timer takes the work on an upload for lost, and asks for it again."""

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: object) -> object:
        return (value.upper() or "INFO") if isinstance(value, str) else value
