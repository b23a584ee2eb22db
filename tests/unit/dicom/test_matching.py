"""What a search means, case by case from PS3.4 C.2.2.2, through the parameters a client would send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from shared.dicom.matching import matches
from shared.dicom.query import AZURE, STANDARD, Level, QueryOptions
from shared.dicom.query_parameters import parse_query
from shared.dicom.references import SeriesRef, StudyRef

if TYPE_CHECKING:
    from collections.abc import Sequence


def _record() -> dict[str, Any]:
    """Return DICOM JSON as pydicom writes it, so that the cases hold for what files hold."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.SOPInstanceUID = "1.2.3.4"
    dataset.StudyDate = "20240131"
    dataset.SeriesDate = ""
    dataset.StudyTime = "103015.25"
    dataset.SeriesTime = "10"
    dataset.AcquisitionDateTime = "20240131233000+0900"
    dataset.DateTime = "202401"
    dataset.AccessionNumber = "A 12/3"
    dataset.Modality = "CT"
    dataset.ReferringPhysicianName = ""
    dataset.TimezoneOffsetFromUTC = "-0500"
    dataset.StudyDescription = "Knee MRI (left) [1]"
    dataset.PatientName = "Müller-Lüdenscheidt^Ann Marie^^Dr"
    dataset.PatientID = "MRN0042"
    dataset.PatientComments = "one.two\\three"
    dataset.OtherPatientNames = ["Yamada^Tarou=山田^太郎=やまだ^たろう", "Smith^John"]
    dataset.PatientAge = "045Y"
    dataset.PatientWeight = "72.50"
    dataset.StudyInstanceUID = "1.2.3"
    dataset.SeriesInstanceUID = "1.2.3.1"
    dataset.SeriesNumber = 13
    dataset.InstanceNumber = None
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.Rows = 512
    dataset.FrameIncrementPointer = 0x00181063
    dataset.DiffusionBValue = 0.5
    requests = [Dataset(), Dataset()]
    requests[0].ScheduledProcedureStepID = "S1"
    requests[0].RequestedProcedureID = "R1"
    requests[1].ScheduledProcedureStepID = "S2"
    requests[1].RequestedProcedureID = "R2"
    code = Dataset()
    code.CodeValue = "121"
    requests[1].ScheduledProtocolCodeSequence = [code]
    dataset.RequestAttributesSequence = requests
    dataset.ProcedureCodeSequence = []
    json: dict[str, Any] = dataset.to_json_dict()
    return json


RECORD = _record()

YES, NO = True, False

