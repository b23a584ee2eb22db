"""DICOM files made for tests: small, valid, and each its own instance."""

import io
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.10.1517"


def uids(study: int, series: int = 1, instance: int = 1) -> tuple[str, str, str]:
    """Return the study, series and SOP instance UID of a made instance."""
    study_uid = f"{ROOT}.{study}"
    return study_uid, f"{study_uid}.{series}", f"{study_uid}.{series}.{instance}"


def a_dataset(study: int, series: int = 1, instance: int = 1, **attributes: Any) -> Dataset:
    """Return a CT slice of 8 by 8 pixels; *attributes* are keywords with values, None takes one away."""
    study_uid, series_uid, sop_uid = uids(study, series, instance)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    values: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": sop_uid,
        "StudyInstanceUID": study_uid,
        "SeriesInstanceUID": series_uid,
        "StudyDate": "20240229",
        "StudyTime": "101500",
        "AccessionNumber": f"A{study}",
        "Modality": "CT",
        "PatientName": f"Test^Patient{study}",
        "PatientID": f"P{study}",
        "SeriesNumber": series,
        "InstanceNumber": instance,
        "Rows": 8,
        "Columns": 8,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "PixelData": bytes(64),
    }
    for keyword, value in (values | attributes).items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def part10(dataset: Dataset) -> bytes:
    """Return *dataset* as a DICOM file."""
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CTImageStorage)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def an_instance(study: int, series: int = 1, instance: int = 1, *, size: int = 0, **attributes: Any) -> bytes:
    """Return a DICOM file of about *size* bytes at least."""
    dataset = a_dataset(study, series, instance, **attributes)
    if size > len(dataset.PixelData) + 1000:
        dataset.Rows, dataset.Columns = 64, (size - 1000) // 64 + 1
        dataset.PixelData = (instance % 256).to_bytes() * (dataset.Rows * dataset.Columns)
        if len(dataset.PixelData) % 2:
            dataset.PixelData += b"\0"
    return part10(dataset)
