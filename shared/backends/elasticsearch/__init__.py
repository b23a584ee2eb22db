"""The search index on Elasticsearch, by its official client."""

from shared.backends.elasticsearch.client import ElasticsearchOptions, open_elasticsearch
from shared.backends.elasticsearch.engine import ElasticsearchEngine

__all__ = ["ElasticsearchEngine", "ElasticsearchOptions", "open_elasticsearch"]
