"""Which attributes describe a study, a series and an instance in search answers, and how to pick them.

It neither merges several instances (study_summary) nor decides what a request asked for (search_response).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from shared.dicom.query import Level


class Attribute(NamedTuple):
    """One row of the data dictionary: tag in 8 upper-case hex digits, VR, keyword."""

    tag: str
    vr: str
    keyword: str


def _table(rows: str) -> dict[str, Attribute]:
    attributes = (Attribute(*row.split()) for row in rows.strip().splitlines())
    return {attribute.tag: attribute for attribute in attributes}


DESCRIBING = _table("""
00080005 CS SpecificCharacterSet
00080056 CS InstanceAvailability
00080201 SH TimezoneOffsetFromUTC
00081190 UR RetrieveURL
""")
"""Of the answer rather than the study: returned, but never matched."""

COMPUTED: Mapping[Level, Mapping[str, Attribute]] = {
    "study": _table("""
00080061 CS ModalitiesInStudy
00201206 IS NumberOfStudyRelatedSeries
00201208 IS NumberOfStudyRelatedInstances
"""),
    "series": _table("""
00201209 IS NumberOfSeriesRelatedInstances
"""),
    "instance": {},
}
"""In no file: they follow from which instances there are."""

REQUIRED: Mapping[Level, Mapping[str, Attribute]] = {
    "study": _table("""
00080020 DA StudyDate
00080030 TM StudyTime
00080050 SH AccessionNumber
00080090 PN ReferringPhysicianName
00100010 PN PatientName
00100020 LO PatientID
00100030 DA PatientBirthDate
00100040 CS PatientSex
0020000D UI StudyInstanceUID
00200010 SH StudyID
"""),
    "series": _table("""
00080060 CS Modality
0008103E LO SeriesDescription
0020000E UI SeriesInstanceUID
00200011 IS SeriesNumber
"""),
    "instance": _table("""
00080016 UI SOPClassUID
00080018 UI SOPInstanceUID
00200013 IS InstanceNumber
"""),
}
"""In every row of their level, empty where the files have none. Source: PS3.18 2024d Tables 10.6.3-3 to 10.6.3-5"""

IF_KNOWN: Mapping[Level, Mapping[str, Attribute]] = {
    "study": {},
    "series": _table("""
00400244 DA PerformedProcedureStepStartDate
00400245 TM PerformedProcedureStepStartTime
00400275 SQ RequestAttributesSequence
"""),
    "instance": _table("""
00280008 IS NumberOfFrames
00280010 US Rows
00280011 US Columns
00280100 US BitsAllocated
"""),
}
"""In the rows of their level where the files have them. Source: as REQUIRED"""

OPTIONAL: Mapping[Level, Mapping[str, Attribute]] = {
    "study": _table("""
00080051 SQ IssuerOfAccessionNumberSequence
00081030 LO StudyDescription
00081032 SQ ProcedureCodeSequence
00081048 PN PhysiciansOfRecord
00081060 PN NameOfPhysiciansReadingStudy
00081080 LO AdmittingDiagnosesDescription
00081110 SQ ReferencedStudySequence
00100021 LO IssuerOfPatientID
00100022 CS TypeOfPatientID
00100032 TM PatientBirthTime
00101000 LO OtherPatientIDs
00101001 PN OtherPatientNames
00101002 SQ OtherPatientIDsSequence
00101010 AS PatientAge
00101020 DS PatientSize
00101030 DS PatientWeight
00102160 SH EthnicGroup
00102180 SH Occupation
001021B0 LT AdditionalPatientHistory
001021C0 US PregnancyStatus
00104000 LT PatientComments
00120010 LO ClinicalTrialSponsorName
00120020 LO ClinicalTrialProtocolID
00120040 LO ClinicalTrialSubjectID
00120062 CS PatientIdentityRemoved
00120063 LO DeidentificationMethod
00321032 PN RequestingPhysician
00321060 LO RequestedProcedureDescription
00380010 LO AdmissionID
"""),
    "series": _table("""
00080021 DA SeriesDate
00080031 TM SeriesTime
00080070 LO Manufacturer
00080080 LO InstitutionName
00080081 ST InstitutionAddress
00081010 SH StationName
0008103F SQ SeriesDescriptionCodeSequence
00081040 LO InstitutionalDepartmentName
00081050 PN PerformingPhysicianName
00081070 PN OperatorsName
00081090 LO ManufacturerModelName
00180015 CS BodyPartExamined
00181000 LO DeviceSerialNumber
00181020 LO SoftwareVersions
00181030 LO ProtocolName
00185100 CS PatientPosition
00200052 UI FrameOfReferenceUID
00200060 CS Laterality
00201040 LO PositionReferenceIndicator
00400253 SH PerformedProcedureStepID
00400254 LO PerformedProcedureStepDescription
"""),
    "instance": {},
}
"""Kept with studies and series to be matched and included on request. Source: PS3.3 2024e §C.7.1 to §C.7.5"""

_OF_FILES: Mapping[Level, tuple[str, ...]] = {
    level: tuple(sorted([*REQUIRED[level], *IF_KNOWN[level], *OPTIONAL[level]])) for level in REQUIRED
}
_TIMEZONE = "00080201"


def study_attributes(instance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an instance's DICOM JSON says of its study; required attributes it lacks are there, empty."""
    return _pick(instance, "study")


def series_attributes(instance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an instance's DICOM JSON says of its series; required attributes it lacks are there, empty."""
    return _pick(instance, "series")


def digest_of(instance: Mapping[str, Any]) -> str:
    """Return a short hash of what an instance's DICOM JSON says of its study and series."""
    import orjson

    told = study_attributes(instance) | series_attributes(instance)
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def has_value(attribute: Any) -> bool:
    """Tell whether a DICOM JSON attribute carries a value in place: neither empty nor kept elsewhere as bulk data."""
    return isinstance(attribute, Mapping) and any(value is not None for value in attribute.get("Value", ()))


def _pick(instance: Mapping[str, Any], level: Level) -> dict[str, Any]:
    picked = {tag: instance[tag] for tag in (_TIMEZONE, *_OF_FILES[level]) if has_value(instance.get(tag))}
    for tag, attribute in REQUIRED[level].items():
        picked.setdefault(tag, {"vr": attribute.vr})
    return dict(sorted(picked.items()))
