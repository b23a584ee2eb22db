"""Random archives and random searches of them. Values come from short lists, so that searches find something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from shared.dicom.query import (
    AnyOf,
    FuzzyName,
    Level,
    Match,
    MatchKey,
    Query,
    Range,
    SingleValue,
    Universal,
    Wildcard,
)
from shared.dicom.references import SeriesRef, StudyRef
from shared.records import InstanceRecord
from tests.contract.records import a_record, an_instance

STUDY_UIDS = ["1.2.3", "1.2.3.4", "1.2.30", "1.2"]
_TEXTS = ["A", "a", "A 1", "B/2#", "13", "013"]
_DATES = ["20200229", "20200301", "20191231", "2020"]
_NAMES = ["Doe^John", "DOE^JANE", "Müller^Jörg", "Doe", "山田^太郎"]

type Table = list[tuple[str, str, list[Any]]]
"""Tag, VR and values."""

STUDY: Table = [
    ("00080020", "DA", _DATES),
    ("00080050", "SH", _TEXTS),
    ("00081030", "LO", ["Head", "head and neck", "Thorax"]),
    ("00100010", "PN", [{"Alphabetic": name} for name in _NAMES]),
    ("00100020", "LO", _TEXTS),
    ("00100030", "DA", ["19700101", "19800229"]),
    ("00100040", "CS", ["F", "M", "O"]),
    ("00200010", "SH", _TEXTS),
]
SERIES: Table = [
    ("00080060", "CS", ["CT", "MR", "US"]),
    ("0008103E", "LO", ["axial", "Axial T2", "scout"]),
    ("00200011", "IS", [1, 2, 13]),
]
INSTANCE: Table = [("00200013", "IS", [1, 2, 3, 100])]


def _attributes(table: Table) -> st.SearchStrategy[dict[str, Any]]:
    """Draw some attributes of a level, each with a value, without one, or absent."""
    one = {
        tag: st.sampled_from([{"vr": vr}, *({"vr": vr, "Value": [value]} for value in values)])
        for tag, vr, values in table
    }
    return st.fixed_dictionaries({}, optional=one)


@st.composite
def archives(draw: st.DrawFn) -> list[InstanceRecord]:
    """Draw the records of a few studies; what a level says is the same in all instances of it."""
    records = []
    for study in draw(st.lists(st.sampled_from(STUDY_UIDS), min_size=1, max_size=4, unique=True)):
        of_study = draw(_attributes(STUDY))
        for series in range(draw(st.integers(1, 2))):
            of_series = of_study | draw(_attributes(SERIES))
            for instance in range(draw(st.integers(1, 2))):
                ref = an_instance(study, f"{study}.{series + 1}", f"{study}.{series + 1}.{instance + 1}")
                records.append(a_record(ref, attributes=of_series | draw(_attributes(INSTANCE))))
    return records


def _text_matches(values: list[Any]) -> st.SearchStrategy[Match]:
    texts = st.sampled_from([str(value) for value in values])
    padded = texts.map(lambda text: f"{text} ")
    wildcard = texts.flatmap(
        lambda text: st.sampled_from([f"{text[:1]}*", f"*{text[-1:]}", f"?{text[1:]}", "*"])
    )
    return st.one_of(texts.map(SingleValue), padded.map(SingleValue), wildcard.map(Wildcard))


def _date_matches() -> st.SearchStrategy[Match]:
    bounds = st.sampled_from(["20191231", "20200101", "20200229", "20200301"])
    first, last = st.none() | bounds, st.none() | bounds
    return st.builds(Range, first, last).filter(lambda match: (match.first, match.last) != (None, None))


def _name_matches() -> st.SearchStrategy[Match]:
    words = st.sampled_from([("doe",), ("jo", "doe"), ("muller",), ("x",)])
    return _text_matches(_NAMES) | words.map(FuzzyName)


def _matches(vr: str, values: list[Any]) -> st.SearchStrategy[Match]:
    if vr == "DA":
        found: st.SearchStrategy[Match] = _date_matches()
    elif vr == "PN":
        found = _name_matches()
    elif vr == "IS":
        found = st.sampled_from([str(value) for value in values]).map(SingleValue)
    else:
        found = _text_matches(values)
    return found | st.just(Universal())


_UIDS: Mapping[str, list[str]] = {
    "0020000D": [*STUDY_UIDS, "1.2.3.4.5"],
    "0020000E": ["1.2.3.1", "1.2.3.4.1", "1.2.30.2", "1.2.1"],
    "00080018": ["1.2.3.1.1", "1.2.3.4.1.1", "1.2.30.2.1", "1.2.3"],
}


def _uid_key(tag: str) -> st.SearchStrategy[MatchKey]:
    one = st.sampled_from(_UIDS[tag]).map(SingleValue)
    several = st.lists(st.sampled_from(_UIDS[tag]), min_size=2, max_size=3, unique=True).map(
        lambda uids: AnyOf(tuple(uids))
    )
    return st.builds(MatchKey, st.just((tag,)), st.just("UI"), one | several)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Draw a search of any level with up to three keys, each of another attribute of that level or one above."""
    level: Level = draw(st.sampled_from(["study", "series", "instance"]))
    tables: Mapping[Level, Table] = {
        "study": STUDY,
        "series": STUDY + SERIES,
        "instance": STUDY + SERIES + INSTANCE,
    }
    uids: Mapping[Level, int] = {"study": 1, "series": 2, "instance": 3}
    keys = [
        st.builds(MatchKey, st.just((tag,)), st.just(vr), _matches(vr, values))
        for tag, vr, values in tables[level]
    ]
    keys += [_uid_key(tag) for tag in list(_UIDS)[: uids[level]]]
    within: st.SearchStrategy[StudyRef | SeriesRef | None] = st.none()
    if level != "study":
        of_series = st.builds(SeriesRef, st.sampled_from(STUDY_UIDS), st.sampled_from(_UIDS["0020000E"]))
        within = within | st.sampled_from(STUDY_UIDS).map(StudyRef) | of_series
    return Query(
        level=level,
        limit=draw(st.integers(1, 20)),
        within=draw(within),
        keys=tuple(draw(st.lists(st.one_of(keys), max_size=3, unique_by=lambda key: key.path))),
        offset=draw(st.integers(0, 3)),
        ignore_case=draw(st.booleans()),
    )
