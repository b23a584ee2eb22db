"""A query of a client's is read, limited, and written anew: nothing else reaches the search engine."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.backends.elasticsearch.clauses import within_partition
from shared.dicom.index.fields import kinds
from shared.dicom.index.policy import IndexPolicy
from shared.dicom.index.query import Beginning, Bool, Everything, Interval, OneOf, Pattern, Present
from shared.dicom.index.query_body import read_query
from shared.errors import InvalidQueryError, InvalidRequestError, UnsupportedQueryError

PLAIN = IndexPolicy("plain")
HASHED = IndexPolicy("hashed", key=b"k" * 32)


@pytest.mark.parametrize(
    ("query", "clause"),
    [
        ({"match_all": {}}, Everything()),
        ({"term": {"risk": "high"}}, OneOf("risk", ("high",))),
        ({"term": {"SOPInstanceUID": {"value": "1.2"}}}, OneOf("SOPInstanceUID", ("1.2",))),
        (
            {"range": {"StudyDate": {"gte": "2020-01-01", "lt": "20210101"}}},
            Interval("StudyDate", gte="20200101", lt="20210101"),
        ),
        ({"range": {"(0020,0013)": {"gt": "7"}}}, Interval("InstanceNumber", gt=7)),
        ({"range": {"Slice Thickness": {"lte": 1.5}}}, Interval("SliceThickness", lte=1.5)),
        ({"prefix": {"PatientName.family": "MÜL"}}, Beginning("PatientName.family", "mul")),
        ({"wildcard": {"Study Description": {"value": "*head*"}}}, Pattern("StudyDescription", "*head*")),
        ({"exists": {"field": "Manufacturer"}}, Present("Manufacturer")),
        ({"term": {"info.(0010,0020)": "X"}}, Bool(every=(OneOf("info", ("00100020=X",)),))),
        ({"match": {"InstanceNumber": {"query": 7}}}, Bool(every=(OneOf("info", ("00200013=7",)),))),
        (
            {"bool": {"filter": {"term": {"year": "2020"}}, "must_not": [{"match_none": {}}]}},
            Bool(every=(OneOf("year", ("2020",)),), none=(read_query({"match_none": {}}, PLAIN),)),
        ),
        ({"terms": {"risk": ["low", "high"]}}, OneOf("risk", ("low", "high"))),
    ],
)
def test_queries_are_read(query: dict[str, Any], clause: object) -> None:
    """The part of the language that is taken means what it does in Elasticsearch; attributes by any of their names."""
    assert read_query(query, PLAIN) == clause


@pytest.mark.parametrize(
    "query",
    [
        {"script": {"script": "doc['x'].value > 1"}},
        {"script_score": {"query": {"match_all": {}}}},
        {"function_score": {}},
        {"query_string": {"query": "*"}},
        {"regexp": {"Modality": ".*"}},
        {"fuzzy": {"Modality": "CT"}},
        {"terms": {"StudyInstanceUID": {"index": "secrets", "id": "1", "path": "x"}}},
        {"percolate": {}},
        {"more_like_this": {}},
        {"wrapper": {"query": "e30="}},
        {"term": {"Modality": {"value": "CT", "boost": 3}}},
        {"bool": {"filter": [{"script": {}}]}},
        {"constant_score": {"filter": {"has_child": {}}}},
        {"range": {"StudyDate": {"gte": "20200101", "format": "yyyy"}}},
        {"range": {"(0009,1001)": {"gte": 1}}},
        {"prefix": {"EthnicGroupCodeSequence": "x"}},
    ],
)
def test_what_is_not_taken_is_refused_by_name(query: dict[str, Any]) -> None:
    """Scripts, joins, lookups in other indices, and options that would be ignored are refused, not passed on."""
    with pytest.raises(UnsupportedQueryError):
        read_query(query, PLAIN)


@pytest.mark.parametrize(
    "query",
    [
        None,
        [],
        "match_all",
        {},
        {"match_all": {}, "term": {}},
        {"term": {"NoSuchAttribute": "x"}},
        {"term": {"Modality": None}},
        {"term": {"Modality": ["CT"]}},
        {"term": {"Modality": "C" * 2000}},
        {"range": {"StudyDate": {"gte": "yesterday"}}},
        {"range": {"StudyDate": {}}},
        {"range": {"SliceThickness": {"gt": "NaN"}}},
        {"range": {"InstanceNumber": {"gt": 1e400}}},
        {"range": {"InstanceNumber": {"gt": 10**30}}},
        {"wildcard": {"StudyDescription": "*" * 9}},
        {"wildcard": {"StudyDescription": "a\\*"}},
        {"prefix": {"InstanceNumber": "1"}},
        {"terms": {"risk": []}},
        {"terms": {"risk": ["x"] * 1001}},
        {"bool": {"should": [{"match_all": {}}], "minimum_should_match": 2}},
        {"bool": {"should": [{"match_all": {}}], "minimum_should_match": "50%"}},
        {"bool": {"filter": [{"match_all": {}}] * 300}},
    ],
)
def test_what_has_no_meaning_is_an_error(query: Any) -> None:
    """A query that cannot be understood, or is too large, is an error, never an answer without hits."""
    with pytest.raises(InvalidQueryError):
        read_query(query, PLAIN)


def test_depth_is_limited() -> None:
    """A query nested without end is refused before it is read to its end."""
    query: dict[str, Any] = {"match_all": {}}
    for _ in range(5000):
        query = {"bool": {"must": [query]}}
    with pytest.raises(InvalidQueryError):
        read_query(query, PLAIN)


@pytest.mark.parametrize(
    "query",
    [
        {"range": {"StudyDate": {"gte": "20200101"}}},
        {"prefix": {"PatientID": "X"}},
        {"wildcard": {"PatientName.family": "*"}},
        {"term": {"PatientName.family": "doe"}},
        {"exists": {"field": "AccessionNumber"}},
    ],
)
def test_what_the_policy_hides_is_asked_for_exactly_or_not_at_all(query: dict[str, Any]) -> None:
    """Ranges and patterns of attributes that are hashed are refused, for they would find nothing; exact values work."""
    with pytest.raises(UnsupportedQueryError):
        read_query(query, HASHED)
    assert read_query({"terms": {"PatientID": ["X", "Y"]}}, HASHED)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "bool",
                    "filter",
                    "should",
                    "term",
                    "terms",
                    "range",
                    "gte",
                    "Modality",
                    "StudyDate",
                    "exists",
                    "field",
                    "x",
                ]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_json_is_read_or_refused(query: Any) -> None:
    """No JSON makes reading fail in another way, and what is read names fields of the index only."""
    try:
        clause = read_query(query, PLAIN)
    except InvalidRequestError:
        return
    written = within_partition("p", clause)
    assert written["bool"]["filter"][0] == {"term": {"partition": "p"}}
    assert _fields(written) <= set(kinds())


def _fields(query: Any) -> set[str]:
    found: set[str] = set()
    for kind, inner in query.items():
        if kind == "bool":
            for name, clauses in inner.items():
                if name != "minimum_should_match":
                    found |= {field for clause in clauses for field in _fields(clause)}
        elif kind == "exists":
            found.add(inner["field"])
        else:
            found |= set(inner)
    return found
