"""The operations that search all attributes."""

from typing import Final

from functions._openapi.operation import Operation

_JSON: Final = "application/json"
_OF_A_PAGE: Final = ("limit", "after", "fields", "facets", "just_find", "index", "in-partition")

SEARCHING: Final = (
    Operation(
        "search",
        "/search",
        "Find instances by id, or by the exact values of any attributes",
        {200: (_JSON,)},
        parameters=("q", "attributes", *_OF_A_PAGE),
        failures=(400, 404, 413, 501),
    ),
    Operation(
        "search_by_query",
        "/search",
        "Find instances by a query in Elasticsearch's language; limit, after, fields, facets and just_find in the body",
        {200: (_JSON,)},
        method="post",
        parameters=("index", "in-partition"),
        body=(_JSON,),
        failures=(400, 404, 413, 501),
        role="reader",
    ),
    Operation(
        "search_file",
        "/search/file",
        "Fetch the one file that has an id, the given values, or an object key",
        {200: ("application/dicom",), 206: ("application/dicom",), 304: ()},
        parameters=(
            "q",
            "attributes",
            "object_key",
            "bucket",
            "index",
            "in-partition",
            "If-None-Match",
            "If-Range",
            "Range",
        ),
        failures=(400, 404, 413, 416, 501),
        headers=("ETag", "Content-Range"),
    ),
    Operation(
        "search_file_by_query",
        "/search/file",
        "Fetch the one file that a query in Elasticsearch's language finds",
        {200: ("application/dicom",), 206: ("application/dicom",), 304: ()},
        method="post",
        parameters=("index", "in-partition", "If-None-Match", "If-Range", "Range"),
        body=(_JSON,),
        failures=(400, 404, 413, 416, 501),
        headers=("ETag", "Content-Range"),
        role="reader",
    ),
    Operation(
        "store_search_file",
        "/search/file",
        "Store a file under an object key of one's choice; 409 where that is taken",
        {200: (_JSON,), 201: (_JSON,), 202: (_JSON,)},
        method="put",
        parameters=("object_key", "bucket", "index", "allow_overwrite", "content_type", "in-partition"),
        body=("application/dicom",),
        failures=(400, 403, 404, 409, 413, 415, 422),
    ),
    Operation(
        "delete_search_file",
        "/search/file",
        "Delete the object of a key",
        {204: ()},
        method="delete",
        parameters=("object_key", "bucket", "in-partition"),
        failures=(400, 403, 404),
    ),
    Operation(
        "rebuild_search",
        "/search/rebuild",
        "Build the search index anew, while the old one answers",
        {202: (_JSON,)},
        method="post",
        failures=(501,),
        role="admin",
    ),
)
