"""Settings of the S3 store, and the forerunner's `config.json`. Opens no store."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from shared.errors import SettingsError

_OF_THE_FORERUNNER = {
    "s3.url": "s3_endpoint",
    # So they are spelt in every file that there is.
    "s3.acces_key_id": "s3_access_key_id",
    "s3.access_key_id": "s3_access_key_id",
    "s3.sercret_access_key": "s3_secret_access_key",
    "s3.secret_access_key": "s3_secret_access_key",
    "s3.bucket": "key_bucket",
    "s3.content_type": "s3_content_type",
    "s3.index": "elasticsearch_index",
    "es.http_compress": "elasticsearch_http_compress",
}
_ADDRESS_OF_SEARCH = ("es.url", "es.port", "es.scheme")
_NEVER_READ = "s3.account"


class S3Settings(BaseSettings):
    """Where objects are kept, and how an S3 service is reached; empty texts leave the choice to boto3."""

    object_store: Literal["azure", "s3"] = "azure"
    """Which service keeps the objects; tables and queues stay on Azure Storage."""
    s3_endpoint: str = Field(default="", pattern=r"^(?:https?://\S+)?$")
    """URL of the S3 service; empty for Amazon's."""
    s3_region: str = ""
    s3_access_key_id: SecretStr | None = None
    """Without it boto3 looks where it always does: AWS_ACCESS_KEY_ID, profiles, roles."""
    s3_secret_access_key: SecretStr | None = None
    s3_session_token: SecretStr | None = None
    s3_ca_bundle: str = ""
    """File of the certificates (PEM) that the service's is checked against; empty for the usual ones."""
    s3_addressing: Literal["auto", "path", "virtual"] = "auto"
    """Whether the bucket stands in the path of a URL or in its host."""
    s3_keys: Literal["flat", "folders"] = "flat"
    """How the service keeps names: as they are, or as paths of files in folders, as SeaweedFS does."""
    s3_checksums: Literal["when_required", "when_supported"] = "when_required"
    """When boto3 adds its own checksums, which not every service understands."""
    s3_bucket_prefix: str = ""
    """What the name of a container's bucket begins with, before the container's own name."""
    s3_content_type: str = "application/dicom"
    """Content type of DICOM objects that are stored."""
    key_bucket: str = ""
    """Where files go whose names their senders choose: one of the watched containers; empty for the first of them."""
    s3_connections: int = Field(default=32, gt=0, le=512)
    """Most requests to the service at a time."""
    config_file: str = ""
    """A config.json of cortx_dicom, in JSON; every other setting goes before what it says."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the forerunner's file last: parameter, environment, `.env`, file, default."""
        return init_settings, env_settings, dotenv_settings, _ForerunnerSource(settings_cls)


class _ForerunnerSource(PydanticBaseSettingsSource):
    """What the file that the setting `config_file` names says of settings that there are."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return nothing: the file is read as a whole."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return settings by their names."""
        path = self.current_state.get("config_file")
        if not path:
            return {}
        found = read_forerunner_config(Path(path))
        return {name: value for name, value in found.items() if name in self.settings_cls.model_fields}


def read_forerunner_config(path: Path) -> dict[str, Any]:
    """Return what a `config.json` of cortx_dicom says, by the names of settings.

    Keys stand as `s3.url` or as `url` in an object `s3`. A file with an S3 address chooses S3 as the store.

    Raises:
        SettingsError: There is no such file, it is no JSON object, or it has a key that the forerunner did not know;
            values are not repeated.
    """
    try:
        read = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"DICOM_CONFIG_FILE cannot be read as JSON ({type(error).__name__})") from None
    if not isinstance(read, dict):
        raise SettingsError("DICOM_CONFIG_FILE holds no JSON object")
    values = {
        name: value
        for key, inner in read.items()
        for name, value in (_dotted(key, inner) if isinstance(inner, dict) else {key: inner}).items()
    }
    unknown = sorted(values.keys() - _OF_THE_FORERUNNER.keys() - {*_ADDRESS_OF_SEARCH, _NEVER_READ})
    if unknown:
        raise SettingsError(f"DICOM_CONFIG_FILE has unknown keys: {', '.join(unknown)}")
    settings = {_OF_THE_FORERUNNER[key]: value for key, value in values.items() if key in _OF_THE_FORERUNNER}
    if "key_bucket" in settings:
        # It held what users had put there, under names of theirs: what is called a watched container here.
        settings["watched_containers"] = (settings["key_bucket"],)
    if "s3_endpoint" in settings:
        settings["object_store"] = "s3"
    if "es.url" in values:
        settings["elasticsearch_url"] = _address(values)
    return settings


def _dotted(group: str, inner: dict[str, Any]) -> dict[str, Any]:
    return {f"{group}.{key}": value for key, value in inner.items()}


def _address(values: dict[str, Any]) -> str:
    scheme, separator, host = str(values["es.url"]).rpartition("://")
    scheme = scheme if separator else str(values.get("es.scheme", "http"))
    port = f":{values['es.port']}" if "es.port" in values else ""
    return f"{scheme}://{host.rstrip('/')}{port}"
