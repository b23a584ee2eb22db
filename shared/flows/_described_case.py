"""Say in JSON what there is to say of a clinical case. Reads no object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from shared.dicom.hanging import hanging
from shared.errors import DamagedDicomError, NotAcceptableError
from shared.flows._case_images import FoundCase, FoundImage
from shared.flows._pixel_attributes import pixel_attributes
from shared.flows._stored_image import representative_frame
from shared.flows._urls import instance_url, version_url
from shared.pixels.grey import padding_range
from shared.pixels.image_attributes import (
    Attributes,
    finite_numbers,
    first_number,
    first_text,
    frame_attributes,
    items,
    texts,
)
from shared.pixels.presets import presets_of

_PIXEL_SPACING: Final = ("00280030", "00181164")
"""PixelSpacing, else ImagerPixelSpacing, which is all that a projection has."""
_WINDOWED_BITS: Final = (8, 16)


@dataclass(frozen=True, slots=True)
class CaseUrls:
    """Public roots without a trailing slash: of the DICOMweb service, and of the cases."""

    service: str
    cases: str


def describe_case(case: FoundCase, urls: CaseUrls) -> dict[str, Any]:
    """Return a case as JSON: spacing is that of rows, then columns, in mm; sizes are in bytes."""
    return {
        "year": case.year,
        "id": case.case_id,
        "url": _case_url(case, urls),
        "views": {view: _describe(found, case, urls) for view, found in case.views.items()},
        "duplicates": [_describe(found, case, urls, is_shown=False) for found in case.duplicates],
        "report": case.report,
        "missing": case.missing,
    }


def _case_url(case: FoundCase, urls: CaseUrls) -> str:
    return f"{urls.cases}/{quote(case.year, safe='')}/{quote(case.case_id, safe='')}"


def _describe(found: FoundImage, case: FoundCase, urls: CaseUrls, *, is_shown: bool = True) -> dict[str, Any]:
    import orjson

    image, record = found.image, found.record
    attributes: Attributes = orjson.loads(record.metadata)
    url = instance_url(urls.service, image.ref)
    picture: str | None = f"{url}/rendered" if found.served else None
    if is_shown:
        picture = f"{_case_url(case, urls)}/views/{quote(image.view, safe='')}"
    turned = hanging(image.view, texts(attributes, "00200020"))
    frame = None if record.layout is None else representative_frame(record, attributes)
    return {
        "view": image.view,
        "container": image.key.container,
        "name": image.key.name,
        "study_instance_uid": image.ref.study_instance_uid,
        "series_instance_uid": image.ref.series_instance_uid,
        "sop_instance_uid": image.ref.sop_instance_uid,
        "transfer_syntax_uid": record.transfer_syntax_uid,
        "url": url if found.served else version_url(urls.service, record),
        "served": found.served,
        "picture": None if record.layout is None else picture,
        "size": record.location.length,
        "rows": first_number(attributes, "00280010"),
        "columns": first_number(attributes, "00280011"),
        "pixel_spacing": next((said for tag in _PIXEL_SPACING if (said := _spacing(attributes, tag))), None),
        "number_of_frames": 0 if record.layout is None else record.layout.number_of_frames,
        "frame_number": frame,
        "flip_horizontally": turned.flip_horizontally,
        "flip_vertically": turned.flip_vertically,
        **_grey(found, frame_attributes(attributes, frame or 1)),
    }


def _spacing(attributes: Attributes, tag: str) -> list[float | None] | None:
    """Return a spacing if it is of rows and columns: half of one would be shown as both."""
    said = finite_numbers(attributes, tag)
    return said if len(said) == 2 and all(said) else None


def _grey(found: FoundImage, attributes: Attributes) -> dict[str, Any]:
    """Say how grey values are shown: the image's presets, and how its stored values are to be read.

    The latter is None where they are none that a window can be put on by rescale alone, and where DICOMweb would answer
    the values of another object.
    """
    record = found.record
    if record.layout is None:
        return {"presets": [], "values": None}
    try:
        image = pixel_attributes(record, record.layout, attributes)
    except (DamagedDicomError, NotAcceptableError):
        return {"presets": [], "values": None}
    if not image.is_grey:
        return {"presets": [], "values": None}
    presets = [
        {
            "explanation": preset.explanation,
            "center": preset.window and preset.window.center,
            "width": preset.window and preset.window.width,
            "function": preset.window and preset.window.function.value,
        }
        for preset in presets_of(attributes)
    ]
    is_windowed = (
        found.served
        and image.pixel_keyword == "PixelData"
        and image.bits_allocated in _WINDOWED_BITS
        and not items(attributes, "00283000")
    )
    slope, intercept = first_number(attributes, "00281053"), first_number(attributes, "00281052")
    values: Mapping[str, Any] = {
        "bits_allocated": image.bits_allocated,
        "bits_stored": image.bits_stored,
        "is_signed": image.pixel_representation == 1,
        "slope": 1.0 if slope is None else slope,
        "intercept": intercept or 0.0,
        "is_inverted": first_text(attributes, "00280004") == "MONOCHROME1",
        "padding": padding_range(
            attributes, bits=image.bits_allocated, is_signed=image.pixel_representation == 1
        ),
    }
    return {"presets": presets, "values": values if is_windowed else None}
