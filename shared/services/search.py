"""Composition of the search: which engine there is, if any, and what may enter its index."""

import hmac
from typing import TYPE_CHECKING

from pydantic import SecretStr

from shared.dicom.index.policy import IndexPolicy
from shared.errors import InvalidQueryError, SettingsError
from shared.ports.archive import StudySearch
from shared.ports.search import SearchEngine
from shared.settings.settings import Settings

if TYPE_CHECKING:
    from shared.backends.elasticsearch import ElasticsearchEngine


def index_policy(settings: Settings, partition_key: bytes = b"") -> IndexPolicy:
    """Return what of a partition may enter the search index.

    Args:
        settings: What is set.
        partition_key: A secret of the partition, of which the key of its hashes is made.

    Raises:
        SettingsError: DICOM_SEARCH_OMIT names what is no attribute.
    """
    from shared.dicom.index.keys import path_of

    try:
        omitted = frozenset(path_of(name)[0][-1] for name in settings.search_omit)
    except InvalidQueryError as error:
        raise SettingsError(f"DICOM_SEARCH_OMIT: {error}") from None
    key = hmac.digest(partition_key, b"search index", "sha256")
    return IndexPolicy(settings.search_identifying, omitted, key)


def search_engine(settings: Settings) -> "ElasticsearchEngine | None":
    """Open the search engine that *settings* name, if they name one."""
    if not settings.elasticsearch_url:
        return None
    from shared.backends.elasticsearch import ElasticsearchEngine, ElasticsearchOptions, open_elasticsearch

    client = open_elasticsearch(
        ElasticsearchOptions(
            url=settings.elasticsearch_url,
            api_key=_plain(settings.elasticsearch_api_key),
            username=settings.elasticsearch_username,
            password=_plain(settings.elasticsearch_password),
            ca_certs=settings.elasticsearch_ca_certs,
            http_compress=settings.elasticsearch_http_compress,
            timeout_seconds=settings.request_timeout_seconds,
        )
    )
    fingerprint = index_policy(settings).fingerprint
    return ElasticsearchEngine(
        client, settings.elasticsearch_index, fingerprint, shards=settings.elasticsearch_shards
    )


def study_search(
    settings: Settings, tables: StudySearch, engine: SearchEngine | None, policy: IndexPolicy, partition: str
) -> StudySearch:
    """Return what answers DICOMweb searches of a data partition.

    Raises:
        SettingsError: The search index is to help, and there is none.
    """
    if settings.search_engine == "tables":
        return tables
    if engine is None:
        raise SettingsError("DICOM_SEARCH_ENGINE=elasticsearch needs DICOM_ELASTICSEARCH_URL")
    from shared.backends.indexed_search import IndexedStudySearch

    return IndexedStudySearch(tables, engine, policy, partition)


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
