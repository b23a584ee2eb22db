"""The instances that the benchmark stores."""

import io

import pydicom
import pytest

from bench.instances import HUNDRED, LARGE, SMALL, Kind, instance_bytes


@pytest.mark.parametrize("kind", [SMALL, HUNDRED, LARGE])
@pytest.mark.parametrize("number", [0, 137, 49_999])
def test_an_instance_is_whole_and_has_the_values_of_its_number(kind: Kind, number: int) -> None:
    """The placeholders of the template are all replaced, and no length changes."""
    dataset = pydicom.dcmread(io.BytesIO(instance_bytes(kind, number)))
    study = number // kind.study_size
    assert dataset.StudyInstanceUID == kind.study_uid(study)
    assert dataset.SeriesInstanceUID == kind.series_uid(study)
    assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID == kind.instance_uid(number)
    assert dataset.PatientID == kind.patient_id(study)
    assert dataset.InstanceNumber == number % kind.study_size + 1
    assert len(dataset.PixelData) == kind.rows * kind.columns * 2


def test_the_same_number_gives_the_same_bytes_and_another_number_others() -> None:
    """Every peer is given the same, and nothing twice."""
    assert instance_bytes(SMALL, 7) == instance_bytes(SMALL, 7)
    assert len({instance_bytes(SMALL, number)[-6144:] for number in range(100)}) == 100
