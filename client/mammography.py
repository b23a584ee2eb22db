"""Wrap the phantom's four views as a clinical case: DICOM files that name a patient who never was, and a report.

It uploads nothing; `sample_data.py` does.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from client.phantom import BITS_STORED, COLUMNS, ROWS, VIEWS, View, draw

if TYPE_CHECKING:
    from pydicom import Dataset

CASE_ID = "S0000001"
YEAR = "2014"
REPORT = (
    "Synthetic case, drawn by a program; it shows no person. Left breast: a lobed mass of 16 mm above the nipple and "
    "a cluster of calcifications below it, in both views. Right breast: nothing to see. BI-RADS 0 (of no meaning)."
)

_IMPLEMENTATION_UID = "2.25.210914536105462104375131834011424936712"
_DIGITAL_MAMMOGRAPHY_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.2"
_VIEW_CODES = {  # Source: PS3.16 2024e CID 4014
    "CC": ("399162004", "cranio-caudal"),
    "MLO": ("399368009", "medio-lateral oblique"),
}
_PATIENT_ORIENTATION = {  # of a row to the right and a column downwards; Source: PS3.3 2024e §C.7.6.1.1.1
    "L__CC": ["A", "R"],
    "L__MLO": ["A", "FR"],
    "R__CC": ["P", "L"],
    "R__MLO": ["P", "FL"],
}


def case_files(seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield each file of the case with its blob name, the views in the order L CC, L MLO, R CC, R MLO.

    Args:
        seed: Chooses texture and UIDs; one seed gives the same bytes on every machine.

    Yields:
        A name such as ``mammography/2014/S0000001/L__CC/00000001.dcm`` and a Part 10 file.
    """
    for number, view in enumerate(VIEWS, start=1):
        name = f"mammography/{YEAR}/{CASE_ID}/{view.name}/{number:08d}.dcm"
        yield name, _part10(_dataset(view, number, seed))


def study_instance_uid(seed: int) -> str:
    """Return the UID of the study that `case_files` of this seed makes."""
    return _uid(seed, "study")


def _part10(dataset: Dataset) -> bytes:
    from pydicom import dcmwrite
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # Named here, since pydicom would write its own version and so change the bytes with each of its releases.
    dataset.file_meta.ImplementationClassUID = _IMPLEMENTATION_UID
    dataset.file_meta.ImplementationVersionName = "DICOM_FUNCTIONS"
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _dataset(view: View, series_number: int, seed: int) -> Dataset:
    """Describe one view by the Digital Mammography X-Ray Image IOD, in a series of its own, as viewers hang series.

    Source: PS3.3 2024e §A.27
    """
    from pydicom import Dataset

    dataset = Dataset()
    _describe_study(dataset, seed)
    _describe_acquisition(dataset)
    dataset.SOPClassUID = _DIGITAL_MAMMOGRAPHY_FOR_PRESENTATION
    dataset.SOPInstanceUID = _uid(seed, view.name)
    dataset.SeriesInstanceUID = _uid(seed, f"series {view.name}")
    dataset.SeriesNumber = series_number
    dataset.SeriesDescription = f"{view.laterality} {view.position}"
    dataset.InstanceNumber = 1
    dataset.ImageLaterality = view.laterality
    dataset.ViewPosition = view.position
    dataset.PatientOrientation = _PATIENT_ORIENTATION[view.name]
    code = _code(*_VIEW_CODES[view.position])
    code.ViewModifierCodeSequence = []
    dataset.ViewCodeSequence = [code]
    _describe_pixels(dataset)
    dataset.PixelData = draw(view, seed)
    return dataset


def _describe_study(dataset: Dataset, seed: int) -> None:
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = "SYNTHETIC^CASE"
    dataset.PatientID = CASE_ID
    dataset.PatientBirthDate = "19600101"
    dataset.PatientSex = "F"
    dataset.PatientAge = "054Y"
    dataset.StudyInstanceUID = study_instance_uid(seed)
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = dataset.AcquisitionDate = "20140512"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = dataset.AcquisitionTime = "101500"
    dataset.StudyID = "1"
    dataset.StudyDescription = "Synthetic screening mammography"
    dataset.AccessionNumber = "A0000001"
    dataset.ReferringPhysicianName = ""
    dataset.Modality = "MG"


def _describe_acquisition(dataset: Dataset) -> None:
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.DerivationDescription = "Drawn by a program; shows no person"
    dataset.Manufacturer = "dicom-functions"
    dataset.ManufacturerModelName = "phantom"
    dataset.BodyPartExamined = "BREAST"
    dataset.OrganExposed = "BREAST"
    dataset.AnatomicRegionSequence = [_code("76752008", "Breast")]
    dataset.PositionerType = "MAMMOGRAPHIC"
    dataset.DetectorType = "DIRECT"
    dataset.ImagerPixelSpacing = dataset.PixelSpacing = ["0.2", "0.2"]
    dataset.BreastImplantPresent = "NO"
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.AcquisitionContextSequence = []


def _describe_pixels(dataset: Dataset) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows = ROWS
    dataset.Columns = COLUMNS
    dataset.BitsAllocated = 16
    dataset.BitsStored = BITS_STORED
    dataset.HighBit = BITS_STORED - 1
    dataset.PixelRepresentation = 0
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1
    dataset.RescaleIntercept = 0
    dataset.RescaleSlope = 1
    dataset.RescaleType = "US"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.WindowCenter = 1600
    dataset.WindowWidth = 2800


def _code(value: str, meaning: str) -> Dataset:
    """Return an item of a code sequence, of SNOMED CT."""
    from pydicom import Dataset

    code = Dataset()
    code.CodeValue = value
    code.CodingSchemeDesignator = "SCT"
    code.CodeMeaning = meaning
    return code


def _uid(seed: int, name: str) -> str:
    """Derive a UID from a name. Source: PS3.5 2024e §B.2."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'dicom-functions phantom {seed} {name}').int}"
