"""Images to decode and render: those bundled with pydicom, and ones made by hand."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pydicom.data
from pydicom.encaps import generate_frames

from shared.pixels.image_attributes import ImageAttributes, image_attributes

DATA = Path(pydicom.data.__file__).parent / "test_files"


def bundled_images() -> Iterator[tuple[str, Any]]:
    """Yield the name and the data set of every bundled file that pydicom can tell to hold an image."""
    for path in sorted(DATA.rglob("*.dcm")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                data_set = pydicom.dcmread(path)
            except pydicom.errors.InvalidDicomError:
                continue
        if "PixelData" in data_set and "TransferSyntaxUID" in data_set.file_meta and "Rows" in data_set:
            yield str(path.relative_to(DATA)), data_set


def json_of(data_set: Any) -> dict[str, Any]:
    """Return a data set as DICOM JSON, its pixel data left out."""
    kept = pydicom.Dataset({tag: data_set[tag] for tag in data_set.keys() if tag != 0x7FE00010})  # noqa: SIM118
    attributes: dict[str, Any] = kept.to_json_dict(suppress_invalid_tags=True)
    return attributes


def described(data_set: Any) -> ImageAttributes:
    """Return how the pixels of a data set are to be understood."""
    return image_attributes(json_of(data_set), pixel_tag=0x7FE00010, pixel_vr=data_set["PixelData"].VR)


def first_frame(data_set: Any) -> bytes:
    """Return the first frame as it is stored, as pydicom finds it."""
    count = int(data_set.get("NumberOfFrames") or 1)
    if data_set.file_meta.TransferSyntaxUID.is_encapsulated:
        frame: bytes = next(generate_frames(data_set.PixelData, number_of_frames=count))
        return frame
    samples = 2 if data_set.PhotometricInterpretation == "YBR_FULL_422" else data_set.SamplesPerPixel
    bits = data_set.Rows * data_set.Columns * samples * data_set.BitsAllocated
    native: bytes = data_set.PixelData[: (bits + 7) // 8]
    return native


def grey_attributes(**changes: Any) -> dict[str, Any]:
    """Return the DICOM JSON of a 16-bit grey image of 2 rows and 3 columns; *changes* are `t` and a tag, to values."""
    values: dict[str, Any] = {
        "t00280002": 1,
        "t00280004": "MONOCHROME2",
        "t00280010": 2,
        "t00280011": 3,
        "t00280100": 16,
        "t00280101": 16,
        "t00280103": 0,
        **changes,
    }
    return {name[1:]: {"vr": "US", "Value": [value]} for name, value in values.items() if value is not None}
