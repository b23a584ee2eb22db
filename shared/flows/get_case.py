"""Put together one clinical case: its views, its report, and what is missing of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.case_ports import CaseIndex, Reports
from shared.errors import CaseNotFoundError, InstanceNotFoundError
from shared.flows._case_name import VIEWS
from shared.flows._in_parallel import in_parallel
from shared.flows._urls import instance_url
from shared.ports import InstanceIndex
from shared.records import CaseImage, Json

_ROWS: Final = "00280010"
_COLUMNS: Final = "00280011"
_PIXEL_SPACING: Final = ("00280030", "00181164")
"""PixelSpacing, else ImagerPixelSpacing, which is all that a projection has."""
_CONCURRENT: Final = 8


@dataclass(frozen=True, slots=True)
class CasePorts:
    """What a case is put together from."""

    cases: CaseIndex
    reports: Reports
    index: InstanceIndex


async def get_case(
    year: int | str, case_id: str, *, service_url: str, ports: CasePorts, strict: bool = False
) -> dict[str, Any]:
    """Return the case of exactly this year and id, as JSON.

    Of several images of one view the first by object name is in "views", the others in "duplicates". Spacing is that
    of rows, then columns, in mm.

    Args:
        year: As number or text.
        case_id: Such as "S0000001".
        service_url: Public root of the DICOMweb service, for URLs.
        ports: Where to look.
        strict: Whether a case that lacks anything is an error.

    Raises:
        CaseNotFoundError: There is no image and no report of it; or with *strict*, something is missing.
    """
    report = await ports.reports.get(str(year), case_id)
    images = await ports.cases.images_of(str(year), case_id)

    async def describe(image: CaseImage) -> dict[str, Any] | None:
        return await _describe(image, service_url, ports.index)

    found = [image for image in await in_parallel(describe, images, limit=_CONCURRENT) if image is not None]
    views: dict[str, dict[str, Any]] = {}
    for image in found:
        views.setdefault(image["view"], image)
    missing = [view for view in VIEWS if view not in views] + (["report"] if report is None else [])
    is_empty = not found and report is None
    if is_empty or (strict and missing):
        raise CaseNotFoundError(f"case {case_id} of {year} lacks {', '.join(missing)}")
    return {
        "year": str(year),
        "id": case_id,
        "views": views,
        "duplicates": [image for image in found if image is not views[image["view"]]],
        "report": report,
        "missing": missing,
    }


async def _describe(image: CaseImage, service_url: str, index: InstanceIndex) -> dict[str, Any] | None:
    """Return what there is to say of an image; None if its instance has just gone."""
    import orjson

    try:
        record = await index.get(image.ref)
    except InstanceNotFoundError:
        return None
    metadata = orjson.loads(record.metadata)
    return {
        "view": image.view,
        "container": image.key.container,
        "name": image.key.name,
        "study_instance_uid": image.ref.study_instance_uid,
        "series_instance_uid": image.ref.series_instance_uid,
        "sop_instance_uid": image.ref.sop_instance_uid,
        "url": instance_url(service_url, image.ref),
        "rows": _first(metadata, _ROWS),
        "columns": _first(metadata, _COLUMNS),
        "pixel_spacing": next(
            (metadata[tag]["Value"] for tag in _PIXEL_SPACING if _first(metadata, tag) is not None), None
        ),
    }


def _first(metadata: Json, tag: str) -> Any:
    attribute: Mapping[str, Any] = metadata.get(tag, {})
    return next(iter(attribute.get("Value", ())), None)
