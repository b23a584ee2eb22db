"""What a DICOMweb key finds, the index finds too: it may find more, never less."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.backends.memory.search_engine import fits
from shared.dicom.index.clauses import clause_of
from shared.dicom.index.document import document_of
from shared.dicom.index.policy import Form, IndexPolicy
from shared.dicom.matching import matches
from shared.dicom.query import AnyOf, FuzzyName, Match, MatchKey, Query, Range, SingleValue, Wildcard
from shared.dicom.references import InstanceRef
from shared.errors import UnsupportedQueryError

_REF = InstanceRef("1.2", "1.2.3", "1.2.3.4")
_TAGS = {
    "PN": "00100010",
    "LO": "00100020",
    "IS": "00200013",
    "DS": "00180050",
    "UI": "00080016",
    "CS": "00080060",
    "": "00091001",
}
_TEXTS = st.text(st.sampled_from("aAäÄ^^ =*?1.0~#"), min_size=1, max_size=6)
_NAMES = st.fixed_dictionaries({}, optional=dict.fromkeys(("Alphabetic", "Ideographic", "Phonetic"), _TEXTS))


def _values(vr: str) -> st.SearchStrategy[Any]:
    if vr == "PN":
        return _NAMES
    if vr in ("IS", "DS"):
        return st.sampled_from([1, 10, 1.0, 1.5, "1.50", "1e1", "x", "NaN", -0.0, 0])
    return _TEXTS


@st.composite
def _cases(draw: st.DrawFn) -> tuple[MatchKey, dict[str, Any]]:
    vr = draw(st.sampled_from(list(_TAGS)))
    numbers = st.sampled_from(["1", "10", "1.5", "01.0", "1E1", "0", "-0"])
    texts = numbers if vr in ("IS", "DS") else _TEXTS
    found: st.SearchStrategy[Match] = st.one_of(
        texts.map(SingleValue),
        st.lists(texts, min_size=2, max_size=3).map(lambda values: AnyOf(tuple(values))),
        _TEXTS.map(Wildcard),
        st.lists(st.text("aä1", min_size=1, max_size=2), min_size=1, max_size=2).map(
            lambda words: FuzzyName(tuple(words))
        ),
    )
    return MatchKey((_TAGS[vr],), vr, draw(found)), {
        "vr": vr,
        "Value": draw(st.lists(_values(vr), max_size=3)),
    }


def _name(text: str) -> dict[str, Any]:
    return {"vr": "PN", "Value": [{"Alphabetic": text}]}


@given(_cases(), st.sampled_from(["plain", "hashed", "omitted"]), st.booleans())
@example((MatchKey((_TAGS["PN"],), "PN", Wildcard("A^*")), _name("a")), "plain", False)
@example((MatchKey((_TAGS["PN"],), "PN", Wildcard("a^^b*")), _name("A^^B")), "plain", False)
@example(
    (MatchKey((_TAGS["LO"],), "LO", Wildcard("*z")), {"vr": "LO", "Value": ["y" * 300 + "z"]}), "plain", False
)
@example((MatchKey((_TAGS["LO"],), "LO", SingleValue("a")), {"vr": "LO", "Value": ["A"]}), "plain", True)
@example((MatchKey((_TAGS["UI"],), "UI", SingleValue("1.a")), {"vr": "UI", "Value": ["1.A"]}), "plain", True)
@example((MatchKey((_TAGS["CS"],), "CS", Wildcard("*")), {"vr": "CS", "Value": [" "]}), "plain", False)
@example((MatchKey((_TAGS["CS"],), "CS", Wildcard("**")), {"vr": "CS", "Value": [""]}), "plain", False)
@example(
    (MatchKey((_TAGS["PN"],), "PN", Wildcard("*^*=b")), {"vr": "PN", "Value": [{"Ideographic": "b"}]}),
    "plain",
    False,
)
@example((MatchKey((_TAGS["DS"],), "DS", Wildcard("1.5?")), {"vr": "DS", "Value": ["1.50"]}), "plain", False)
@example((MatchKey(("00091001",), "UN", SingleValue("01")), {"vr": "IS", "Value": ["01"]}), "plain", False)
def test_the_index_finds_no_less_than_matching(
    case: tuple[MatchKey, dict[str, Any]],
    form: Form,
    ignore_case: bool,  # noqa: FBT001 - drawn by name
) -> None:
    """On random values every random key that the index takes fits the document of each instance that matches."""
    key, attribute = case
    policy = IndexPolicy(form, key=b"k" * 32)
    try:
        clause = clause_of(key, policy, ignore_case=ignore_case)
    except UnsupportedQueryError:
        return
    attributes = {key.path[0]: attribute}
    if matches(Query("instance", 1, keys=(key,), ignore_case=ignore_case), attributes):
        assert fits(clause, document_of(_REF, attributes, {}, policy))


@pytest.mark.parametrize(
    ("key", "form"),
    [
        (MatchKey(("00080020",), "DA", Range("20200101", None)), "plain"),
        (MatchKey(("00100020",), "LO", Wildcard("A*")), "hashed"),
        (MatchKey(("00100010",), "PN", FuzzyName(("doe",))), "hashed"),
        (MatchKey(("00100020",), "LO", SingleValue("A")), "omitted"),
        (MatchKey(("00081030",), "LO", Wildcard("a\\*")), "plain"),
        (MatchKey(("00081030",), "LO", Wildcard("*")), "plain"),
        (MatchKey(("00180050",), "DS", Wildcard("1*")), "plain"),
    ],
)
def test_what_the_index_cannot_tell_it_refuses(key: MatchKey, form: Form) -> None:
    """Where it might miss a match it is not asked."""
    with pytest.raises(UnsupportedQueryError):
        clause_of(key, IndexPolicy(form, key=b"k" * 32), ignore_case=False)


def test_an_instance_that_did_not_fit_in_whole_can_match_anything() -> None:
    """Of a document that was cut off nothing is known, so every key finds it."""
    key = MatchKey(("00100020",), "LO", SingleValue("A"))
    clause = clause_of(key, IndexPolicy("plain"), ignore_case=False)
    assert fits(clause, {"truncated": True})
    assert not fits(clause, {"truncated": False})
