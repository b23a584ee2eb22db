"""Search answers: what is in a row, required, requested, or both."""

from __future__ import annotations

from typing import Any

import pytest

from shared.dicom.attributes import COMPUTED, REQUIRED
from shared.dicom.query import STANDARD, Level
from shared.dicom.query_parameters import parse_query
from shared.dicom.references import SeriesRef, StudyRef
from shared.dicom.search_response import project, wanted_tags

ALWAYS = {"00080005", "00080056"}
ROW: dict[str, Any] = {
    "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
    "00080018": {"vr": "UI", "Value": ["1.2.3.4"]},
    "00080005": {"vr": "CS", "Value": ["ISO_IR 100"]},
    "00080061": {"vr": "CS", "Value": ["CT"]},
    "00081030": {"vr": "LO", "Value": ["Knee"]},
    "00180060": {"vr": "DS", "Value": [120.0]},
    "0020000D": {"vr": "UI", "Value": ["1.2"]},
    "0020000E": {"vr": "UI", "Value": ["1.2.3"]},
    "00280010": {"vr": "US", "Value": [512]},
    "00400275": {"vr": "SQ", "Value": [{}]},
    "00420011": {"vr": "OB", "BulkDataURI": "bulkdata/00420011"},
    "00282000": {"vr": "OB", "InlineBinary": "AAA="},
}


def _project(
    level: Level, *parameters: tuple[str, str], within: StudyRef | SeriesRef | None = None, **options: Any
) -> dict[str, Any]:
    return project(parse_query(level, parameters, within=within, options=STANDARD), ROW, **options)


@pytest.mark.parametrize(
    ("level", "within", "expected"),
    [
        ("study", None, {*REQUIRED["study"], *COMPUTED["study"], "0020000E"}),
        ("series", StudyRef("1.2"), {*REQUIRED["series"], *COMPUTED["series"], "0020000D", "00400275"}),
        (
            "series",
            None,
            {*REQUIRED["study"], "00080061", *REQUIRED["series"], *COMPUTED["series"], "00400275"},
        ),
        (
            "instance",
            SeriesRef("1.2", "1.2.3"),
            {*REQUIRED["instance"], "0020000D", "0020000E", "00280010"},
        ),
        (
            "instance",
            StudyRef("1.2"),
            {*REQUIRED["series"], *REQUIRED["instance"], "0020000D", "00280010", "00400275"},
        ),
        (
            "instance",
            None,
            {
                *REQUIRED["study"],
                "00080061",
                *REQUIRED["series"],
                *REQUIRED["instance"],
                "00280010",
                "00400275",
            },
        ),
    ],
)
def test_each_resource_answers_the_attributes_of_its_levels(
    level: Level, within: StudyRef | SeriesRef | None, expected: set[str]
) -> None:
    """The levels that the path does not settle are told, required attributes always, others where known."""
    assert expected | ALWAYS == set(_project(level, within=within))


def test_required_attributes_without_a_value_are_empty() -> None:
    """They are there with their VR, as the standard asks of type R and 2."""
    row = _project("study")
    assert row["00100010"] == {"vr": "PN"}
    assert row["00201208"] == {"vr": "IS"}


def test_the_answer_describes_itself() -> None:
    """JSON is UTF-8 whatever the file was; instances are online unless the row knows better; tags ascend."""
    row = _project("study", retrieve_url="https://host/studies/1.2")
    assert row["00080005"]["Value"] == ["ISO_IR 192"]
    assert row["00080056"]["Value"] == ["ONLINE"]
    assert row["00081190"] == {"vr": "UR", "Value": ["https://host/studies/1.2"]}
    assert list(row) == sorted(row)
    query = parse_query("study", [], options=STANDARD)
    nearline = {"vr": "CS", "Value": ["NEARLINE"]}
    assert nearline == project(query, {"00080056": nearline})["00080056"]


def test_the_offset_from_utc_is_told_if_known() -> None:
    """An unknown offset is left out rather than empty."""
    query = parse_query("series", [], options=STANDARD)
    offset = {"vr": "SH", "Value": ["+0100"]}
    assert offset == project(query, {"00080201": offset})["00080201"]
    assert "00080201" not in _project("series")


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (("includefield", "StudyDescription"), {"00081030"}),
        (("StudyDescription", "*"), {"00081030"}),
        (("StudyDescription", ""), {"00081030"}),
        (("includefield", "KVP"), {"00180060"}),
        (("KVP", "120"), {"00180060"}),
        (("RequestAttributesSequence.ScheduledProcedureStepID", ""), {"00400275"}),
        (("includefield", "PatientComments"), set()),
        (("includefield", "00420011,00282000"), set()),
        (("includefield", "all"), {"00081030", "00180060", "00400275", "00080061"}),
    ],
)
def test_fields_asked_for_or_matched_are_added(parameter: tuple[str, str], expected: set[str]) -> None:
    """What the row has of them is in the answer; bulk data is not, as its links would lead nowhere."""
    within = SeriesRef("1.2", "1.2.3")
    plain = set(_project("instance", within=within))
    assert expected == set(_project("instance", parameter, within=within)) - plain


@pytest.mark.parametrize("level", ["study", "series", "instance"])
@pytest.mark.parametrize("includefield", ["StudyDescription", "KVP", "all"])
def test_of_a_row_no_more_is_wanted_than_is_answered(level: Level, includefield: str) -> None:
    """The answer is the same when the row has lost what is not wanted."""
    query = parse_query(level, [("includefield", includefield)], options=STANDARD)
    wanted = wanted_tags(query)
    kept = ROW if wanted is None else {tag: ROW[tag] for tag in ROW if tag in wanted}

    assert project(query, ROW) == project(query, kept)
    assert (wanted is None) == (includefield == "all")
