"""Search parameters: what they mean, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dicom.query import (
    AZURE,
    STANDARD,
    AnyOf,
    FuzzyName,
    Level,
    Match,
    MatchKey,
    Query,
    QueryOptions,
    Range,
    SingleValue,
    Universal,
    Wildcard,
)
from shared.dicom.query_attributes import MAX_PATH_DEPTH
from shared.dicom.query_parameters import MAX_PARAMETERS, parse_query
from shared.dicom.query_values import MAX_LIST_VALUES, MAX_VALUE_LENGTH
from shared.dicom.references import SeriesRef
from shared.errors import InvalidQueryError, InvalidRequestError, InvalidUidError, UnsupportedQueryError

if TYPE_CHECKING:
    from collections.abc import Sequence


def _parse(
    *parameters: tuple[str, str], level: Level = "instance", options: QueryOptions = STANDARD
) -> Query:
    return parse_query(level, parameters, options=options)


def test_the_query_that_ohif_sends_is_understood() -> None:
    """The study list of a viewer in use gives the query it means, with its paging and its fields."""
    query = _parse(
        ("limit", "101"),
        ("offset", "25"),
        ("fuzzymatching", "false"),
        ("includefield", "00081030,00080060,00080090,00100030"),
        ("00100020", "*MRN*"),
        ("StudyDate", "19521125-20210507"),
        ("ModalitiesInStudy", "CT,MR"),
        ("StudyInstanceUID", "1.2\\1.3"),
        level="study",
    )
    assert query == Query(
        level="study",
        limit=101,
        keys=(
            MatchKey(("00100020",), "LO", Wildcard("*MRN*")),
            MatchKey(("00080020",), "DA", Range("19521125", "20210507")),
            MatchKey(("00080061",), "CS", AnyOf(("CT", "MR"))),
            MatchKey(("0020000D",), "UI", AnyOf(("1.2", "1.3"))),
        ),
        offset=25,
        includefields=("00081030", "00080060", "00080090", "00100030"),
    )


def test_no_parameters_ask_for_everything() -> None:
    """A bare search has no keys, the default limit, and what the path names."""
    within = SeriesRef("1.2", "1.2.3")
    query = parse_query("instance", [], within=within, options=STANDARD)
    assert query == Query(level="instance", limit=STANDARD.default_limit, within=within)


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("PatientName", "", Universal()),
        ("PatientName", "**", Universal()),
        ("PatientName", " Smith^J ", SingleValue("Smith^J")),
        ("PatientName", "Sm?th", Wildcard("Sm?th")),
        ("StudyInstanceUID", "1.2", SingleValue("1.2")),
        ("SeriesNumber", "013", SingleValue("013")),
        ("PatientAge", "045y", SingleValue("045Y")),
        ("FrameIncrementPointer", "0018106a", SingleValue("0018106A")),
        ("StudyTime", "10-", Range("100000.000000", None)),
        ("PixelData", "", Universal()),
        ("StudyDescription", "a,b", SingleValue("a,b")),
        ("StudyDescription", "a\\b", SingleValue("a\\b")),
    ],
)
def test_a_value_is_read_by_its_vr(name: str, value: str, match: Match) -> None:
    """The VR decides whether a value is text, a number, a UID, a range or a list."""
    assert [match] == [key.match for key in _parse((name, value)).keys]


def test_fuzzymatching_makes_words_of_names_only() -> None:
    """A person name without wild cards becomes folded words; other keys stay what they are."""
    query = _parse(
        ("fuzzymatching", "True"),
        ("PatientName", "Müller, J"),
        ("OperatorsName", "A*"),
        ("PatientID", "7"),
    )
    assert [FuzzyName(("muller", "j")), Wildcard("A*"), SingleValue("7")] == [key.match for key in query.keys]
    assert query.fuzzymatching


@pytest.mark.parametrize(
    ("name", "path", "vr"),
    [
        ("PatientName", ("00100010",), "PN"),
        ("00100010", ("00100010",), "PN"),
        ("0020000d", ("0020000D",), "UI"),
        ("KVP", ("00180060",), "DS"),
        ("00180060", ("00180060",), "DS"),
        ("RequestAttributesSequence.00400009", ("00400275", "00400009"), "SH"),
        ("00400275.00400009", ("00400275", "00400009"), "SH"),
        ("00400275.ScheduledProtocolCodeSequence.CodeValue", ("00400275", "00400008", "00080100"), "SH"),
        ("SmallestImagePixelValue", ("00280106",), "US"),
        ("60000010", ("60000010",), "US"),
    ],
)
def test_an_attribute_is_named_by_keyword_or_tag(name: str, path: tuple[str, ...], vr: str) -> None:
    """Keywords and tags, mixed and nested, name the same attributes."""
    assert [MatchKey(path, vr, Universal())] == list(_parse((name, "")).keys)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ([("studyinstanceuid", "1.2")], "studyinstanceuid"),
        ([("PATIENTNAME", "x")], "PATIENTNAME"),
        ([("NotATag", "x")], "NotATag"),
        ([("includefield", "NotATag")], "NotATag"),
        ([("includefield", "PatientName,StudyDat")], "StudyDat"),
        ([("00091001", "x")], "00091001"),
        ([("00020010", "1.2")], "00020010"),
        ([("TransferSyntaxUID", "1.2")], "TransferSyntaxUID"),
        ([("00100000", "1")], "00100000"),
        ([("", "x")], "''"),
        ([("0020000D", "1.2"), ("StudyInstanceUID", "1.2")], "StudyInstanceUID"),
        ([("PatientID", "1"), ("PatientID", "1")], "PatientID"),
        ([("RequestAttributesSequence.00400009", "1"), ("00400275.00400009", "1")], "00400275.00400009"),
        ([("PatientID.StudyID", "1")], "PatientID"),
        ([("RequestAttributesSequence.", "1")], "''"),
        ([(".".join(["00400275"] * (MAX_PATH_DEPTH + 1)), "1")], "00400275"),
        ([("StudyDate", "-")], "StudyDate"),
        ([("StudyDate", "2024-01-01")], "StudyDate"),
        ([("StudyDate", "20241301")], "StudyDate"),
        ([("StudyDate", "2024*")], "StudyDate"),
        ([("SeriesNumber", "1*")], "SeriesNumber"),
        ([("SeriesNumber", "one")], "SeriesNumber"),
        ([("SeriesNumber", "NaN")], "SeriesNumber"),
        ([("PatientAge", "45")], "PatientAge"),
        ([("FrameIncrementPointer", "00180")], "FrameIncrementPointer"),
        ([("Modality", "CT,")], "Modality"),
        ([("Modality", "CT,M*")], "Modality"),
        ([("PatientID", "x" * (MAX_VALUE_LENGTH + 1))], "PatientID"),
        ([("Modality", ",".join(["CT"] * (MAX_LIST_VALUES + 1)))], "Modality"),
        ([("fuzzymatching", "true"), ("PatientName", "^")], "PatientName"),
        ([("fuzzymatching", "maybe")], "fuzzymatching"),
        ([("fuzzymatching", "")], "fuzzymatching"),
        ([("emptyvaluematching", "yes")], "emptyvaluematching"),
        ([("limit", "abc")], "limit"),
        ([("limit", "-1")], "limit"),
        ([("limit", "")], "limit"),
        ([("limit", "1"), ("limit", "2")], "limit"),
        ([("limit", "9999999999")], "limit"),
        ([("offset", "-1")], "offset"),
        ([("offset", "1.5")], "offset"),
        ([("offset", "\u0661")], "offset"),
    ],
)
@pytest.mark.parametrize("options", [STANDARD, AZURE])
def test_what_has_no_meaning_is_refused_by_name(
    parameters: list[tuple[str, str]], named: str, options: QueryOptions
) -> None:
    """The message names the parameter at fault."""
    with pytest.raises(InvalidQueryError, match=named):
        _parse(*parameters, options=options)


@pytest.mark.parametrize("value", ["x", "1.2.*", "1.2,", "1.2\\x", "1..2"])
def test_a_uid_key_takes_uids_only(value: str) -> None:
    """Wild cards and other text are no UIDs."""
    with pytest.raises(InvalidUidError, match="SeriesInstanceUID"):
        _parse(("SeriesInstanceUID", value))


@pytest.mark.parametrize(
    ("level", "name", "hint"),
    [
        ("study", "Modality", "series"),
        ("study", "SOPInstanceUID", "instance"),
        ("study", "KVP", "instance"),
        ("series", "SOPClassUID", "instance"),
        ("series", "KVP", "instance"),
        ("series", "NumberOfStudyRelatedInstances", "study"),
        ("instance", "ModalitiesInStudy", "study"),
        ("instance", "NumberOfSeriesRelatedInstances", "series"),
        ("study", "RetrieveURL", "leave it out"),
        ("instance", "TimezoneOffsetFromUTC", "leave it out"),
        ("instance", "PixelData", "VR OW"),
        ("instance", "RequestAttributesSequence", "VR SQ"),
    ],
)
def test_what_rows_do_not_hold_is_refused(level: Level, name: str, hint: str) -> None:
    """A key that could only ever miss is refused, with where to look; as a field to return it is no error."""
    value = "1"
    with pytest.raises(UnsupportedQueryError, match=hint):
        _parse((name, value), level=level)
    assert [Universal()] == [key.match for key in _parse((name, ""), level=level).keys]
    assert len(_parse(("includefield", name), level=level).includefields) == 1


@pytest.mark.parametrize(
    ("level", "name"),
    [
        ("study", "PatientID"),
        ("study", "StudyDescription"),
        ("study", "NumberOfStudyRelatedSeries"),
        ("series", "PatientID"),
        ("series", "Modality"),
        ("series", "RequestAttributesSequence.ScheduledProcedureStepID"),
        ("series", "NumberOfSeriesRelatedInstances"),
        ("instance", "PatientID"),
        ("instance", "Modality"),
        ("instance", "KVP"),
    ],
)
def test_a_level_is_searched_by_its_own_attributes_and_those_above(level: Level, name: str) -> None:
    """Series are found by attributes of their study too, instances by any attribute."""
    assert len(_parse((name, "1"), level=level).keys) == 1


@pytest.mark.parametrize("name", ["emptyvaluematching", "multiplevaluematching"])
def test_extensions_are_refused_rather_than_ignored(name: str) -> None:
    """What would change the answer and is not offered is an error; asking for it not to happen is fine."""
    with pytest.raises(UnsupportedQueryError, match=name):
        _parse((name, "true"))
    assert _parse((name, "false")).keys == ()


@pytest.mark.parametrize(
    ("values", "include_all", "tags"),
    [
        (["all"], True, ()),
        (["StudyDescription"], False, ("00081030",)),
        (["00081030"], False, ("00081030",)),
        (["StudyDescription,00100030", "PatientSex"], False, ("00081030", "00100030", "00100040")),
        (["StudyDescription, 00081030"], False, ("00081030",)),
        (["all,StudyDescription"], True, ("00081030",)),
        (["RequestAttributesSequence.ScheduledProcedureStepID"], False, ("00400275",)),
        (["", ","], False, ()),
    ],
)
def test_includefield_is_read_in_every_spelling(
    values: list[str],
    include_all: bool,  # noqa: FBT001 - a row of the table
    tags: tuple[str, ...],
) -> None:
    """Repeated, in lists, by keyword or tag; a nested field brings its whole sequence."""
    query = _parse(*(("includefield", value) for value in values))
    assert (include_all, tags) == (query.include_all, query.includefields)


def test_a_limit_over_the_maximum_is_capped_with_a_warning() -> None:
    """The standard dialect answers as many rows as it can and says so."""
    query = _parse(("limit", str(STANDARD.max_limit + 1)))
    assert STANDARD.max_limit == query.limit
    assert [str(STANDARD.max_limit)] == [word for word in query.warnings[0].split() if word.isdigit()]
    assert _parse(("limit", str(STANDARD.max_limit))).warnings == ()


@pytest.mark.parametrize(("limit", "allowed"), [("0", False), ("1", True), ("200", True), ("201", False)])
def test_the_azure_dialect_takes_limits_from_1_to_200(limit: str, allowed: bool) -> None:  # noqa: FBT001 - a row of the table
    """Outside its limits the service being stood in for answers with an error."""
    if allowed:
        assert int(limit) == _parse(("limit", limit), options=AZURE).limit
        return
    with pytest.raises(InvalidQueryError, match="200"):
        _parse(("limit", limit), options=AZURE)


def test_a_lenient_dialect_ignores_unknown_names_with_a_warning() -> None:
    """Unknown attributes and fields are left out one by one, and each is told; bad values stay errors."""
    lenient = QueryOptions(ignore_unknown=True)
    query = _parse(
        ("orderby", "x"), ("includefield", "NotATag,PatientSex"), ("PatientID", "1"), options=lenient
    )
    assert ([key.path[0] for key in query.keys], query.includefields) == (["00100020"], ("00100040",))
    assert len(query.warnings) == 2
    assert "orderby" in query.warnings[0]
    assert "NotATag" in query.warnings[1]
    with pytest.raises(InvalidQueryError):
        _parse(("StudyDate", "x"), options=lenient)


def test_parameters_of_the_answer_are_passed_over() -> None:
    """The parameters accept and charset say how to write the answer, not what to find."""
    assert Query(level="instance", limit=STANDARD.default_limit) == _parse(
        ("accept", "x/y"), ("charset", "utf-8")
    )


def test_too_many_parameters_are_refused() -> None:
    """A request cannot make the server read names without end."""
    with pytest.raises(InvalidQueryError, match=str(MAX_PARAMETERS)):
        _parse(*[("includefield", "PatientID")] * (MAX_PARAMETERS + 1))


@given(
    st.sampled_from(
        ["PatientName", "StudyDate", "StudyInstanceUID", "SeriesNumber", "PatientAge", "limit", "KVP"]
    ),
    st.text(st.characters(codec="utf-8"), min_size=4, max_size=40),
)
def test_messages_never_repeat_a_value(name: str, value: str) -> None:
    """What a client looks for may be a patient; errors say which parameter, not what was in it."""
    message = ""
    try:
        _parse((name, f"{value}§secret§"))
    except InvalidRequestError as error:
        message = str(error)
    assert "secret" not in message


@given(
    level=st.sampled_from(["study", "series", "instance"]),
    parameters=st.lists(
        st.tuples(
            st.text(max_size=20)
            | st.sampled_from(
                ["includefield", "limit", "PatientID", "0020000D", "StudyTime", "00400275.00400009", "00."]
            ),
            st.text(max_size=30) | st.sampled_from(["all", "1.2,1.3", "10-11", "*", "\0"]),
        ),
        max_size=6,
    ),
    options=st.sampled_from([STANDARD, AZURE, QueryOptions(ignore_unknown=True)]),
)
def test_any_parameters_give_a_query_or_a_client_error(
    level: Level, parameters: Sequence[tuple[str, str]], options: QueryOptions
) -> None:
    """Nothing a client sends leads to any other error."""
    try:
        query = parse_query(level, parameters, options=options)
    except InvalidRequestError:
        return
    assert 0 <= query.limit <= options.max_limit
