"""Make the client: where the cluster is, how it is asked and how it knows who asks. It asks for nothing itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.errors import SettingsError

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

_RETRIES: Final = 2
"""Of requests that do not reach the cluster. What it answers is looked at by who asked."""


@dataclass(frozen=True, slots=True)
class ElasticsearchOptions:
    """How the cluster is reached; empty texts are not sent."""

    url: str
    api_key: str = ""
    username: str = ""
    password: str = ""
    ca_certs: str = ""
    http_compress: bool = False
    timeout_seconds: float = 30


def open_elasticsearch(options: ElasticsearchOptions, **more: Any) -> "AsyncElasticsearch":
    """Return a client, to be made inside the running loop.

    Args:
        options: How the cluster is reached.
        more: Options of the client, such as `node_class`.

    Raises:
        SettingsError: The address or the file of certificates cannot be read.
    """
    from elasticsearch import AsyncElasticsearch

    given: dict[str, Any] = {
        "request_timeout": options.timeout_seconds,
        "max_retries": _RETRIES,
        "retry_on_timeout": False,
        "retry_on_status": (),
        "http_compress": options.http_compress,
    }
    if options.api_key:
        given["api_key"] = options.api_key
    elif options.username:
        given["basic_auth"] = (options.username, options.password)
    if options.ca_certs:
        given["ca_certs"] = options.ca_certs
    try:
        return AsyncElasticsearch(options.url, **given, **more)
    except (ValueError, OSError) as error:
        raise SettingsError(
            f"Elasticsearch cannot be reached as set ({type(error).__name__}): look at DICOM_ELASTICSEARCH_URL "
            "and DICOM_ELASTICSEARCH_CA_CERTS"
        ) from None
