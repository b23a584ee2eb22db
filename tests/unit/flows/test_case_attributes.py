"""What the attributes of a mammogram say of cases."""

from typing import Any

import orjson
import pytest
from pydicom import Dataset
from pydicom.sr import codes
from pydicom.sr._snomed_dict import mapping

from shared.flows._case_attributes import read_case_attributes
from shared.records import CaseView
from tests.unit.flows.builders import make_data_set


def a_code(value: str, scheme: str = "SCT") -> Dataset:
    """Return an item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "of no meaning"
    return item


def a_view(value: str, *modifiers: str) -> Dataset:
    """Return an item of ViewCodeSequence."""
    item = a_code(value)
    item.ViewModifierCodeSequence = [a_code(modifier) for modifier in modifiers]
    return item


def read(**attributes: Any) -> CaseView | None:
    """Return what a mammogram with these attributes says."""
    base = {"PatientID": " P'1 ", "StudyDate": "20140512", "ImageLaterality": "L", "ViewPosition": "CC"}
    return read_case_attributes(orjson.dumps(make_data_set(**(base | attributes)).to_json_dict()))


def test_year_id_and_view_are_read() -> None:
    """C000-1: StudyDate's year, PatientID, laterality and view; marked as not of the name."""
    assert read() == CaseView("2014", "P'1", "L__CC", named=False)
    assert read(ImageLaterality=None, Laterality="R", ViewPosition="MLO") == CaseView(
        "2014", "P'1", "R__MLO", named=False
    )


@pytest.mark.parametrize("edition", ["SCT", "SRT"])
@pytest.mark.parametrize(
    ("name", "view"),
    [("CranioCaudal", "L__CC"), ("MedioLateralObliqueProjection", "L__MLO"), ("LateroMedial", "L__LM")],
)
def test_a_view_is_read_of_its_code(edition: str, name: str, view: str) -> None:
    """In SNOMED CT and in the codes of its older edition; where ViewPosition says nothing of a breast."""
    value = getattr(codes.CID4014, name).value
    code = value if edition == "SCT" else mapping["SCT"][value]
    for position in (None, "AP"):
        case = read(ViewPosition=position, ViewCodeSequence=[a_view(code)])
        assert case is not None
        assert case.view == view


def test_a_view_with_modifiers_is_another_view() -> None:
    """A spot compression or an implant displaced does not stand in for the whole breast."""
    spot, displaced = (getattr(codes.CID4015, name).value for name in ("SpotCompression", "ImplantDisplaced"))
    case = read(ViewCodeSequence=[a_view("399162004", spot, displaced)])
    assert case is not None
    assert case.view == "L__CC__ID__S"


@pytest.mark.parametrize(
    "attributes",
    [
        {"PatientID": None},
        {"PatientID": ""},
        {"PatientID": "x" * 129},
        {"PatientID": "M\ufffdller"},
        {"StudyDate": None},
        {"StudyDate": "14"},
        {"ImageLaterality": None},
        {"ImageLaterality": "B"},
        {"ViewPosition": None},
        {"ViewPosition": "AP"},
        {"ViewPosition": None, "ViewCodeSequence": []},
        {"ViewPosition": None, "ViewCodeSequence": [a_view("1")]},
    ],
    ids=str,
)
def test_who_lacks_one_of_them_belongs_to_no_case(attributes: dict[str, Any]) -> None:
    """No part is guessed: a wrong case would be another patient's."""
    assert read(**attributes) is None


@pytest.mark.parametrize(
    "odd",
    [
        {"00181010": {"vr": "UI"}, "00200062": {"vr": "CS"}, "00185101": {"vr": "CS"}},
        {"00200062": {"vr": "CS", "Value": [7]}, "00540220": {"vr": "SQ", "Value": ["x", None]}},
        {"00200062": {"vr": "CS", "Value": [None]}, "00185101": {"vr": "SQ", "Value": [{}]}},
        {"00200062": {"vr": "UN", "InlineBinary": "TA=="}, "00540220": {"vr": "UN", "BulkDataURI": "x"}},
    ],
)
def test_values_of_a_wrong_kind_say_nothing(odd: dict[str, Any]) -> None:
    """Uploads are not to be trusted to keep their VRs."""
    assert read_case_attributes(orjson.dumps(odd)) is None


def in_frames(side: str) -> Dataset:
    """Return the functional groups that all frames of an enhanced image share."""
    anatomy, group = Dataset(), Dataset()
    anatomy.FrameLaterality = side
    group.FrameAnatomySequence = [anatomy]
    return group


@pytest.mark.parametrize(
    ("said", "in_all_frames", "view"),
    [(None, "R", "R__CC"), ("L", "R", "L__CC"), (None, "B", None), ("B", "R", None)],
)
def test_a_tomosynthesis_may_say_its_side_for_all_frames(
    said: str | None, in_all_frames: str, view: str | None
) -> None:
    """Only where the image has no laterality of its own."""
    case = read(
        ImageLaterality=said, ViewPosition="CC", SharedFunctionalGroupsSequence=[in_frames(in_all_frames)]
    )
    assert (case and case.view) == view
