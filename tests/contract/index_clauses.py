"""Random clauses of the search index, of values that random archives have."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from shared.dicom.index.query import (
    Beginning,
    Bool,
    Clause,
    Everything,
    Interval,
    Nothing,
    OneOf,
    Pattern,
    Present,
)

_TEXTS = {
    "StudyInstanceUID": ["1.2.3", "1.2.3.4", "1.2.30", "1.2"],
    "PatientID": ["A", "a", "A 1", "B/2#", "13", "013", "x"],
    "StudyDescription": ["Head", "head and neck", "Thorax"],
    "Modality": ["CT", "MR", "US", "XX"],
    "PatientName.family": ["doe", "muller", "山田"],
    "PatientName.given": ["john", "jorg"],
    "year": ["2020", "2019"],
    "info": ["00100020=A", "00100020=013", "00200011=13", "00100010=doe^john", "00080020=2020"],
}
_NUMBERS = {"SeriesNumber": [1, 2, 13], "InstanceNumber": [1, 2, 3, 100], "size": [7, 8]}
_DATES = {"StudyDate": ["20200229", "20200301", "20191231"], "PatientBirthDate": ["19700101", "19800229"]}
_FIELDS = [*_TEXTS, *_NUMBERS, *_DATES]


def clauses() -> st.SearchStrategy[Clause]:
    """Draw a clause, some levels deep."""
    return st.recursive(_leaves(), _bools, max_leaves=6)


def _leaves() -> st.SearchStrategy[Clause]:
    values: dict[str, list[Any]] = {**_TEXTS, **_NUMBERS, **_DATES}
    return st.one_of(
        st.just(Everything()),
        st.just(Nothing()),
        st.sampled_from(_FIELDS).map(Present),
        st.sampled_from(_FIELDS).flatmap(
            lambda field: st.builds(
                OneOf,
                st.just(field),
                st.lists(st.sampled_from(values[field]), min_size=1, max_size=3, unique=True).map(tuple),
            )
        ),
        st.sampled_from(_FIELDS).flatmap(
            lambda field: st.builds(
                Interval,
                st.just(field),
                gte=st.none() | st.sampled_from(values[field]),
                lt=st.none() | st.sampled_from(values[field]),
            ).filter(lambda clause: (clause.gte, clause.lt) != (None, None))
        ),
        st.sampled_from(list(_TEXTS)).flatmap(
            lambda field: st.builds(
                Beginning, st.just(field), st.sampled_from(_TEXTS[field]).map(lambda text: text[:2])
            )
        ),
        st.sampled_from(list(_TEXTS)).flatmap(
            lambda field: st.builds(
                Pattern,
                st.just(field),
                st.sampled_from(_TEXTS[field]).flatmap(
                    lambda text: st.sampled_from([f"{text[:1]}*", f"*{text[-1:]}", f"?{text[1:]}", "*"])
                ),
            )
        ),
    )


def _bools(inner: st.SearchStrategy[Clause]) -> st.SearchStrategy[Clause]:
    several = st.lists(inner, max_size=3).map(tuple)
    return st.builds(
        lambda every, some, none, least: Bool(every, some, none, min(least, len(some))),
        several,
        several,
        several,
        st.integers(0, 2),
    )
