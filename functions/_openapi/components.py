"""What operations share: parameters, headers, problems. Each is declared once and referred to."""

from typing import Any, Final

type Json = dict[str, Any]

ALWAYS: Final = (401, 403, 500, 503)
"""Status codes of problems that any operation may answer."""

_UID: Final[Json] = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$", "maxLength": 64}
_TEXT: Final[Json] = {"type": "string"}
_COUNT: Final[Json] = {"type": "integer", "minimum": 0}
_DATE: Final[Json] = {"type": "string", "format": "date"}
_TIME: Final[Json] = {"type": "string", "format": "date-time"}
_BOOLEAN: Final[Json] = {"type": "boolean"}
_FRAME: Final[Json] = {"type": "integer", "minimum": 1}
_SCALE: Final[Json] = {"type": "string", "enum": ["voi", "minmax"]}

_PATH: Final[dict[str, tuple[str, Json]]] = {
    "study": ("StudyInstanceUID", _UID),
    "series": ("SeriesInstanceUID", _UID),
    "instance": ("SOPInstanceUID", _UID),
    "frame": ("Number of a frame, from 1", {"type": "integer", "minimum": 1}),
    "frames": ("Numbers of frames, from 1", {"type": "string", "pattern": "^[1-9][0-9]*(,[1-9][0-9]*)*$"}),
    "bulkdata": ("As the BulkDataURI has it", _TEXT),
    "version": ("As the history has it", _TEXT),
    "partition": ("Name of a data partition", _TEXT),
    "year": ("Year of the case", _TEXT),
    "id": ("Id of the case", _TEXT),
    "view": ("Laterality and projection, such as L__CC", _TEXT),
    "name": ("Name of a file", _TEXT),
    "job": ("Id of a job", {"type": "string", "pattern": "^[0-9a-f]{32}$"}),
    "uid": ("SOPInstanceUID", _UID),
    "container": ("Name of a container", _TEXT),
    "queue": ("Name of a queue", _TEXT),
    "number": ("Number of an item, from 1", {"type": "integer", "minimum": 1}),
}
_QUERY: Final[dict[str, tuple[str, Json]]] = {
    "limit": ("Most rows to answer", _COUNT),
    "kind": ("Of job, such as session; all unless given", _TEXT),
    "offset": ("Rows to leave out first", _COUNT),
    "cursor": ("Where the page begins, as the Link of the page before has it; not with an offset", _TEXT),
    "fuzzymatching": ("Match person names word by word", _BOOLEAN),
    "includefield": ("Attributes to answer beside the usual ones, or `all`; separated by commas", _TEXT),
    "accept": ("Goes before the Accept header", _TEXT),
    "dryRun": ("Answer as storing would, and store nothing", _BOOLEAN),
    "partition": ("Data partition that the instances lie in; the default one unless given", _TEXT),
    "toPartition": ("Data partition to store in", _TEXT),
    "toContainer": ("Container to write to", _TEXT),
    "filter": ("FILTER_PRIVATE, FILTER_HIPAA, FILTER_GDPR; several are separated by commas", _TEXT),
    "options": ("Options of PS3.15 Annex E, such as retain_uids; separated by commas", _TEXT),
    "pseudonyms": (
        "Of the archive's secret, or of a random key that is thrown away with the job, or after the file",
        {"type": "string", "enum": ["keyed", "random"]},
    ),
    "pixels": (
        "What becomes of pixels that may show text",
        {"type": "string", "enum": ["mask", "devices", "keep", "refuse"]},
    ),
    "mask": (
        "Rectangle to blank out: left,top,right,bottom in pixels; may come several times",
        {"type": "array", "items": _TEXT},
    ),
    "viewport": ("PS3.18 §8.3.5.1.3", _TEXT),
    "window": (
        "Center, width and function, PS3.18 §8.3.5.1.4; of a case's view the function may be left out",
        _TEXT,
    ),
    "preset": ("Number, from 1, or explanation of one of the image's own windows or tables", _TEXT),
    "scale": ("By window or table; or from the least stored value to the greatest", _SCALE),
    "bits": ("Of a sample", {"type": "integer", "enum": [8, 16]}),
    "frame": ("Number of a frame, from 1; the one that represents the image unless given", _FRAME),
    "view": ("Laterality and projection, where a picture is asked for", _TEXT),
    "quality": ("Of a JPEG", {"type": "integer", "minimum": 1, "maximum": 100}),
    "startTime": ("Changes from this time on", _TIME),
    "endTime": ("Changes before this time", _TIME),
    "includemetadata": ("Whether entries hold the metadata", _BOOLEAN),
    "complete": ("Whether to list the cases that lack nothing, or those that lack something", _BOOLEAN),
    "after": ("Where the page before ended, as its `next` says", _TEXT),
    "seconds": ("After how long to answer, done or not", {"type": "integer", "minimum": 1, "maximum": 200}),
    "restart": ("Whether to begin anew", _BOOLEAN),
    "force": ("Whether a pass that begins indexes settled objects again", _BOOLEAN),
    "strict": ("Whether a case that lacks anything is an error", _BOOLEAN),
    "name": ("Words of the patient's name", _TEXT),
    "patient": ("PatientID", _TEXT),
    "accession": ("AccessionNumber", _TEXT),
    "from": ("First StudyDate", _DATE),
    "to": ("Last StudyDate", _DATE),
    "keys": ("How attributes are called", {"type": "string", "enum": ["human", "numeric", "keyword"]}),
    "level": ("Least level to list", {"type": "string", "enum": ["none", "low", "medium", "high"]}),
    "q": ("Id of an instance, {study}/{series}/{instance}, or its SOP Instance UID", _TEXT),
    "fields": ("Fields to answer of each hit, separated by commas", _TEXT),
    "facets": ("Whether to count modalities, years, manufacturers and levels of risk", _BOOLEAN),
    "just_find": ("Whether to tell only how many there are", _BOOLEAN),
    "index": ("Another search index than the one that is set", _TEXT),
    "object_key": ("Name of an object", _TEXT),
    "bucket": ("Container of the object; the one of chosen keys unless given, then the archive's", _TEXT),
    "allow_overwrite": ("Whether an object that is there is replaced", _BOOLEAN),
    "content_type": ("Media type that the object is given; the one that is set unless given", _TEXT),
    "queue": ("The only queue to list", _TEXT),
    "page": ("From 1", {"type": "integer", "minimum": 1}),
}
_OF_CASES: Final[dict[str, tuple[str, Json]]] = {
    "year": ("The only year to list", _TEXT),
    "id": ("How ids begin", _TEXT),
    "limit": ("Most cases to answer", {"type": "integer", "minimum": 1, "maximum": 1000}),
}
"""Of the list of cases, where they mean something else than elsewhere."""
_SENT: Final[dict[str, tuple[str, Json]]] = {
    "Idempotency-Key": ("By which the same request is told again", _TEXT),
    "If-Match": ("ETag of what is to be replaced, or `*` for anything", _TEXT),
    "If-None-Match": ("ETags that the client has", _TEXT),
    "If-Range": ("ETag of which the client has a part", _TEXT),
    "Range": ("One range of bytes", _TEXT),
}
_HEADERS: Final[dict[str, tuple[str, Json]]] = {
    "X-Total-Count": ("How many match in all; absent where they were not counted", _COUNT),
    "Link": ("Where the next page is, as rel=next (RFC 8288)", _TEXT),
    "Warning": ("What was not done as asked, what remains, or what is missing", _TEXT),
    "Location": ("Where the status is", _TEXT),
    "ETag": ("To be sent again as If-None-Match or If-Range", _TEXT),
    "Content-Range": ("Which bytes these are", _TEXT),
}
_PROBLEM: Final[Json] = {
    "type": "object",
    "description": "RFC 9457, with a code to tell errors apart and an id to quote in reports",
    "required": ["title", "status", "code", "detail", "operation_id"],
    "properties": {
        "title": _TEXT,
        "status": {"type": "integer"},
        "code": _TEXT,
        "detail": _TEXT,
        "operation_id": _TEXT,
    },
}


