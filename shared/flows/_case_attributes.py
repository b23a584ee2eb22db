"""Read year, case and view from an image's attributes, where its name does not say them. It reads no object."""

from collections.abc import Mapping
from typing import Any, Final

from shared.flows._case_name import MAX_LENGTH
from shared.records import CaseView, Json

_PATIENT_ID: Final = "00100020"
_STUDY_DATE: Final = "00080020"
_LATERALITY: Final = ("00200062", "00200060")
"""ImageLaterality, else Laterality."""
_SHARED_FUNCTIONAL_GROUPS: Final = "52009229"
_FRAME_ANATOMY_SEQUENCE: Final = "00209071"
_FRAME_LATERALITY: Final = "00209072"
"""Where an enhanced image, such as a tomosynthesis, says the side of all its frames. Source: PS3.3 2024e §C.7.6.16.2.8"""
_REPLACEMENT: Final = "\ufffd"
"""Stands for what could not be decoded: by such an id two patients might look like one."""
_VIEW_POSITION: Final = "00185101"
_VIEW_CODE_SEQUENCE: Final = "00540220"
_VIEW_MODIFIER_CODE_SEQUENCE: Final = "00540222"
_CODE_VALUE: Final = "00080100"

_VIEWS: Final = {
    "399162004": "CC",
    "R-10242": "CC",
    "399368009": "MLO",
    "R-10226": "MLO",
    "399260004": "ML",
    "R-10224": "ML",
    "399352003": "LM",
    "R-10228": "LM",
    "399099002": "LMO",
    "R-10230": "LMO",
    "399196006": "FB",
    "R-10244": "FB",
    "399188001": "SIO",
    "R-102D0": "SIO",
    "441555000": "ISO",
    "R-40AAA": "ISO",
    "399192008": "XCCL",
    "R-1024A": "XCCL",
    "399101009": "XCCM",
    "R-1024B": "XCCM",
}
"""By code, of SNOMED CT and of its older edition. Source: PS3.16 2024e CID 4014"""

_MODIFIERS: Final = {
    "399011000": "AT",
    "R-102D1": "AT",
    "399161006": "CV",
    "R-102D2": "CV",
    "399209000": "ID",
    "R-102D5": "ID",
    "399163009": "M",
    "R-102D6": "M",
    "414493004": "RI",
    "R-102CA": "RI",
    "399197002": "RL",
    "R-102D3": "RL",
    "399226006": "RM",
    "R-102D4": "RM",
    "415670009": "RS",
    "R-102C9": "RS",
    "399055006": "S",
    "R-102D7": "S",
    "399110001": "TAN",
    "R-102C2": "TAN",
}
"""By code; of any other the code itself stands. Source: PS3.16 2024e CID 4015"""


def read_case_attributes(metadata: bytes) -> CaseView | None:
    """Return the case that a mammogram's own attributes name, or None if one of them is missing.

    The year is StudyDate's, the id is PatientID. A view with modifiers, such as a spot compression, is a view by
    itself and stands in for no other.

    Args:
        metadata: Its data set as DICOM JSON.
    """
    if not _may_have_view(metadata):
        return None
    import orjson

    attributes = orjson.loads(metadata)
    case_id, date = _text(attributes, _PATIENT_ID), _text(attributes, _STUDY_DATE)
    view = read_view(attributes)
    year = date[:4]
    if not (case_id and view and len(year) == 4 and year.isascii() and year.isdigit()):
        return None
    if len(case_id) > MAX_LENGTH or _REPLACEMENT in case_id:
        return None
    return CaseView(year, case_id, view, named=False)


def read_view(attributes: Json) -> str | None:
    """Return the view, such as "L__CC", that DICOM JSON *attributes* say an image shows, if it is one of a breast."""
    side = read_side(attributes)
    projection = _text(attributes, _VIEW_POSITION).upper()
    [code, *_] = _items(attributes, _VIEW_CODE_SEQUENCE) or [{}]
    if projection not in _VIEWS.values():
        projection = _VIEWS.get(_text(code, _CODE_VALUE), "")
    if side is None or not projection:
        return None
    modifiers = [_text(item, _CODE_VALUE) for item in _items(code, _VIEW_MODIFIER_CODE_SEQUENCE)]
    names = sorted({_MODIFIERS.get(value, value)[:16] for value in modifiers if value})
    return "__".join([side, projection, *names[:4]])


def read_side(attributes: Json) -> str | None:
    """Return "L" or "R" if DICOM JSON *attributes* say that an image shows one side."""
    side = next((side for tag in _LATERALITY if (side := _text(attributes, tag))), "")
    if not side:
        groups = _items(attributes, _SHARED_FUNCTIONAL_GROUPS)[:1]
        anatomy = [item for group in groups for item in _items(group, _FRAME_ANATOMY_SEQUENCE)[:1]]
        side = "".join(_text(item, _FRAME_LATERALITY) for item in anatomy)
    return side if side in ("L", "R") else None


def _may_have_view(metadata: bytes) -> bool:
    """Tell whether it is worth parsing: most images of an archive show no breast."""
    has_side = any(f'"{tag}"'.encode() in metadata for tag in (*_LATERALITY, _FRAME_LATERALITY))
    return has_side and (b'"00185101"' in metadata or b'"00540220"' in metadata)


def _text(attributes: Mapping[str, Any], tag: str) -> str:
    values = attributes.get(tag, {}).get("Value") or [""]
    return values[0].strip() if isinstance(values[0], str) else ""


def _items(attributes: Mapping[str, Any], tag: str) -> list[Mapping[str, Any]]:
    values = attributes.get(tag, {}).get("Value") or []
    return [item for item in values if isinstance(item, dict)]
