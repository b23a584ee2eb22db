"""Rows of series and studies: counts, modalities, and independence of order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.dicom.attributes import COMPUTED, REQUIRED
from shared.dicom.study_summary import merge_series, merge_study


def _instance(number: int, series: str = "1.2.3", **values: str) -> dict[str, Any]:
    tags = {"modality": ("00080060", "CS"), "patient_id": ("00100020", "LO"), "body_part": ("00180015", "CS")}
    json: dict[str, Any] = {
        "00080018": {"vr": "UI", "Value": [f"{series}.{number}"]},
        "0020000D": {"vr": "UI", "Value": ["1.2"]},
        "0020000E": {"vr": "UI", "Value": [series]},
    }
    for name, value in values.items():
        tag, vr = tags[name]
        json[tag] = {"vr": vr, "Value": [value]}
    return json


def test_a_series_has_the_attributes_of_both_levels_and_its_count() -> None:
    """The row of a series can be matched by its study's attributes as well."""
    row = merge_series([_instance(1, modality="CT", patient_id="A"), _instance(2, body_part="KNEE")])
    assert {*REQUIRED["study"], *REQUIRED["series"], *COMPUTED["series"], "00180015"} == set(row)
    assert row["00080060"]["Value"] == ["CT"]
    assert row["00100020"]["Value"] == ["A"]
    assert row["00180015"]["Value"] == ["KNEE"]
    assert row["00201209"] == {"vr": "IS", "Value": [2]}
    assert list(row) == sorted(row)


def test_a_study_counts_series_instances_and_modalities() -> None:
    """A CT and SR study says so, in alphabetical order, with the sums of its series."""
    series = [
        merge_series([_instance(1, "1.2.5", modality="SR")]),
        merge_series([_instance(1, "1.2.3", modality="CT"), _instance(2, "1.2.3", modality="CT")]),
        merge_series([_instance(1, "1.2.4", modality="CT")]),
    ]
    row = merge_study(series)
    assert {*REQUIRED["study"], *COMPUTED["study"]} == set(row)
    assert row["00080061"] == {"vr": "CS", "Value": ["CT", "SR"]}
    assert row["00201206"] == {"vr": "IS", "Value": [3]}
    assert row["00201208"] == {"vr": "IS", "Value": [4]}


def test_modalities_are_in_alphabetical_order() -> None:
    """However many there are and whichever series comes first."""
    modalities = ["US", "SR", "PT", "OT", "MR", "KO", "CT", "CR"]
    series = [merge_series([_instance(1, f"1.2.{at}", modality=name)]) for at, name in enumerate(modalities)]
    assert sorted(modalities) == merge_study(series)["00080061"]["Value"]


def test_a_study_without_modalities_says_nothing_of_them() -> None:
    """The required attribute is there, empty."""
    assert merge_study([merge_series([_instance(1)])])["00080061"] == {"vr": "CS"}


def test_the_least_uid_that_has_a_value_decides() -> None:
    """Where instances disagree, and where the first of them says nothing, the rule is the same."""
    row = merge_series([_instance(2, patient_id="B"), _instance(3, patient_id="C"), _instance(1)])
    assert row["00100020"]["Value"] == ["B"]


instances = st.lists(
    st.builds(
        lambda number, series, values: _instance(number, f"1.2.{series}", **values),
        st.integers(1, 9),
        st.integers(1, 3),
        st.dictionaries(st.sampled_from(["modality", "patient_id", "body_part"]), st.sampled_from("ABC")),
    ),
    min_size=1,
    unique_by=lambda instance: instance["00080018"]["Value"][0],
)


def _study(arrived: list[dict[str, Any]]) -> dict[str, Any]:
    series: dict[str, list[dict[str, Any]]] = {}
    for instance in arrived:
        series.setdefault(instance["0020000E"]["Value"][0], []).append(instance)
    return merge_study(merge_series(group) for group in series.values())


@given(instances, st.randoms(use_true_random=False))
def test_rows_do_not_depend_on_the_order_of_arrival(arrived: list[dict[str, Any]], random: Any) -> None:
    """The same instances in any order make the same study."""
    shuffled = random.sample(arrived, len(arrived))
    assert _study(arrived) == _study(shuffled)
    assert [len(arrived)] == _study(arrived)["00201208"]["Value"]