def components() -> Json:
    """Return all that is referred to, by kind and name."""
    return {
        "parameters": {
            **{f"path-{name}": _parameter("path", name, *about) for name, about in _PATH.items()},
            **{name: _parameter("query", name, *about) for name, about in _QUERY.items()},
            **{f"case-{name}": _parameter("query", name, *about) for name, about in _OF_CASES.items()},
            **{name: _parameter("header", name, *about) for name, about in _SENT.items()},
            "in-partition": _parameter("query", "partition", "Name of a data partition", _TEXT),
            "attributes": {
                "name": "attributes",
                "in": "query",
                "description": "Attributes to match, each by keyword or tag, such as PatientID=P1 or 00100020=P1",
                "style": "form",
                "explode": True,
                "schema": {"type": "object", "additionalProperties": _TEXT},
            },
        },
        "headers": {
            name: {"description": description, "schema": schema}
            for name, (description, schema) in _HEADERS.items()
        },
        "schemas": {
            "Problem": _PROBLEM,
            "DicomJson": {"description": "The DICOM JSON Model, PS3.18 §F", "type": ["array", "object"]},
        },
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
            "key-in-query": {"type": "apiKey", "in": "query", "name": "code"},
            "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        },
    }


def _parameter(place: str, name: str, description: str, schema: Json) -> Json:
    declared = {"name": name, "in": place, "description": description, "schema": schema}
    return declared | {"required": True} if place == "path" else declared
