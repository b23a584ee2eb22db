"""What belonged together still does, and only the holder of the secret can link it to what it was."""

import subprocess
import sys
from datetime import date, datetime
from io import BytesIO
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from shared.dicom.deidentification.profile import (
    FILTERS,
    PRIVATE,
    PSEUDONYMISATION,
    SAFE_HARBOR,
    Option,
    Profile,
    combine,
)
from shared.dicom.deidentification.pseudonyms import Pseudonyms
from shared.errors import (
    InvalidAttributeError,
    InvalidRequestError,
    MissingAttributeError,
    SettingsError,
    UnsupportedObjectError,
)
from tests.instances import a_dataset, an_instance, part10
from tests.unit.dicom.deidentification.canaries import SECRET, rewritten
from tests.unit.dicom.dicom_files import SEQUENCE_END, UNDEFINED, bundled, element, quiet
from tests.unit.dicom.dicom_files import item as raw_item
from tests.unit.dicom.dicom_files import part10 as raw_part10

MODIFIED = Profile(options=frozenset({Option.RETAIN_MODIFIED_DATES}))


async def read(data: bytes, profile: Profile | None = None, secret: bytes = SECRET) -> Dataset:
    """Return the de-identified data set of a file."""
    out, _ = await rewritten(data, profile or Profile(), secret)
    return pydicom.dcmread(BytesIO(out))


