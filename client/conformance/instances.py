"""Make the instances that checks store: valid unless a check wants otherwise, each with UIDs of its own."""

import io
import secrets
from typing import Any

from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


def new_instance(like: Dataset | None = None, **attributes: Any) -> Dataset:
    """Return a CT slice of 8 by 8 pixels.

    Args:
        like: An instance whose study, series and patient it shares.
        **attributes: Keywords with their values; None takes an attribute away.
    """
    data_set = Dataset()
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    values: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": generate_uid(),
        "StudyInstanceUID": like.StudyInstanceUID if like else generate_uid(),
        "SeriesInstanceUID": like.SeriesInstanceUID if like else generate_uid(),
        "StudyDate": "20240115",
        "StudyTime": "101500",
        "AccessionNumber": secrets.token_hex(6),
        "Modality": "CT",
        "StudyDescription": "LEFT KNEE WITHOUT CONTRAST",
        "SeriesDescription": "AXIAL",
        "PatientName": "Smith^John",
        "PatientID": like.PatientID if like else f"CONF{secrets.token_hex(6)}",
        "PatientBirthDate": "19700101",
        "PatientSex": "O",
        "StudyID": "1",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "Rows": 8,
        "Columns": 8,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "PixelData": bytes(range(64)),
    }
    with disable_value_validation():  # wrong values are what some checks are about
        for keyword, value in (values | attributes).items():
            if value is not None:
                setattr(data_set, keyword, value)
    return data_set


def encapsulated(data_set: Dataset, transfer_syntax_uid: str, frame: bytes) -> Dataset:
    """Make *frame*, which nothing need decode, the pixel data of *data_set*."""
    data_set.file_meta.TransferSyntaxUID = transfer_syntax_uid
    data_set.PixelData = encapsulate([frame])
    data_set["PixelData"].VR = "OB"
    return data_set


def bundled_instance(name: str) -> Dataset:
    """Return a file that comes with pydicom, under UIDs of its own."""
    data_set = dcmread(get_testdata_file(name, download=False))
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(data_set, keyword, generate_uid())
    return data_set


def file_of(data_set: Dataset) -> bytes:
    """Return *data_set* as a DICOM file."""
    meta = data_set.file_meta
    meta.MediaStorageSOPClassUID = data_set.get("SOPClassUID", CTImageStorage)
    meta.MediaStorageSOPInstanceUID = data_set.get("SOPInstanceUID", "1.2.3")
    buffer = io.BytesIO()
    with disable_value_validation():
        data_set.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def path_of(data_set: Dataset, level: str = "instance") -> str:
    """Return the path of the data set's study, series or instance below the base of a service."""
    path = f"/studies/{data_set.StudyInstanceUID}"
    if level != "study":
        path += f"/series/{data_set.SeriesInstanceUID}"
    return path if level != "instance" else f"{path}/instances/{data_set.SOPInstanceUID}"