CASES: list[tuple[str, str, bool]] = [
    # C.2.2.2.1 single value: exact, case sensitive, padding insignificant
    ("PatientID", "MRN0042", YES),
    ("PatientID", "mrn0042", NO),
    ("PatientID", "MRN0042 ", YES),
    ("PatientID", " MRN0042", YES),
    ("PatientID", "MRN004", NO),
    ("PatientID", "MRN00421", NO),
    ("AccessionNumber", "A 12/3", YES),
    ("AccessionNumber", "A12/3", NO),
    ("StudyDescription", "Knee MRI (left) [1]", YES),
    ("Modality", "CT", YES),
    ("Modality", "C", NO),
    ("PatientAge", "045Y", YES),
    ("PatientAge", "045y", YES),
    ("PatientAge", "045M", NO),
    ("FrameIncrementPointer", "00181063", YES),
    ("FrameIncrementPointer", "00181065", NO),
    # an attribute that is absent or empty matches no value
    ("StudyID", "1", NO),
    ("ReferringPhysicianName", "Smith", NO),
    ("InstanceNumber", "0", NO),
    # numbers are compared as numbers
    ("SeriesNumber", "13", YES),
    ("SeriesNumber", "013", YES),
    ("SeriesNumber", "+13", YES),
    ("SeriesNumber", "1", NO),
    ("PatientWeight", "72.5", YES),
    ("PatientWeight", "7.25E1", YES),
    ("PatientWeight", "72.51", NO),
    ("Rows", "512", YES),
    ("Rows", "511", NO),
    ("DiffusionBValue", "0.50", YES),
    # several values: any of them
    ("ImageType", "PRIMARY", YES),
    ("ImageType", "DERIVED", NO),
    ("ImageType", "ORIGINAL,DERIVED", YES),
    ("ImageType", "P?IMARY", YES),
    ("ImageOrientationPatient", "0", YES),
    ("ImageOrientationPatient", "-1", NO),
    # C.2.2.2.2 list of UIDs
    ("SOPInstanceUID", "1.2.3.4", YES),
    ("SOPInstanceUID", "1.2.3", NO),
    ("SOPInstanceUID", "1.2.3.5,1.2.3.4", YES),
    ("SOPInstanceUID", "1.2.3.5\\1.2.3.4", YES),
    ("SOPInstanceUID", "1.2.3.5, 1.2.3.4", YES),
    ("SOPInstanceUID", "1.2.3.5,1.2.3.6", NO),
    # code strings may be a list as well
    ("Modality", "MR,CT", YES),
    ("Modality", "MR\\CT", YES),
    ("Modality", "MR,US", NO),
    # C.2.2.2.3 universal
    ("PatientID", "", YES),
    ("StudyID", "", YES),
    ("StudyDate", "", YES),
    ("Rows", "", YES),
    ("RequestAttributesSequence", "", YES),
    ("ProcedureCodeSequence.CodeValue", "", YES),
    # C.2.2.2.4 wild card
    ("PatientID", "MRN*", YES),
    ("PatientID", "*42", YES),
    ("PatientID", "*00*", YES),
    ("PatientID", "*", YES),
    ("StudyID", "*", YES),
    ("StudyID", "?*", NO),
    ("StudyID", "*x*", NO),
    ("PatientID", "MRN00?2", YES),
    ("PatientID", "MRN0042?", NO),
    ("PatientID", "???????", YES),
    ("PatientID", "??????", NO),
    ("PatientID", "mrn*", NO),
    ("PatientID", "M*N*4*2", YES),
    ("PatientID", "M*N*4*3", NO),
    ("PatientID", "MRN0042*", YES),
    ("StudyDescription", "*MRI (left) [1]", YES),
    ("StudyDescription", "*MRI .left.*", NO),
    ("StudyDescription", "Knee*?[?]", YES),
    ("PatientComments", "one?two*", YES),
    # C.2.2.2.5 dates
    ("StudyDate", "20240131", YES),
    ("StudyDate", "20240130", NO),
    ("StudyDate", "20240131-20240131", YES),
    ("StudyDate", "20240101-20240131", YES),
    ("StudyDate", "20240131-20240228", YES),
    ("StudyDate", "20240101-20240130", NO),
    ("StudyDate", "20240201-20240228", NO),
    ("StudyDate", "20240131-", YES),
    ("StudyDate", "20240201-", NO),
    ("StudyDate", "-20240131", YES),
    ("StudyDate", "-20240130", NO),
    ("SeriesDate", "-20240130", NO),
    ("PatientBirthDate", "19000101-", NO),
    # times, in whatever precision
    ("StudyTime", "103015.25", YES),
    ("StudyTime", "103015.250000", YES),
    ("StudyTime", "103015", YES),
    ("StudyTime", "1030", YES),
    ("StudyTime", "10", YES),
    ("StudyTime", "103015.3", NO),
    ("StudyTime", "1031", NO),
    ("StudyTime", "10-11", YES),
    ("StudyTime", "0900-10", YES),
    ("StudyTime", "0900-1029", NO),
    ("StudyTime", "0900-1030", YES),
    ("StudyTime", "103016-", NO),
    ("StudyTime", "-103015", YES),
    ("StudyTime", "-103015.2", YES),
    ("StudyTime", "-103015.1", NO),
    ("SeriesTime", "10", YES),
    ("SeriesTime", "1000", YES),
    ("SeriesTime", "1001", NO),
    ("SeriesTime", "0930-1000", YES),
    # date and time in one; without an offset in the query the local digits count, with one the moment
    ("AcquisitionDateTime", "20240131", YES),
    ("AcquisitionDateTime", "202401312330", YES),
    ("AcquisitionDateTime", "202401311430+0000", YES),
    ("AcquisitionDateTime", "202401311431+0000", NO),
    ("AcquisitionDateTime", "202401310930-0500", YES),
    ("AcquisitionDateTime", "202401312330+0000", NO),
    ("AcquisitionDateTime", "20240131143000+0000-20240131143000+0000", YES),
    ("AcquisitionDateTime", "2023-2024", YES),
    ("AcquisitionDateTime", "-2023", NO),
    ("DateTime", "2024", YES),
    ("DateTime", "20240101", YES),
    ("DateTime", "20240102-", NO),
    ("DateTime", "2024010105+0000", YES),
    ("DateTime", "2024010104+0000", NO),
    # person names: no case, no accents, no empty components at the end, any group
    ("PatientName", "Müller-Lüdenscheidt^Ann Marie^^Dr", YES),
    ("PatientName", "MULLER-LUDENSCHEIDT^ANN MARIE^^DR", YES),
    ("PatientName", "müller-lüdenscheidt^ann marie^^dr^", YES),
    ("PatientName", "Müller-Lüdenscheidt^Ann Marie", NO),
    ("PatientName", "Müller-Lüdenscheidt", NO),
    ("PatientName", "muller*", YES),
    ("PatientName", "m?ller*", YES),
    ("PatientName", "*^ann*", YES),
    ("PatientName", "*marie*", YES),
    ("PatientName", "ann*", NO),
    ("OtherPatientNames", "smith^john", YES),
    ("OtherPatientNames", "smith^john^^^", YES),
    ("OtherPatientNames", "smith^john^*", YES),
    ("OtherPatientNames", "smith^*^*", YES),
    ("OtherPatientNames", "sm?th*", YES),
    ("OtherPatientNames", "YAMADA^TAROU", YES),
    ("OtherPatientNames", "山田^太郎", YES),
    ("OtherPatientNames", "山*", YES),
    ("OtherPatientNames", "やまだ^たろう", YES),
    ("OtherPatientNames", "やまた^たろう", NO),
    ("OtherPatientNames", "Yamada^Tarou=山田^太郎", YES),
    ("OtherPatientNames", "=山田^太郎", YES),
    ("OtherPatientNames", "==やまだ*", YES),
    ("OtherPatientNames", "Smith^John=山田^太郎", NO),
    ("OtherPatientNames", "山田^太郎=Yamada^Tarou", NO),
    ("OtherPatientNames", "a=b=c=d", NO),
    ("PatientName", "^", NO),
    ("PatientName", "*^", YES),
    # C.2.2.2.6 sequences
    ("RequestAttributesSequence.ScheduledProcedureStepID", "S1", YES),
    ("RequestAttributesSequence.ScheduledProcedureStepID", "S2", YES),
    ("RequestAttributesSequence.ScheduledProcedureStepID", "S3", NO),
    ("00400275.00400009", "S?", YES),
    ("RequestAttributesSequence.00401001", "R2", YES),
    ("RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue", "121", YES),
    ("RequestAttributesSequence.ScheduledProtocolCodeSequence.CodeValue", "122", NO),
    ("ProcedureCodeSequence.CodeValue", "121", NO),
    ("DerivationCodeSequence.CodeValue", "121", NO),
]