def item(**attributes: Any) -> Dataset:
    """Return an item of a sequence."""
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def test_another_process_gives_the_same_pseudonyms() -> None:
    """Nothing is remembered: UIDs, ids and shifts follow from the secret alone."""
    program = (
        "from shared.dicom.deidentification.pseudonyms import Pseudonyms;"
        f"p = Pseudonyms({SECRET!r}); print(p.uid('1.2.3'), p.identifier('patient', 'P1'), p.days('P1'))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    here = Pseudonyms(SECRET)
    assert said.split() == [here.uid("1.2.3"), here.identifier("patient", "P1"), str(here.days("P1"))]
    other = Pseudonyms(b"another secret of 32 bytes, also")
    assert here.uid("1.2.3") != other.uid("1.2.3")
    assert here.identifier("patient", "P1") != other.identifier("patient", "P1")


def test_mapped_uids_are_uids() -> None:
    """Each is 2.25 and a UUID, 64 characters at most; what the standard gives out stays."""
    pseudonyms = Pseudonyms(SECRET)

    assert all(len(pseudonyms.uid(f"1.2.{n}")) <= 44 for n in range(500))
    assert all(pydicom.uid.UID(pseudonyms.uid(f"1.2.{n}")).is_valid for n in range(500))
    assert pseudonyms.uid("1.2.840.10008.1.4.1.1") == "1.2.840.10008.1.4.1.1"


def test_a_short_secret_is_refused() -> None:
    """What can be tried out is no secret."""
    with pytest.raises(SettingsError, match="DICOM_DEIDENTIFY_SECRET"):
        Pseudonyms(b"short")


async def test_references_inside_a_study_still_point_at_each_other() -> None:
    """A UID is mapped alike wherever it stands: data set, file meta, nested references."""
    image = await read(an_instance(1, 1, 1))
    referring = a_dataset(1, 1, 2)
    original = a_dataset(1, 1, 1)
    referring.ReferencedImageSequence = [
        item(ReferencedSOPClassUID=original.SOPClassUID, ReferencedSOPInstanceUID=original.SOPInstanceUID)
    ]
    series = item(SeriesInstanceUID=original.SeriesInstanceUID)
    series.ReferencedInstanceSequence = list(referring.ReferencedImageSequence)
    referring.ReferencedSeriesSequence = [series]

    other = await read(part10(referring))

    assert other.ReferencedImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    reference = other.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
    assert (
        reference.ReferencedSOPInstanceUID
        == image.SOPInstanceUID
        == image.file_meta.MediaStorageSOPInstanceUID
    )
    assert reference.ReferencedSOPClassUID == original.SOPClassUID
    assert other.StudyInstanceUID == image.StudyInstanceUID != original.StudyInstanceUID


async def test_patients_stay_distinct_and_the_same() -> None:
    """One patient has one pseudonym in all files, as id and name; accession numbers and study ids stay joined too."""
    one, again, other = [
        await read(an_instance(study, PatientID=patient, AccessionNumber="ACC77", StudyID="ST-9"))
        for study, patient in ((1, "MRN/1"), (2, "MRN/1 "), (3, "MRN/2"))
    ]

    assert one.PatientID == again.PatientID != other.PatientID
    assert str(one.PatientName) == one.PatientID
    assert one.AccessionNumber == other.AccessionNumber not in ("", "ACC77")
    assert one.StudyID == other.StudyID
    assert len(one.AccessionNumber) <= 16


async def test_intervals_are_kept_and_shifts_differ_by_patient() -> None:
    """All dates of a patient move alike, DA and DT, nested too; those of another patient otherwise."""

    def dated(patient: str, day: str) -> bytes:
        data_set = a_dataset(1, PatientID=patient, StudyDate=day, ContentDate=["20200101", "20200111"])
        data_set.AcquisitionDateTime = f"{day}235959.5+0100"
        with quiet():
            data_set.ReferencedSeriesSequence = [item(SeriesDate=day, ContentDate="202001")]
        return part10(data_set)

    one = await read(dated("A", "20240301"), MODIFIED)
    two = await read(dated("A", "20240101"), MODIFIED)
    other = await read(dated("B", "20240301"), MODIFIED)

    def day_of(data_set: Dataset) -> date:
        return datetime.strptime(data_set.StudyDate, "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone

    assert (day_of(one) - day_of(two)).days == 60
    assert day_of(one) < date(2024, 3, 1)
    assert day_of(one) != day_of(other)
    assert one.AcquisitionDateTime == f"{one.StudyDate}235959.5+0100"
    assert one.ReferencedSeriesSequence[0].SeriesDate == one.StudyDate
    assert len(one.ReferencedSeriesSequence[0].ContentDate) == 6
    assert len(one.ContentDate) == 2
    assert one.StudyTime == "101500"
    assert one.LongitudinalTemporalInformationModified == "MODIFIED"


async def test_old_age_is_capped_also_where_characteristics_are_retained() -> None:
    """Who is over 89 is 90."""
    profile = Profile(options=frozenset({Option.RETAIN_PATIENT_CHARACTERISTICS}))

    data_set = await read(an_instance(1, PatientAge="095Y", PatientSex="F", PatientWeight="61"), profile)

    assert (data_set.PatientAge, data_set.PatientSex, data_set.PatientWeight) == ("090Y", "F", 61)
    assert "PatientAge" not in await read(an_instance(1, PatientAge="095Y"))


async def test_the_file_says_what_was_done() -> None:
    """(0012,0062), (0012,0063), (0012,0064) and (0028,0303) are written; what stood there before goes."""
    profile = Profile(options=frozenset({Option.RETAIN_UIDS, Option.RETAIN_FULL_DATES}))
    before = a_dataset(1, PatientIdentityRemoved="NO", DeidentificationMethod="by J. Doe")

    data_set = await read(part10(before), profile)

    assert data_set.PatientIdentityRemoved == "YES"
    assert list(data_set.DeidentificationMethod) == ["dicom-functions, PS3.15 2026d", "Basic Profile"]
    codes = [
        (code.CodeValue, code.CodingSchemeDesignator) for code in data_set.DeidentificationMethodCodeSequence
    ]
    assert codes == [("113100", "DCM"), ("113106", "DCM"), ("113110", "DCM")]
    assert data_set.LongitudinalTemporalInformationModified == "UNMODIFIED"
    assert data_set.StudyInstanceUID == before.StudyInstanceUID
    assert (await read(part10(before))).LongitudinalTemporalInformationModified == "REMOVED"


async def test_a_name_that_is_repeated_in_kept_text_goes() -> None:
    """A descriptor that the table lets stand becomes a dummy if the patient's name, id or UID is in it."""
    data_set = a_dataset(
        1, PatientName="Ångström^Jo", PatientID="MRN-4711", SpecificCharacterSet="ISO_IR 192"
    )
    data_set.ImageType = ["DERIVED", "SECONDARY"]
    data_set.ManufacturerModelName = "Scanner of mrn-4711"
    data_set.ReferencedSeriesSequence = [
        item(CodeMeaning="seen by Ångström", CodingSchemeName="Angstromen", CodingSchemeVersion="2.0")
    ]
    data_set.PixelPaddingValue = 4711
    data_set.CodingSchemeResponsibleOrganization = f"of {data_set.StudyInstanceUID}"

    out, made = await rewritten(part10(data_set), Profile())

    rewritten_set = pydicom.dcmread(BytesIO(out))
    assert rewritten_set.ManufacturerModelName == "DEIDENTIFIED"
    assert rewritten_set.ReferencedSeriesSequence[0].CodeMeaning == "DEIDENTIFIED"
    assert rewritten_set.ReferencedSeriesSequence[0].CodingSchemeName == "Angstromen"
    assert rewritten_set.CodingSchemeResponsibleOrganization == "DEIDENTIFIED"
    assert list(rewritten_set.ImageType) == ["DERIVED", "SECONDARY"]
    assert "(0008,1090)" in {change.path for change in made.report.changes}


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(
    ("filters", "attributes"),
    [
        (["GDPR"], {"PatientName": "Dicom^Functions"}),
        (["GDPR"], {"PatientName": "Basic^Profile", "PatientID": "113100"}),
        (["HIPAA"], {"PatientName": "Harbor^Safe", "AccessionNumber": "MODIFIED"}),
        (["HIPAA"], {"PatientName": "DICM"}),
    ],
)
async def test_a_patient_may_be_called_as_our_own_words(
    filters: list[str], attributes: dict[str, Any], syntax: str
) -> None:
    """What is written of the making is no trace of the patient; the same word elsewhere is one, and goes."""
    data_set = a_dataset(1, ProtocolName=attributes["PatientName"].split("^")[0].lower(), **attributes)
    data_set.file_meta.TransferSyntaxUID = syntax

    out = await read(part10(data_set), combine(filters))

    assert out.PatientIdentityRemoved == "YES"
    assert attributes["PatientName"].split("^")[0].lower() not in str(out.get("ProtocolName", "")).lower()


async def test_the_report_names_places_and_rules_and_no_value() -> None:
    """Tag path, rule and action of every change, with item numbers; values nowhere."""
    data_set = a_dataset(1, PatientName="Doe^Jane")
    data_set.ReferencedSeriesSequence = [item(), item(OperatorsName="Roe^Jim")]

    _, made = await rewritten(part10(data_set), Profile())

    changes = {change.path: (change.action.value, change.rule) for change in made.report.changes}
    assert changes["(0010,0010)"] == ("Z", "PS3.15 2026d Table E.1-1")
    assert changes["(0008,1115)[2]/(0008,1070)"] == ("D", "PS3.15 2026d Table E.1-1")
    assert sum(made.report.counts.values()) == len(made.report.changes)
    assert "Doe" not in repr(made.report)
    assert "Roe" not in repr(made.report)


async def test_safe_private_elements_stay_with_their_creator() -> None:
    """What Table E.3.10-1 lists stays if it is what the table says; all other private elements go."""
    data_set = a_dataset(1)
    block = data_set.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", "1000")
    block.add_new(0x0D, "CS", "DIRECTIONAL")
    block.add_new(0x10, "LO", "who knows")
    philips = data_set.private_block(0x2001, "Philips Imaging DD 001", create=True)
    philips.add_new(0x03, "LO", "Doe^Jane")
    safe = Profile(options=frozenset({Option.RETAIN_SAFE_PRIVATE}))

    kept = await read(part10(data_set), safe)

    private = [element.tag for element in kept if element.tag.is_private]
    assert private == [0x00190010, 0x0019100C, 0x0019100D]
    assert not [element for element in await read(part10(data_set)) if element.tag.is_private]


async def test_clean_descriptors_keeps_only_known_words() -> None:
    """Text of words that were let pass stays; with any other word, or without a vocabulary, it goes."""
    words = frozenset({"ct", "chest", "with", "contrast"})
    some = Profile(options=frozenset({Option.CLEAN_DESCRIPTORS}), vocabulary=words)
    none = Profile(options=frozenset({Option.CLEAN_DESCRIPTORS}))
    data = an_instance(1, StudyDescription="CT Chest with contrast 5", SeriesDescription="Chest of Doe")

    kept, dropped = await read(data, some), await read(data, none)

    assert kept.StudyDescription == "CT Chest with contrast 5"
    assert "SeriesDescription" not in kept
    assert "StudyDescription" not in dropped


async def test_structured_content_is_cleaned_item_by_item() -> None:
    """Listed items go or become dummies, text and names are dropped, measurements and codes stay."""

    def content(value_type: str, code: str, meaning: str, **values: Any) -> Dataset:
        made = item(RelationshipType="CONTAINS", ValueType=value_type, **values)
        made.ConceptNameCodeSequence = [
            item(CodeValue=code, CodingSchemeDesignator="DCM", CodeMeaning=meaning)
        ]
        return made

    data_set = a_dataset(1)
    number = content("NUM", "112191", "Length")
    number.MeasuredValueSequence = [item(NumericValue="12.5")]
    data_set.ContentSequence = [
        content("TEXT", "121022", "Accession Number", TextValue="ACC1"),
        content("TEXT", "121071", "Finding", TextValue="the patient is John"),
        content("PNAME", "121008", "Person Observer Name", PersonName="Roe^Jim"),
        content("UIDREF", "121018", "Procedure Study Instance UID", UID=data_set.StudyInstanceUID),
        number,
    ]
    clean = Profile(options=frozenset({Option.CLEAN_STRUCTURED_CONTENT}))

    kept, basic = await read(part10(data_set), clean), await read(part10(data_set))

    said = {one.ConceptNameCodeSequence[0].CodeValue: one for one in kept.ContentSequence}
    assert "121022" not in said
    assert said["112191"].MeasuredValueSequence[0].NumericValue == 12.5
    assert not any(
        text in str(one.get("TextValue")) + str(one.get("PersonName"))
        for one in said.values()
        for text in ("John", "Roe")
    )
    assert basic.ContentSequence[4].MeasuredValueSequence[0].NumericValue == 0
    assert basic.ContentSequence[4].ConceptNameCodeSequence[0].CodeValue == "112191"


async def test_filters_are_profiles_that_combine_to_the_more_protective() -> None:
    """FILTER_HIPAA keeps years and characteristics, FILTER_GDPR neither, both together neither, in any order."""
    data = an_instance(1, StudyDate="20240229", PatientAge="040Y")
    harbor = await read(data, SAFE_HARBOR)

    assert (harbor.StudyDate, harbor.PatientAge) == ("20240101", "040Y")
    assert harbor.LongitudinalTemporalInformationModified == "MODIFIED"
    pseudonymised = await read(data, PSEUDONYMISATION)
    assert pseudonymised.StudyDate == ""
    assert "PSEUDONYMISED" in str(pseudonymised.DeidentificationMethod)
    for names in (["HIPAA", "FILTER_GDPR"], ["gdpr", "hipaa", "private"]):
        both = await read(data, combine(names))
        assert both.StudyDate == ""
        assert "PatientAge" not in both
    assert combine(["FILTER_PRIVATE", "FILTER_HIPAA"]) == SAFE_HARBOR
    for wrong in ([], ["FILTER_CCPA"]):
        with pytest.raises(InvalidRequestError):
            combine(wrong)
    said = " ".join(" ".join(profile.method) for profile in FILTERS.values()).lower()
    assert "compliant" not in said
    assert "anonym" not in said


async def test_the_private_filter_removes_private_elements_only() -> None:
    """It claims nothing: the patient is still named, and the file does not say otherwise."""
    data_set = a_dataset(1)
    data_set.private_block(0x0019, "ACME", create=True).add_new(1, "LO", "x")

    kept = await read(part10(data_set), PRIVATE)

    assert kept.PatientName == data_set.PatientName
    assert "PatientIdentityRemoved" not in kept
    assert not [element for element in kept if element.tag.is_private]


def test_dates_are_retained_in_one_way() -> None:
    """Full and modified dates contradict each other."""
    with pytest.raises(InvalidRequestError):
        Profile(options=frozenset({Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES}))


async def test_what_is_no_instance_is_refused() -> None:
    """A DICOMDIR, and a file without SOP class or instance UID."""
    with pytest.raises(UnsupportedObjectError):
        await rewritten(bundled("test_files/dicomdirtests/DICOMDIR"), Profile())
    with pytest.raises(MissingAttributeError):
        await rewritten(bundled("test_files/priv_SQ.dcm"), Profile())


@pytest.mark.parametrize("profile", [Profile(), PRIVATE, Profile(options=frozenset({Option.RETAIN_UIDS}))])
@pytest.mark.parametrize("wrong", [b"1.2\xe9.4 ", b'1.2"\r\nX: y', b"1." * 50])
@pytest.mark.parametrize("tag", [0x00080016, 0x00080018, 0x00020010])
async def test_what_must_be_a_uid_and_is_none_is_refused(profile: Profile, wrong: bytes, tag: int) -> None:
    """They stand in file meta and name the file; the message does not repeat them."""
    values = {0x00080016: b"1.2.840.10008.5.1.4.1.1.2\0", 0x00080018: b"1.2.3.4.5.6\0"} | {tag: wrong}
    pixels = element(0x7FE00010, "OB", raw_item() + raw_item(b"x" * 8), length=UNDEFINED)
    elements = [element(number, "UI", value) for number, value in sorted(values.items()) if number > 0x80000]
    syntax = wrong.decode("latin-1") if tag == 0x00020010 else "1.2.840.10008.1.2.4.50"
    data = raw_part10(*elements, pixels + SEQUENCE_END, transfer_syntax_uid=syntax)

    with pytest.raises(InvalidAttributeError) as refused:
        await rewritten(data, profile)

    assert wrong.decode("latin-1").strip() not in str(refused.value)
