"""The synthetic case as others read it: pydicom, a name pattern, the standard's list of required attributes."""

import io
import re

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian

from client.mammography import CASE_ID, REPORT, YEAR, case_files, study_instance_uid

SEED = 1

REQUIRED = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "PresentationIntentType",
    "ImageType",
    "PixelIntensityRelationship",
    "PixelIntensityRelationshipSign",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "PresentationLUTShape",
    "LossyImageCompression",
    "PatientOrientation",
    "BurnedInAnnotation",
    "ImagerPixelSpacing",
    "PositionerType",
    "ImageLaterality",
    "OrganExposed",
    "AnatomicRegionSequence",
    "ViewCodeSequence",
    "WindowCenter",
    "WindowWidth",
]  # Type 1, or 1C whose condition holds; Source: PS3.3 2024e §A.27
MAY_BE_EMPTY = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "SeriesNumber",
    "Manufacturer",
    "InstanceNumber",
    "DetectorType",
    "BreastImplantPresent",
    "AcquisitionContextSequence",
]  # Type 2


@pytest.fixture(scope="module")
def case() -> dict[str, Dataset]:
    """Read each file of the case."""
    return {name: dcmread(io.BytesIO(content)) for name, content in case_files(SEED)}


@pytest.mark.slow
def test_one_seed_gives_the_same_files() -> None:
    """Made twice, the files are equal byte for byte, so that loading them again changes nothing."""
    assert list(case_files(SEED)) == list(case_files(SEED))


def test_names_carry_year_case_and_view(case: dict[str, Dataset]) -> None:
    """The forerunner's three patterns find year, case and view in each name."""
    patterns = (r"\D(\d{4})\D", r"(S\d+)", r"((?:L|R)__(?:CC|MLO))")
    found = [tuple(re.findall(pattern, name)[0] for pattern in patterns) for name in case]

    assert [(YEAR, CASE_ID, view) for view in ("L__CC", "L__MLO", "R__CC", "R__MLO")] == found


def test_headers_agree_with_names(case: dict[str, Dataset]) -> None:
    """Laterality and view stand in the header as in the name, and the coded view says the same."""
    codes = {"CC": "399162004", "MLO": "399368009"}
    for name, dataset in case.items():
        laterality, position = re.findall(r"/(L|R)__(CC|MLO)/", name)[0]

        assert (laterality, position) == (dataset.ImageLaterality, dataset.ViewPosition)
        assert codes[position] == dataset.ViewCodeSequence[0].CodeValue


def test_rows_run_towards_the_nipple_on_the_left_and_from_it_on_the_right(case: dict[str, Dataset]) -> None:
    """Patient Orientation begins with anterior for a left breast as hung, with posterior for a right one."""
    directions = [(dataset.ImageLaterality, dataset.PatientOrientation[0]) for dataset in case.values()]

    assert directions == [("L", "A"), ("L", "A"), ("R", "P"), ("R", "P")]


def test_each_view_is_a_series_of_one_study(case: dict[str, Dataset]) -> None:
    """Viewers hang series: each says its view in its description, as mammography units do."""
    assert {study_instance_uid(SEED)} == {dataset.StudyInstanceUID for dataset in case.values()}
    for keyword in ("SeriesInstanceUID", "SeriesNumber", "SOPInstanceUID"):
        assert len({dataset[keyword].value for dataset in case.values()}) == 4
    descriptions = [dataset.SeriesDescription for dataset in case.values()]
    assert descriptions == ["L CC", "L MLO", "R CC", "R MLO"]


def test_what_the_iod_requires_is_there(case: dict[str, Dataset]) -> None:
    """Each attribute of type 1 has a value, each of type 2 is present, and each value fits its VR."""
    for dataset in case.values():
        assert DigitalMammographyXRayImageStorageForPresentation == dataset.SOPClassUID
        assert ExplicitVRLittleEndian == dataset.file_meta.TransferSyntaxUID
        assert [
            keyword
            for keyword in REQUIRED
            if not dataset.get(keyword) and dataset.get(keyword) not in (0, 0.0)
        ] == []
        assert [keyword for keyword in MAY_BE_EMPTY if keyword not in dataset] == []


def test_pixels_have_the_described_shape_and_range(case: dict[str, Dataset]) -> None:
    """A reader decodes ROWS x COLUMNS values, and the window shows most of the tissue."""
    for dataset in case.values():
        pixels = dataset.pixel_array
        tissue = pixels[pixels > 0]
        lowest, highest = (
            dataset.WindowCenter - dataset.WindowWidth / 2,
            dataset.WindowCenter + dataset.WindowWidth / 2,
        )

        assert pixels.shape == (1280, 1024)
        assert ((tissue > lowest) & (tissue < highest)).mean() > 0.95


def test_nothing_claims_a_real_person(case: dict[str, Dataset]) -> None:
    """The name, the derivation and the report all say that the case is made up."""
    for dataset in case.values():
        assert str(dataset.PatientName) == "SYNTHETIC^CASE"
        assert "no person" in dataset.DerivationDescription
    assert "no person" in REPORT
