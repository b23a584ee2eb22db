"""Settings of the search index. Opens no client."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode


class SearchSettings(BaseSettings):
    """Where the search index is kept, if anywhere, and what of the archive enters it."""

    search_engine: Literal["tables", "elasticsearch"] = "tables"
    """Who helps with DICOMweb searches that the tables have no key for: nobody, or the search index."""
    elasticsearch_url: str = Field(default="", pattern=r"^(?:https?://[^\s@]+)?$")
    """Of Elasticsearch 8 or 9, without credentials; empty for none: then the tables answer what they can."""
    elasticsearch_index: str = Field(default="dicom-functions", pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")
    """Alias under which the index is known in the cluster; names of its builds begin with it."""
    elasticsearch_indexes: Annotated[tuple[str, ...], NoDecode] = ()
    """Aliases of further indices of the same make that a search may name; separated by commas."""
    elasticsearch_api_key: SecretStr | None = None
    """Goes before a user and password. It may create, write, read and delete indices whose names begin so."""
    elasticsearch_username: str = ""
    elasticsearch_password: SecretStr | None = None
    elasticsearch_ca_certs: str = ""
    """File of the certificates (PEM) that the cluster's is checked against; empty for the usual ones."""
    elasticsearch_http_compress: bool = False
    """Whether requests are compressed."""
    elasticsearch_shards: int = Field(default=1, gt=0, le=128)
    """Primary shards of the index; what replicas there are is the cluster's business."""
    search_identifying: Literal["plain", "hashed", "omitted"] = "hashed"
    """How attributes that identify a patient enter the search index: as they are, as keyed hashes, which are found by
    exact value only, or not at all. Another value builds the index anew."""
    search_omit: Annotated[tuple[str, ...], NoDecode] = ()
    """Further attributes that never enter it, by keyword, name or number; separated by commas."""