def _matches(
    parameters: Sequence[tuple[str, str]],
    *,
    level: Level = "instance",
    within: StudyRef | SeriesRef | None = None,
    options: QueryOptions = STANDARD,
    record: dict[str, Any] = RECORD,
) -> bool:
    return matches(parse_query(level, parameters, within=within, options=options), record)


@pytest.mark.parametrize(("name", "value", "expected"), CASES)
def test_one_key_matches_as_the_standard_says(name: str, value: str, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    """Each hand-written case gives the answer that PS3.4 C.2.2.2, or the stated rule where that leaves a choice, asks for."""
    assert expected is _matches([(name, value)])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("joh", YES),
        ("joh smi", YES),
        ("smi^jo", YES),
        ("ohn", NO),
        ("joh smx", NO),
        ("lüdensch", YES),
        ("LUDENSCH MULL", YES),
        ("dr marie", YES),
        ("山", YES),
        ("*ohn*", YES),
        ("smith^john", YES),
    ],
)
def test_fuzzy_matching_finds_beginnings_of_words(value: str, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    """Each word of the query begins a word of one name; wild cards keep their meaning."""
    names = [("PatientName", value), ("OtherPatientNames", value)]
    assert expected is any(_matches([("fuzzymatching", "true"), name]) for name in names)


def test_fuzzy_matching_leaves_other_attributes_exact() -> None:
    """Only person names are matched fuzzily."""
    assert not _matches([("fuzzymatching", "true"), ("StudyDescription", "Knee")])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PatientID", "mrn0042", YES),
        ("PatientID", "mrn*", YES),
        ("StudyDescription", "*KNEE*", YES),
        ("Modality", "ct", YES),
        ("Modality", "mr,ct", YES),
        ("PatientID", "mrn0043", NO),
    ],
)
def test_the_azure_dialect_ignores_case_of_text(name: str, value: str, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    """Where the service being stood in for ignores letter case, so does the search."""
    assert expected is _matches([(name, value)], options=AZURE)


def test_accents_count_outside_person_names() -> None:
    """Ignoring case does not ignore accents of other text."""
    record = {"00081030": {"vr": "LO", "Value": ["Schädel"]}}
    assert _matches([("StudyDescription", "SCHÄDEL")], options=AZURE, record=record)
    assert not _matches([("StudyDescription", "Schadel")], options=AZURE, record=record)


def test_all_keys_must_match() -> None:
    """One key that fails is enough to leave the record out."""
    assert _matches([("PatientID", "MRN0042"), ("Modality", "CT")])
    assert not _matches([("PatientID", "MRN0042"), ("Modality", "MR")])


def test_keys_of_one_sequence_must_match_in_one_item() -> None:
    """Values spread over two items of a sequence do not make a match (C.2.2.2.6)."""
    step, procedure = "RequestAttributesSequence.ScheduledProcedureStepID", "00400275.RequestedProcedureID"
    assert _matches([(step, "S1"), (procedure, "R1")])
    assert not _matches([(step, "S1"), (procedure, "R2")])


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        (None, YES),
        (StudyRef("1.2.3"), YES),
        (StudyRef("1.2"), NO),
        (SeriesRef("1.2.3", "1.2.3.1"), YES),
        (SeriesRef("1.2.3", "1.2.3.2"), NO),
        (SeriesRef("1.2", "1.2.3.1"), NO),
    ],
)
def test_the_path_limits_what_is_found(within: StudyRef | SeriesRef | None, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    """A record outside the study or series of the path is not in the answer."""
    assert expected is _matches([], within=within)


@pytest.mark.parametrize(
    ("value", "expected"), [("CT", YES), ("SR", YES), ("MR", NO), ("MR,SR", YES), ("S*", YES)]
)
def test_a_study_is_found_by_any_of_its_modalities(value: str, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    """ModalitiesInStudy matches if one series has that modality."""
    row = {"00080061": {"vr": "CS", "Value": ["CT", "SR"]}}
    assert expected is _matches([("ModalitiesInStudy", value)], level="study", record=row)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ({"vr": "DA", "Value": ["2024.01.31"]}, "20240131"),
        ({"vr": "DA", "Value": ["20240131 "]}, "-20240131"),
        ({"vr": "DA", "Value": [None, "20240131"]}, "20240131"),
    ],
)
def test_dates_as_old_files_have_them_match(attribute: dict[str, Any], value: str) -> None:
    """Dots of ACR-NEMA dates, padding and empty values among others do not hide a date."""
    assert _matches([("StudyDate", value)], record={"00080020": attribute})


