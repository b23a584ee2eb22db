"""The settings and the mapping of an index: one field for each of dicom/index/fields, and no other ever."""

from typing import Any, Final

from shared.dicom.index.fields import Kind, kinds

_TYPES: Final[dict[Kind, dict[str, str]]] = {
    Kind.TEXT: {"type": "keyword"},
    Kind.DATE: {"type": "date", "format": "yyyyMMdd"},
    Kind.INTEGER: {"type": "long"},
    Kind.NUMBER: {"type": "double"},
    Kind.BOOLEAN: {"type": "boolean"},
}


def mapping() -> dict[str, Any]:
    """Return the mapping. It is strict: a document with an unknown field is refused, and adds none."""
    properties: dict[str, Any] = {}
    for name, kind in kinds().items():
        outer, _, inner = name.partition(".")
        if inner:
            properties.setdefault(outer, {"properties": {}})["properties"][inner] = _TYPES[kind]
        else:
            properties[outer] = _TYPES[kind]
    return {"dynamic": "strict", "properties": properties}


def settings(shards: int) -> dict[str, Any]:
    """Return the settings that cannot be changed later; others are the cluster's business."""
    return {"index.number_of_shards": shards}
