"""Synthetic CT slices by number, quick to make: the same number always gives the same bytes, for every peer."""

import functools
import io
import random
from dataclasses import dataclass

ROOT = "1.2.826.0.1.3680043.10.1518"
STUDY_SIZE = 25
"""Instances in each study of ordinary size."""
_FAMILIES = (
    "MILLER",
    "GARCIA",
    "ROSSIN",
    "NOVAKS",
    "IVANOV",
    "TANAKA",
    "NGUYEN",
    "DUBOIS",
    "JANSEN",
    "OLSENS",
)
_GIVEN = ("ANNA", "JOHN", "MARY", "PAUL", "LUCY", "EVAN", "NINA", "OMAR", "RUTH", "IVAN", "LENA", "HUGO")


@dataclass(frozen=True, slots=True)
class Kind:
    """Slices of one size. *code* tells their UIDs from those of other kinds; *study_size* is in instances."""

    code: int
    rows: int
    columns: int
    study_size: int = STUDY_SIZE

    def study_uid(self, study: int) -> str:
        """Name a study of this kind."""
        return f"{ROOT}.{self.code}.1{study:08}"

    def series_uid(self, study: int) -> str:
        """Name the one series of a study."""
        return f"{self.study_uid(study)}.1"

    def instance_uid(self, number: int) -> str:
        """Name an instance: the studies are filled in order."""
        return f"{self.study_uid(number // self.study_size)}.1.1{number % self.study_size:06}"

    def patient_id(self, study: int) -> str:
        """Name the patient of a study; each study has its own."""
        return f"P{self.code}{study:08}"


SMALL = Kind(1, 48, 64)
"""10 kB: 6 kB of pixels and a header as scanners write it."""
HUNDRED = Kind(2, 48, 64, study_size=100)
"""As small, a hundred in a series."""
LARGE = Kind(3, 512, 512)
"""528 kB, the size of an ordinary CT slice."""
SMALL_STOWED = Kind(4, 48, 64)
LARGE_STOWED = Kind(5, 512, 512)
"""The same again for measuring STOW, so that the studies above stay whole."""


