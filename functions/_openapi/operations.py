"""Every operation of the HTTP surface, as data. A test holds it to the routes of the functions; it handles nothing."""

from typing import Final

from functions._openapi.deidentification import DEIDENTIFICATION
from functions._openapi.operation import Operation

__all__ = ["DICOMWEB", "DICOM_JSON", "OTHERS", "Operation"]

DICOM_JSON: Final = "application/dicom+json"
JSON: Final = "application/json"
_DICOM: Final = "application/dicom"
_BYTES: Final = "application/octet-stream"
_SEVERAL_INSTANCES: Final = 'multipart/related; type="application/dicom"'
_ZIP: Final = "application/zip"
_PICTURE_PARTS: Final = ('multipart/related; type="image/jpeg"', 'multipart/related; type="image/png"')
_COMPRESSED_FRAMES: Final = (
    "image/jp2",
    "image/jpeg",
    "image/jls",
    "image/jpx",
    "image/jphc",
    "image/dicom-rle",
    'multipart/related; type="image/jp2"',
)
_SEVERAL_BYTES: Final = 'multipart/related; type="application/octet-stream"'

_SERIES: Final = "/studies/{study}/series/{series}"
_INSTANCE: Final = f"{_SERIES}/instances/{{instance}}"
_LEVELS: Final = {"study": "/studies/{study}", "series": _SERIES, "instance": _INSTANCE}
_SHOWN: Final = {**_LEVELS, "frame": f"{_INSTANCE}/frames/{{frame}}"}
_VIEW: Final = ("bits", "scale", "window", "preset", "frame", "viewport")
_CHANGES: Final = ("startTime", "endTime", "includemetadata")


def _search(name: str, path: str, summary: str) -> Operation:
    return Operation(
        name,
        path,
        summary,
        {200: (DICOM_JSON, JSON), 204: ()},
        parameters=("limit", "offset", "cursor", "fuzzymatching", "includefield", "attributes", "accept"),
        failures=(400, 404, 406, 413),
        headers=("X-Total-Count", "Warning", "Link"),
    )


def _store(name: str, path: str, summary: str, method: str = "post") -> Operation:
    return Operation(
        name,
        path,
        summary,
        {200: (DICOM_JSON,), 202: (DICOM_JSON,), 204: (), 409: (DICOM_JSON,)},
        method=method,
        parameters=("dryRun", "accept"),
        body=(_SEVERAL_INSTANCES, _DICOM),
        failures=(400, 404, 406, 413, 415),
    )


def _retrieve(level: str, path: str) -> Operation:
    return Operation(
        f"retrieve_{level}",
        path,
        f"Retrieve the instances of the {level}; 206 if some of them cannot be read any more",
        {200: (_SEVERAL_INSTANCES, _ZIP), 206: (_SEVERAL_INSTANCES, _ZIP)},
        parameters=("accept",),
        failures=(400, 404, 406, 422),
        headers=("Warning",),
    )


def _kept(
    name: str,
    path: str,
    summary: str,
    forms: tuple[str, ...],
    *parameters: str,
    failures: tuple[int, ...] = (400, 404, 406),
) -> Operation:
    """Declare an answer that a client may keep and ask after."""
    return Operation(
        name,
        path,
        summary,
        {200: forms, 304: ()},
        parameters=(*parameters, "accept", "If-None-Match"),
        failures=failures,
        headers=("ETag",),
    )


def _rendered(level: str, path: str) -> Operation:
    forms: tuple[str, ...] = ("image/jpeg", "image/png", *_PICTURE_PARTS)
    if level != "frame":
        forms += ("application/pdf", "video/mp4", "video/mpeg")
    summary = f"Show the {level} as a picture, document or video"
    path = path.replace("{frame}", "{frames}")
    return Operation(
        f"rendered_{level}",
        f"{path}/rendered",
        f"{summary}; 206 if some of its instances are none and the others come as parts",
        {200: forms, 206: _PICTURE_PARTS, 304: ()},
        parameters=("viewport", "window", "quality", "accept", "If-None-Match"),
        failures=(400, 404, 406, 422),
        headers=("ETag", "Warning"),
    )


def _delete(level: str, path: str) -> Operation:
    return Operation(
        f"delete_{level}",
        path,
        f"Delete the {level}",
        {204: ()},
        method="delete",
        failures=(400, 403, 404),
    )


