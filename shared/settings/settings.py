"""Every setting, read once and lazily: an explicit argument, then the environment, then `.env`.

The file of DICOM_CONFIG_FILE comes last. Names begin with DICOM_; one that is unknown is an error, because a misspelt setting that is silently ignored is
found in production. The connection keeps the name that the triggers' bindings use, DicomStorage, in both of Azure's
forms: a connection string, or DicomStorage__blobServiceUri and its siblings with a managed identity. The forerunner's
AZURE_STORAGE_* names work too.
"""

import os
import re
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.errors import SettingsError
from shared.records import DuplicatePolicy
from shared.settings.access import AccessSettings
from shared.settings.audit import AuditSettings
from shared.settings.bounded_patterns import check_bounded
from shared.settings.imports import ImportSettings
from shared.settings.partner import PartnerSettings
from shared.settings.s3 import S3Settings
from shared.settings.search import SearchSettings
from shared.settings.sessions import SessionSettings
from shared.settings.telemetry import TelemetrySettings
from shared.settings.upstream import UpstreamSettings

PREFIX = "DICOM_"
"""Of the names of settings."""
_MIB = 1024 * 1024
_ORIGIN = re.compile(r"\*|https?://[a-z0-9.-]+(?::[0-9]{1,5})?")


def _alias(*names: str) -> AliasChoices:
    return AliasChoices(*names)


