"""Make DICOM files for tests, small and real: pydicom writes them."""

import io
from typing import Any

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless

STUDY = "1.2.3"
SERIES = "1.2.3.1"
CT = str(CTImageStorage)


def make_data_set(number: int = 1, *, study: str = STUDY, series: str = SERIES, **attributes: Any) -> Dataset:
    """Return a data set of instance *number*; an attribute given as None is left out."""
    data_set = Dataset()
    values = {
        "SOPClassUID": CT,
        "SOPInstanceUID": f"{series}.{number}",
        "StudyDate": "20240131",
        "Modality": "CT",
        "PatientName": "DOE^JANE",
        "PatientID": "P/1#",
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "InstanceNumber": number,
        **attributes,
    }
    with disable_value_validation():  # wrong values are what some tests are about
        for keyword, value in values.items():
            if value is not None:
                setattr(data_set, keyword, value)
    return data_set


def add_pixels(
    data_set: Dataset, frames: list[bytes], *, rows: int, columns: int, encapsulated: bool = False
) -> Dataset:
    """Add 8-bit grey frames to *data_set*; of encapsulated ones the bytes are taken to be compressed already."""
    data_set.SamplesPerPixel = 1
    data_set.PhotometricInterpretation = "MONOCHROME2"
    data_set.NumberOfFrames = len(frames)
    data_set.Rows = rows
    data_set.Columns = columns
    data_set.BitsAllocated = data_set.BitsStored = 8
    data_set.HighBit = 7
    data_set.PixelRepresentation = 0
    data_set.PixelData = encapsulate(frames) if encapsulated else b"".join(frames)
    data_set["PixelData"].VR = "OB"
    return data_set


def to_file(
    data_set: Dataset, *, transfer_syntax_uid: str = ExplicitVRLittleEndian, **file_meta: Any
) -> bytes:
    """Return *data_set* as a Part 10 file; *file_meta* overrides what its file meta information says."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = transfer_syntax_uid
    meta.MediaStorageSOPClassUID = file_meta.get("MediaStorageSOPClassUID", data_set.get("SOPClassUID") or CT)
    meta.MediaStorageSOPInstanceUID = file_meta.get(
        "MediaStorageSOPInstanceUID", data_set.get("SOPInstanceUID") or "1.2.9"
    )
    if transfer_syntax_uid == RLELossless and "PixelData" in data_set:
        data_set["PixelData"].is_undefined_length = True
    buffer = io.BytesIO()
    FileDataset(buffer, data_set, file_meta=meta, preamble=b"\0" * 128).save_as(
        buffer, enforce_file_format=False
    )
    return buffer.getvalue()


def make_file(number: int = 1, **attributes: Any) -> bytes:
    """Return a file of instance *number* without pixels."""
    return to_file(make_data_set(number, **attributes))
