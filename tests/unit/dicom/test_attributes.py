"""The attributes of studies, series and instances, held against the data dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydicom import datadict
from pydicom.dataset import Dataset

from shared.dicom.attributes import (
    COMPUTED,
    DESCRIBING,
    IF_KNOWN,
    OPTIONAL,
    REQUIRED,
    Attribute,
    has_value,
    series_attributes,
    study_attributes,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLES: list[Mapping[str, Attribute]] = [
    DESCRIBING,
    *COMPUTED.values(),
    *REQUIRED.values(),
    *IF_KNOWN.values(),
    *OPTIONAL.values(),
]
_ROWS = [attribute for table in _TABLES for attribute in table.values()]


@pytest.mark.parametrize("attribute", _ROWS, ids=lambda attribute: attribute.keyword)
def test_every_attribute_is_as_in_the_data_dictionary(attribute: Attribute) -> None:
    """Tag, VR and keyword agree with pydicom's copy of PS3.6."""
    tag = int(attribute.tag, 16)
    expected = Attribute(f"{tag:08X}", datadict.dictionary_VR(tag), datadict.keyword_for_tag(tag))
    assert expected == attribute


def test_no_attribute_belongs_to_two_levels() -> None:
    """An attribute describes one of study, series and instance."""
    assert len(_ROWS) == len({attribute.tag for attribute in _ROWS})


def _instance() -> dict[str, Any]:
    dataset = Dataset()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = "1.2", "1.2.3", "1.2.3.4"
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.StudyDate, dataset.PatientName, dataset.PatientID = "20240131", "山田^太郎", ""
    dataset.TimezoneOffsetFromUTC = "+0900"
    dataset.Modality, dataset.BodyPartExamined, dataset.KVP = "CT", "KNEE", "120"
    dataset.Rows, dataset.NumberOfFrames = 512, 2
    json: dict[str, Any] = dataset.to_json_dict()
    return json


def test_study_attributes_are_those_of_the_study_with_required_ones_empty() -> None:
    """What the file has of the study is there, what it lacks of Table 10.6.3-3 is there without a value."""
    row = study_attributes(_instance())
    assert {*REQUIRED["study"], "00080201"} == set(row)
    assert row["00080020"] == {"vr": "DA", "Value": ["20240131"]}
    assert {"vr": "LO"} == row["00100020"] == study_attributes({})["00100020"]
    assert list(row) == sorted(row)


def test_series_attributes_are_those_of_the_series() -> None:
    """Modality and body part are of the series; date, rows and tube voltage are not."""
    assert {*REQUIRED["series"], "00080201", "00180015"} == set(series_attributes(_instance()))


def test_a_value_kept_elsewhere_or_in_another_form_is_none_here() -> None:
    """A link relative to an instance, or undecoded bytes, would mean nothing in the row of a study."""
    for attribute in (
        {"vr": "LO", "BulkDataURI": "bulkdata/x"},
        {"vr": "UN", "InlineBinary": "AAA="},
        {"vr": "LO"},
    ):
        assert not has_value(attribute)
        assert study_attributes({"00100020": attribute})["00100020"] == {"vr": "LO"}
    assert not has_value({"vr": "IS", "Value": [None]})
    assert has_value({"vr": "IS", "Value": [0]})