class Settings(
    PartnerSettings,
    AuditSettings,
    UpstreamSettings,
    AccessSettings,
    SearchSettings,
    S3Settings,
    ImportSettings,
    SessionSettings,
    TelemetrySettings,
):
    """What can be set. Sizes are in bytes, times in seconds."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    storage_connection_string: SecretStr | None = Field(
        default=None, validation_alias=_alias("DicomStorage", "AZURE_STORAGE_CONNECTION_STRING")
    )
    storage_account_name: str = Field(default="", validation_alias=_alias("AZURE_STORAGE_ACCOUNT_NAME"))
    storage_account_key: SecretStr | None = Field(
        default=None, validation_alias=_alias("AZURE_STORAGE_ACCOUNT_KEY")
    )
    blob_service_uri: str = Field(default="", validation_alias=_alias("DicomStorage__blobServiceUri"))
    queue_service_uri: str = Field(default="", validation_alias=_alias("DicomStorage__queueServiceUri"))
    table_service_uri: str = Field(default="", validation_alias=_alias("DicomStorage__tableServiceUri"))
    managed_identity_client_id: str = Field(
        default="", validation_alias=_alias("DicomStorage__clientId", "AZURE_CLIENT_ID")
    )

    blob_events: Literal["scan", "queue"] = "queue"
    """How new blobs are noticed: by a scan (the host's of containers, the app's own of buckets), or by the messages of
    Event Grid or of S3 in the queue `blob-events`."""
    watched_containers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("images",),
        validation_alias=_alias("DICOM_WATCHED_CONTAINERS", "AZURE_STORAGE_CONTAINER_NAME"),
    )
    """Containers whose blobs are indexed where they lie; separated by commas."""
    read_only_containers: Annotated[tuple[str, ...], NoDecode] = ()
    """Watched containers from which nothing is ever deleted; separated by commas."""
    archive_container: str = "archive"
    derived_container: str = "derived"
    rejected_container: str = "rejected"
    report_table: str = Field(
        default="report", validation_alias=_alias("DICOM_REPORT_TABLE", "AZURE_STORAGE_TABLE_NAME")
    )
    partition: str = "default"
    case_year_pattern: str = r"\D(\d{4})\D"
    """Where in a blob's name the year of its clinical case stands, as a regular expression."""
    case_id_pattern: str = r"(S\d+)"
    """The same of the case's id."""
    case_view_pattern: str = r"(L|R)__(CC|MLO)"
    """The same of the view: side and projection."""

    public_url: str = ""
    """Root of the service as clients see it, where a proxy in front does not say so in its headers."""
    viewer_url: str = Field(default="", pattern=r"^(?:(?:https?:/)?/.*)?$")
    """Root of the viewer that the start page links to, as URL or as path of the same origin."""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins whose pages may call, such as https://viewer.example, or * for all; separated by commas."""
    max_store_bytes: int = Field(default=4096 * _MIB, gt=0)
    """Largest body that STOW-RS takes."""
    duplicates: DuplicatePolicy = "identical-ok"
    """What becomes of an instance that is stored again at `/dicomweb`: reject, identical-ok (the same bytes count as
    stored) or replace, which keeps what was there as history."""
    store_sop_classes: Annotated[tuple[str, ...], NoDecode] = ()
    """UIDs of the SOP classes that STOW-RS takes, separated by commas; empty for all."""
    store_transfer_syntaxes: Annotated[tuple[str, ...], NoDecode] = ()
    """UIDs of the transfer syntaxes that STOW-RS takes, separated by commas; empty for all."""
    store_patient_id: Literal["required", "optional"] = "required"
    """Whether STOW-RS and upload sessions refuse instances without PatientID, as the Azure DICOM service does."""
    risk_limit: Literal["off", "low", "medium", "high"] = "off"
    """From which level on an instance that identifies its patient is kept out: not stored, and not indexed."""
    risk_action: Literal["refuse", "quarantine"] = "refuse"
    """What becomes of an instance that STOW-RS keeps out: nothing of it is kept, or it is held in a container."""
    quarantine_container: str = "quarantine"
    """Where it is held; nothing reads it."""
    lenient_search: bool = False
    """Whether searches ignore attributes that are unknown, with a warning, instead of refusing them."""
    max_transcode_bytes: int = Field(default=100 * _MIB, gt=0)
    """Largest instance, when transcoded, that is sent in another transfer syntax than it is stored in."""
    deidentify_secret: SecretStr | None = None
    """What pseudonyms, mapped UIDs and shifts of dates are made of; 16 characters at least. Nothing is de-identified
    without it, and another one gives other pseudonyms."""
    deidentify_vocabulary: Annotated[tuple[str, ...], NoDecode] = ()
    """Words that descriptions may consist of where they are cleaned; separated by commas. Any other word drops them."""
    max_deidentify_bytes: int = Field(default=100 * _MIB, gt=0)
    """Largest file that is taken to be de-identified at once."""
    poison_schedule: str = "15 */5 * * * *"
    """When what was given up is taken out of the poison queues; an NCRONTAB expression."""
    reindex_schedule: str = "0 */10 0-5 * * *"
    """When the timer reconciles, as NCRONTAB in UTC: a slice each time, until all is reconciled."""
    reindex_every_hours: float = Field(default=20, ge=0)
    """After how long the timer begins to reconcile again."""
    reindex_seconds: float = Field(default=420, gt=0, le=540)
    """How long a slice takes; a function has ten minutes."""
    search_budget_rows: int = Field(default=5000, gt=0)
    """Rows that one search may read before it is refused as too broad."""
    search_count_rows: int = Field(default=1000, ge=0)
    """Rows read past the page, at most, to know the total."""
    request_timeout_seconds: float = Field(default=30, gt=0)
    """How long one call of a storage service may take."""

    @field_validator(
        "watched_containers",
        "read_only_containers",
        "cors_origins",
        "store_sop_classes",
        "store_transfer_syntaxes",
        "deidentify_vocabulary",
        "search_omit",
        "elasticsearch_indexes",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("case_year_pattern", "case_id_pattern", "case_view_pattern")
    @classmethod
    def _are_patterns(cls, value: str) -> str:
        check_bounded(value)
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if _ORIGIN.fullmatch(origin) is None:
                raise ValueError("write an origin as https://host or https://host:port, without a path")
        return value

    @model_validator(mode="after")
    def _key_bucket_is_watched(self) -> Self:
        if self.key_bucket and self.key_bucket not in self.watched_containers:
            raise ValueError("DICOM_KEY_BUCKET (s3.bucket) must be one of DICOM_WATCHED_CONTAINERS")
        return self

    @cached_property
    def bucket_of_keys(self) -> str:
        """Where a file goes that is stored under a key and without a bucket; empty if there is no such place."""
        writable = [name for name in self.watched_containers if name not in self.read_only_containers]
        return self.key_bucket or next(iter(writable), "")

    @cached_property
    def connection_string(self) -> str | None:
        """The storage account's connection string, as given or made of account name and key."""
        if self.storage_connection_string is not None:
            return self.storage_connection_string.get_secret_value()
        if self.storage_account_name and self.storage_account_key is not None:
            key = self.storage_account_key.get_secret_value()
            return (
                f"DefaultEndpointsProtocol=https;AccountName={self.storage_account_name};AccountKey={key};"
                "EndpointSuffix=core.windows.net"
            )
        return None


def _refuse_unknown_names() -> None:
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    for field in Settings.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            known |= {str(choice).upper() for choice in field.validation_alias.choices}
    unknown = sorted(
        name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known
    )
    if unknown:
        raise SettingsError(f"unknown settings: {', '.join(unknown)}; see `python -m shared.settings`")


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: One is unknown, missing or has no meaning; values are not repeated, they may be secret.
    """
    _refuse_unknown_names()
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'settings'}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(problems) from None