def instance_bytes(kind: Kind, number: int) -> bytes:
    """Return instance *number* of a kind as a file."""
    study = number // kind.study_size
    rng = random.Random(kind.code * 1_000_003 + study)
    date = f"20{rng.randrange(14, 24)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}"
    in_study = number % kind.study_size
    head = _template(kind)
    for placeholder, value in (
        (_STUDY_UID, kind.study_uid(study)),
        (_INSTANCE_END, f".1.1{in_study:06}"),
        (_PATIENT_ID, f"{kind.patient_id(study)}"),
        (_NAME, f"{rng.choice(_FAMILIES)}^{rng.choice(_GIVEN)}"),
        (_DATE, date),
        (_ACCESSION, f"A{kind.code}{study:08}"),
        (_NUMBER, f"{in_study + 1:06}"),
        (_POSITION, f"{in_study * 1.25:07.2f}"),
    ):
        head = head.replace(placeholder.encode(), value.encode())
    begin = number * 64 % len(_noise())
    pixels = (_noise() * (kind.rows * kind.columns * 2 // len(_noise()) + 2))[begin:]
    return head + pixels[: kind.rows * kind.columns * 2]


# Values that occur nowhere else in the header, as long as what replaces them.
_STUDY_UID = f"{ROOT}.9.199999999"
_INSTANCE_END = ".1.1777777"
_PATIENT_ID, _ACCESSION = "P966666666", "A955555555"
_NAME, _DATE = "FAMILY^NAME", "20991231"
_NUMBER, _POSITION = "888888", "4444.44"


@functools.cache
def _noise() -> bytes:
    """64 KiB of 12-bit values, little endian."""
    rng = random.Random(7)
    return b"".join(rng.randrange(4096).to_bytes(2, "little") for _ in range(1 << 15))


@functools.cache
def _template(kind: Kind) -> bytes:
    """Return the file up to the pixels, with placeholders: about 3.7 kB, 100 elements, sequences and private ones."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    dataset = Dataset()
    meta = dataset.file_meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = _STUDY_UID + _INSTANCE_END
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = _STUDY_UID, f"{_STUDY_UID}.1"
    dataset.PatientID, dataset.PatientName, dataset.AccessionNumber = _PATIENT_ID, _NAME, _ACCESSION
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = _DATE
    dataset.InstanceNumber, dataset.SliceLocation = _NUMBER, _POSITION
    dataset.ImagePositionPatient = ["-180.0", "-180.0", _POSITION]
    for keyword, value in _CONSTANT.items():
        setattr(dataset, keyword, value)
    dataset.RequestAttributesSequence = [_request()]
    dataset.ProcedureCodeSequence = [_code("P5-00110", "CT of chest")]
    dataset.PerformedProtocolCodeSequence = [_code("CTCHEST", "Chest"), _code("CTABD", "Abdomen")]
    for group in (0x0019, 0x0043):
        block = dataset.private_block(group, f"BENCH {group:04X}", create=True)
        for element in range(8):
            block.add_new(element, "LO", f"private text {element}")
        block.add_new(0x40, "OB", bytes(range(200)) * 2)
    dataset.Rows, dataset.Columns = kind.rows, kind.columns
    size = kind.rows * kind.columns * 2
    dataset.PixelData = bytes(size)
    dataset["PixelData"].VR = "OW"
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()[:-size]


def _code(value: str, meaning: str) -> object:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "99BENCH", meaning
    return item


def _request() -> object:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ScheduledProcedureStepID, item.RequestedProcedureID = "SPS00001", "RP00001"
    item.RequestedProcedureDescription = "CT THORAX"
    item.ScheduledProtocolCodeSequence = [_code("CTCHEST", "Chest routine")]
    return item


_CONSTANT: dict[str, object] = {
    "SpecificCharacterSet": "ISO_IR 192",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
    "StudyTime": "101500.123456",
    "SeriesTime": "101600.123456",
    "AcquisitionTime": "101700.123456",
    "ContentTime": "101800.123456",
    "Modality": "CT",
    "Manufacturer": "ACME MEDICAL",
    "InstitutionName": "UNIVERSITÄTSKLINIK MUSTERSTADT",
    "InstitutionAddress": "1 HOSPITAL ROAD, 12345 MUSTERSTADT",
    "InstitutionalDepartmentName": "RADIOLOGY",
    "ReferringPhysicianName": "REFER^ANN",
    "PerformingPhysicianName": "PERFORM^BEN",
    "OperatorsName": "OPERATOR^CLEO",
    "StationName": "STATION1",
    "StudyDescription": "CT CHEST ABDOMEN W CONTRAST",
    "SeriesDescription": "AXIAL 1.25",
    "ManufacturerModelName": "SCANMASTER 9000",
    "IssuerOfPatientID": "MUSTER",
    "PatientBirthDate": "19600215",
    "PatientSex": "F",
    "PatientAge": "060Y",
    "PatientSize": "1.72",
    "PatientWeight": "71.5",
    "PatientIdentityRemoved": "NO",
    "BodyPartExamined": "CHEST",
    "ScanOptions": "HELICAL MODE",
    "SliceThickness": "1.25",
    "KVP": "120",
    "SpacingBetweenSlices": "1.25",
    "DataCollectionDiameter": "500.0",
    "ReconstructionDiameter": "360.0",
    "DistanceSourceToDetector": "949.075",
    "DistanceSourceToPatient": "541.0",
    "GantryDetectorTilt": "0.0",
    "TableHeight": "150.5",
    "RotationDirection": "CW",
    "ExposureTime": "500",
    "XRayTubeCurrent": "320",
    "Exposure": "160",
    "FilterType": "BODY FILTER",
    "GeneratorPower": "38400",
    "FocalSpots": "1.2",
    "ConvolutionKernel": "STANDARD",
    "PatientPosition": "FFS",
    "SingleCollimationWidth": 0.625,
    "TotalCollimationWidth": 40.0,
    "TableSpeed": 78.75,
    "SpiralPitchFactor": 0.984,
    "ContrastBolusAgent": "OMNIPAQUE 350",
    "DeviceSerialNumber": "SN000001",
    "SoftwareVersions": ["v12.3", "rev 45"],
    "ProtocolName": "PROTOCOL 1",
    "StudyID": "1001",
    "SeriesNumber": "2",
    "AcquisitionNumber": "1",
    "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
    "FrameOfReferenceUID": f"{ROOT}.4.1",
    "ImagesInAcquisition": "100",
    "ImageComments": "synthetic",
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "PixelSpacing": ["0.703125", "0.703125"],
    "BitsAllocated": 16,
    "BitsStored": 12,
    "HighBit": 11,
    "PixelRepresentation": 0,
    "BurnedInAnnotation": "NO",
    "LossyImageCompression": "00",
    "WindowCenter": "40",
    "WindowWidth": "400",
    "RescaleIntercept": "-1024",
    "RescaleSlope": "1",
    "RescaleType": "HU",
    "PerformedProcedureStepID": "PPS00001",
    "PerformedProcedureStepDescription": "CT THORAX",
}