@pytest.mark.parametrize(
    ("name", "vr", "stored", "value"),
    [
        ("PatientID", "LO", " MRN1 ", "MRN1"),
        ("PatientID", "LO", "MRN1 ", "*1"),
        ("SOPInstanceUID", "UI", "1.2\0", "1.2"),
        ("SeriesNumber", "IS", " 7 ", "7"),
        ("Modality", "CS", "CT ", "MR,CT"),
    ],
)
def test_padding_of_stored_values_does_not_count(name: str, vr: str, stored: str, value: str) -> None:
    """Spaces around a value, and the null after a UID, are no part of it (PS3.5 6.2)."""
    query = parse_query("instance", [(name, value)], options=STANDARD)
    assert matches(query, {query.keys[0].path[0]: {"vr": vr, "Value": [stored]}})


@pytest.mark.parametrize("stored", ["", "unknown", "20241301", "0", None])
def test_what_is_no_date_matches_no_range(stored: str | None) -> None:
    """A date that cannot be read lies in no range, not even an open one."""
    assert not _matches([("StudyDate", "00010101-")], record={"00080020": {"vr": "DA", "Value": [stored]}})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
asked = [
    ("StudyDate", "20240101-"),
    ("StudyTime", "10"),
    ("AcquisitionDateTime", "2024+0000"),
    ("PatientName", "a*"),
    ("PatientID", "?*"),
    ("SeriesNumber", "1"),
    ("SOPInstanceUID", "1,2"),
    ("RequestAttributesSequence.ScheduledProcedureStepID", "1"),
]


@given(key=st.sampled_from(asked), values=st.lists(json_values, max_size=3), offset=st.text(max_size=6))
def test_odd_values_never_break_a_search(key: tuple[str, str], values: list[Any], offset: str) -> None:
    """Whatever a file put where another type belongs, the search answers."""
    query = parse_query("instance", [key], options=STANDARD)
    record = {
        query.keys[0].path[0]: {"vr": "UN", "Value": values},
        "00080201": {"vr": "SH", "Value": [offset]},
    }
    assert matches(query, record) in (True, False)
