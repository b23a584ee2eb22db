"""Settings of imports: which archives there are to take instances from. Asks none."""

import json
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

type SourceKind = Literal["orthanc", "dicomweb", "study-list"]


class ImportSourceSettings(BaseModel):
    """One archive that imports may name; files are of this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: SourceKind
    url: str = Field(pattern=r"^https?://[^\s@?#]+$")
    files_url: str = Field(default="", pattern=r"^(?:https?://[^\s@?#]+)?$")
    username: str = ""
    password: SecretStr = SecretStr("")
    bearer: SecretStr = SecretStr("")
    certificate: str = ""
    private_key: str = ""
    ca_certs: str = ""

    @model_validator(mode="after")
    def _has_files(self) -> Self:
        if (self.kind == "study-list") != bool(self.files_url):
            raise ValueError("a study-list, and nothing else, has a files_url: the root of its Orthanc")
        return self

    @model_validator(mode="after")
    def _keeps_credentials(self) -> Self:
        secret = self.password.get_secret_value() or self.bearer.get_secret_value()
        if secret and any(_is_open(url) for url in (self.url, self.files_url)):
            raise ValueError("where credentials are sent a URL begins with https://, but on this machine")
        return self


def _is_open(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")


class ImportSettings(BaseSettings):
    """Where imports may take instances from, and how hard they may ask."""

    import_sources: Annotated[dict[str, ImportSourceSettings], NoDecode] = {}
    """Archives to import from, as a JSON object of objects, by name: kind (orthanc, dicomweb, study-list), url,
    files_url (of the Orthanc of a study-list), username and password, or bearer, certificate and private_key (files,
    PEM), ca_certs (file)."""
    import_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Hosts, or host:port, whose URL a request may give itself, without credentials; separated by commas."""
    import_loopback: bool = False
    """Whether a source may be on the machine that the app runs on."""
    import_connections: int = Field(default=8, gt=0, le=64)
    """Most requests to one source at a time, and instances of one study under way."""
    import_attempts: int = Field(default=5, gt=0, le=20)
    """How often a source is asked before it counts as not answering."""
    import_seconds: float = Field(default=240, gt=0, le=540)
    """After how long an import goes on in another invocation."""

    @field_validator("import_sources", mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            read: Any = json.loads(value or "{}")
        except ValueError:
            raise ValueError("it is no JSON") from None
        return read

    @field_validator("import_sources")
    @classmethod
    def _are_named(cls, value: dict[str, ImportSourceSettings]) -> dict[str, ImportSourceSettings]:
        for name in value:
            if not (name.isascii() and name.replace("-", "").isalnum() and len(name) <= 50):
                raise ValueError("names of sources are ASCII letters, digits and dashes, 50 at most")
        return value

    @field_validator("import_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(host.strip().lower() for host in value.split(",") if host.strip())
        return value
