"""What of an instance enters the search index, and in which form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.backends.memory.search_engine import fits
from shared.dicom.index.document import MAX_DEPTH, MAX_PAIRS, document_of
from shared.dicom.index.fields import kinds
from shared.dicom.index.policy import Form, IndexPolicy
from shared.dicom.index.query import Clause
from shared.dicom.index.query_body import pair_clause
from shared.dicom.references import InstanceRef
from shared.errors import UnsupportedQueryError
from tests.unit.dicom.index.canaries import CANARY, canaries_of_risk

REF = InstanceRef("1.2", "1.2.3", "1.2.3.4")
PLAIN = IndexPolicy("plain")
HASHED = IndexPolicy("hashed", key=b"k" * 32)


def _document(attributes: dict[str, Any], policy: IndexPolicy = PLAIN) -> dict[str, Any]:
    return document_of(REF, attributes, {}, policy)


def _found(document: dict[str, Any], name: str, value: str, policy: IndexPolicy = PLAIN) -> bool:
    clause: Clause = pair_clause(name, value, policy)
    return fits(clause, document)


def _attribute(vr: str, *values: Any) -> dict[str, Any]:
    return {"vr": vr, "Value": list(values)}


@pytest.mark.parametrize("form", ["hashed", "omitted"])
def test_no_identifying_value_enters_the_index(form: Form) -> None:
    """Of every attribute of the risk tables, and of private ones, the value stands nowhere, however deep it lies."""
    canaries = canaries_of_risk()
    nested = {"0040A730": {"vr": "SQ", "Value": [{"00081111": {"vr": "SQ", "Value": [canaries]}}]}}
    assert len(canaries) > 300

    document = _document(canaries | nested, IndexPolicy(form, key=b"k" * 32))
    assert CANARY.lower() not in json.dumps(document).lower()
    assert CANARY.lower() in json.dumps(_document(canaries | nested)).lower()


def test_hashed_values_are_found_by_their_exact_value() -> None:
    """Who knows a value finds the instances that have it, by every attribute, and nobody else sees it."""
    attributes = {
        "00100020": _attribute("LO", "A 1"),
        "00100010": _attribute("PN", {"Alphabetic": "Doe^John"}),
        "00080020": _attribute("DA", "20200229"),
        "00080060": _attribute("CS", "CT"),
    }
    document = _document(attributes, HASHED)
    asked = [
        ("PatientID", "A 1", True),
        ("PatientID", "A", False),
        ("Patient's Name", "DOE^JOHN", True),
        ("(0008,0020)", "20200229", True),
        ("Modality", "CT", True),
    ]
    assert [_found(document, name, value, HASHED) for name, value, _ in asked] == [yes for *_, yes in asked]
    assert not _found(document, "PatientID", "A 1", IndexPolicy("hashed", key=b"x" * 32))
    assert {"PatientID", "PatientName", "StudyDate"}.isdisjoint(document)
    assert (document["Modality"], document["year"]) == (["CT"], "2020")


def test_what_is_omitted_cannot_be_asked_for() -> None:
    """A search by an attribute that never enters the index is refused: that nothing is found would be no answer."""
    policy = IndexPolicy("plain", frozenset({"00100020"}))
    document = _document({"00100020": _attribute("LO", CANARY), "00100040": _attribute("CS", "F")}, policy)

    assert CANARY not in json.dumps(document)
    assert _found(document, "PatientSex", "F", policy)
    with pytest.raises(UnsupportedQueryError):
        pair_clause("PatientID", CANARY, policy)
    with pytest.raises(UnsupportedQueryError):
        pair_clause("PatientID", CANARY, IndexPolicy("omitted"))


@pytest.mark.parametrize(
    ("tag", "attribute", "name", "value", "expected"),
    [
        ("00100020", _attribute("LO", "X"), "PatientID", "X", True),
        ("00100020", _attribute("LO", "X"), "PatientID", "x", False),
        ("00100020", _attribute("LO", "013"), "PatientID", "13", False),
        ("00200013", _attribute("IS", 13), "Instance Number", "013", True),
        ("00180050", _attribute("DS", 1.5), "(0018,0050)", "1.50", True),
        ("00180050", _attribute("DS", "1.5"), "(0018,0050)", "1.5 ", True),
        ("00080008", _attribute("CS", "ORIGINAL", "PRIMARY"), "ImageType", "PRIMARY", True),
        ("00100010", _attribute("PN", {"Ideographic": "山田^太郎"}), "PatientName", "山田^太郎", True),
        ("00091001", _attribute("LO", "secret"), "(0009,1001)", "secret", True),
        ("00204000", _attribute("LT", "y" * 500), "ImageComments", "y" * 500, True),
        ("00204000", _attribute("LT", "y" * 500), "ImageComments", "y" * 499, False),
        (
            "00400275",
            {
                "vr": "SQ",
                "Value": [{"00400009": _attribute("SH", "S1")}, {"00400009": _attribute("SH", "S2")}],
            },
            "RequestAttributesSequence.ScheduledProcedureStepID",
            "S2",
            True,
        ),
    ],
)
def test_pairs_match_exactly(
    tag: str, attribute: dict[str, Any], name: str, value: str, *, expected: bool
) -> None:
    """Key and value belong together, whatever the key is called: text as it stands, numbers and names by meaning."""
    assert _found(_document({tag: attribute}), name, value) is expected
    assert not _found(_document({"00081030": attribute}), name, value)


def test_hostile_files_make_bounded_documents() -> None:
    """Thousands of elements, endless texts and depth are cut off, and the document says so; it keeps what came before."""
    deep: dict[str, Any] = {"00100020": _attribute("LO", CANARY)}
    for _ in range(MAX_DEPTH + 1):
        deep = {"0040A730": {"vr": "SQ", "Value": [deep]}}
    many = {f"{0x0041_1000 + number:08X}": _attribute("LO", number) for number in range(MAX_PAIRS + 9)}
    long = {"00204000": _attribute("LT", *("z" * 200 + str(number) for number in range(9000)))}
    first = {"00080060": _attribute("CS", "CT")}
    for attributes in (deep, many, long):
        document = _document(first | attributes)
        assert document["truncated"]
        assert _found(document, "Modality", "CT")
        assert len(json.dumps(document)) < 1_000_000
    assert not _document(first)["truncated"]


_VALUES = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.fixed_dictionaries({"Alphabetic": st.text()}),
)


@given(
    st.dictionaries(
        st.sampled_from(["00080020", "00100010", "00200013", "00180050", "00080060", "00280010", "00091001"]),
        st.builds(
            lambda vr, values: {"vr": vr, "Value": values},
            st.sampled_from(["DA", "PN", "IS", "DS", "CS", "US", "LO"]),
            st.lists(_VALUES, max_size=3),
        ),
    )
)
def test_any_data_set_makes_a_document_of_the_mapping(attributes: dict[str, Any]) -> None:
    """Whatever a file says, its document is JSON and has no field that the index does not."""
    document = _document(attributes)
    json.dumps(document).encode()
    named = [
        name if not isinstance(value, dict) else f"{name}.{part}"
        for name, value in document.items()
        for part in (value if isinstance(value, dict) else [""])
    ]
    assert set(named) <= set(kinds())


@pytest.mark.parametrize(
    "text", ["1E+9999999", "-1E-9999999", f"{'9' * 30}E999990", "1" * 5000, "1E+" + "9" * 30]
)
def test_no_number_is_too_large_to_be_held(text: str) -> None:
    """A number that a hostile file writes is an entry like any other, and fills no field that cannot hold it."""
    document = document_of(REF, {"00180050": {"vr": "DS", "Value": [text]}}, {}, IndexPolicy("plain"))
    assert len(document["info"]) == 1