DICOMWEB: Final = (
    _search("search_studies", "/studies", "Search studies"),
    _search("search_series", "/series", "Search series of all studies"),
    _search("search_instances", "/instances", "Search instances of all studies"),
    _search("search_study_series", "/studies/{study}/series", "Search the series of a study"),
    _search("search_study_instances", "/studies/{study}/instances", "Search the instances of a study"),
    _search("search_series_instances", f"{_SERIES}/instances", "Search the instances of a series"),
    _store("store", "/studies", "Store instances"),
    _store("store_study", "/studies/{study}", "Store instances of a study"),
    _store("replace", "/studies", "Store instances, in place of those that are there", "put"),
    _store(
        "replace_study",
        "/studies/{study}",
        "Store instances of a study, in place of those that are there",
        "put",
    ),
    _retrieve("study", "/studies/{study}"),
    _retrieve("series", _SERIES),
    Operation(
        "retrieve_instance",
        _INSTANCE,
        "Retrieve an instance, or a range of its bytes",
        {200: (_DICOM, _SEVERAL_INSTANCES, _ZIP), 206: (_DICOM,), 304: ()},
        parameters=("accept", "Range", "If-Range", "If-None-Match"),
        failures=(400, 404, 406, 416, 422),
        headers=("ETag", "Content-Range"),
    ),
    *(
        _kept(
            f"metadata_{level}",
            f"{path}/metadata",
            f"Retrieve the metadata of the {level}",
            (DICOM_JSON, JSON),
        )
        for level, path in _LEVELS.items()
    ),
    Operation(
        "frames",
        f"{_INSTANCE}/frames/{{frames}}",
        "Retrieve frames; several are separated by commas",
        {200: (_SEVERAL_BYTES, _BYTES, *_COMPRESSED_FRAMES)},
        parameters=("accept",),
        failures=(400, 404, 406),
    ),
    Operation(
        "bulkdata",
        f"{_INSTANCE}/bulkdata/{{bulkdata}}",
        "Retrieve a value that metadata names by its BulkDataURI; the last parameter may hold slashes",
        {200: (_BYTES, _SEVERAL_BYTES)},
        parameters=("accept",),
        failures=(400, 404, 406),
    ),
    Operation(
        "history",
        f"{_INSTANCE}/history",
        "List the versions of an instance, the current one first",
        {200: (JSON,)},
        parameters=("accept",),
        failures=(400, 404, 406),
    ),
    Operation(
        "version",
        f"{_INSTANCE}/history/{{version}}",
        "Retrieve a version of an instance, or a range of its bytes, as it is stored",
        {200: (_DICOM,), 206: (_DICOM,), 304: ()},
        parameters=("accept", "Range", "If-Range", "If-None-Match"),
        failures=(400, 404, 406, 416),
        headers=("ETag", "Content-Range"),
    ),
    *(
        Operation(
            f"bulkdata_{level}",
            f"{path}/bulkdata",
            f"Retrieve every value of the {level} that metadata names by a BulkDataURI",
            {200: (_SEVERAL_BYTES,)},
            parameters=("accept",),
            failures=(400, 404, 406),
        )
        for level, path in _LEVELS.items()
    ),
    *(_rendered(level, path) for level, path in _SHOWN.items()),
    *(
        _kept(
            f"thumbnail_{level}",
            f"{path}/thumbnail",
            f"Show the {level} small",
            ("image/jpeg",),
            "viewport",
            failures=(400, 404, 406, 422),
        )
        for level, path in _SHOWN.items()
    ),
    *(_delete(level, path) for level, path in _LEVELS.items()),
    Operation(
        "changes",
        "/changefeed",
        "List changes in their order",
        {200: (JSON,)},
        parameters=("limit", "offset", *_CHANGES),
        failures=(400,),
        in_partitions=False,
    ),
    Operation(
        "latest_change",
        "/changefeed/latest",
        "Return the newest change",
        {200: (JSON,), 204: ()},
        parameters=("includemetadata",),
        failures=(400,),
        in_partitions=False,
    ),
    Operation("partitions", "/partitions", "List the data partitions", {200: (JSON,)}, in_partitions=False),
)
"""What every root of the DICOMweb service has."""

OTHERS: Final = (
    _kept(
        "case_view",
        "/cases/{year}/{id}/views/{view}",
        "Show one view of a clinical case",
        ("image/png",),
        *_VIEW,
    ),
    *DEIDENTIFICATION,
    Operation(
        "page_asset",
        "/ui/{name}",
        "Return a style or a script of the pages",
        {200: ("text/css", "text/javascript"), 304: ()},
        parameters=("If-None-Match",),
        failures=(404,),
        headers=("ETag",),
        role="",
    ),
    Operation(
        "health",
        "/health",
        "Tell of each dependency whether it answers",
        {200: (JSON,), 503: (JSON,)},
        role="",
    ),
    Operation(
        "health_check",
        "/health/check",
        "The same, where the Azure DICOM service has it",
        {200: (JSON,), 503: (JSON,)},
    ),
    Operation(
        "start_page",
        "/ui",
        "Show the studies to people",
        {200: ("text/html",), 400: ("text/html",), 413: ("text/html",), 503: ("text/html",)},
        parameters=("name", "patient", "accession", "from", "to", "page"),
    ),
    Operation(
        "openapi",
        "/openapi.json",
        "Return this document",
        {200: (JSON,)},
        role="",
    ),
)
"""What stands beside the DICOMweb service."""
