"""The checks of searching (QIDO-RS), deleting, the change feed and data partitions. Source: PS3.18 2024e §10.6."""

import secrets
from typing import Any, Final
from urllib.parse import quote

from pydicom.dataset import Dataset

from client.conformance.instances import new_instance, path_of
from client.conformance.server import ANY_SYNTAX, DICOM_JSON, Server
from client.conformance.verdict import NotApplicable, check, expect, require

_STUDY_ROW: Final = [
    "00080020",
    "00080030",
    "00080050",
    "00080061",
    "00080090",
    "00100010",
    "00100020",
    "00100030",
    "00100040",
    "0020000D",
    "00200010",
    "00201206",
    "00201208",
    "00081190",
    "00080005",
]
_SERIES_ROW: Final = ("00080060", "0020000E", "00200011", "0008103E", "00201209")
_INSTANCE_ROW: Final = ("00080016", "00080018", "00200013", "00280010", "00280011", "00280100")


def _found(server: Server, instance: Dataset, query: str) -> bool:
    """Tell whether a search within the instance's patient finds its study."""
    rows = server.rows(f"/studies?PatientID={instance.PatientID}&{query}")
    return [row["0020000D"]["Value"][0] for row in rows] == [instance.StudyInstanceUID]


def _missing(rows: list[dict[str, Any]], tags: tuple[str, ...] | list[str]) -> list[str]:
    return [tag for row in rows for tag in tags if tag not in row]


def _stored(server: Server, **attributes: Any) -> Dataset:
    instance = new_instance(**attributes)
    server.stored(instance)
    return instance


@check("Q01")
def a_study_row(server: Server) -> str:
    """Has every required attribute."""
    instance = _stored(server, PatientSex=None)
    rows = server.rows(f"/studies?PatientID={instance.PatientID}")
    expect(len(rows), 1)
    expect(_missing(rows, _STUDY_ROW), [])
    expect(rows[0]["00100040"], {"vr": "CS"})
    return "200, all required attributes"


@check("Q02")
def no_match(server: Server) -> str:
    """Is no error."""
    response = server.call(f"/studies?PatientID=NOBODY{secrets.token_hex(8)}", accept=DICOM_JSON)
    expect(response.status_code, 204, 200)
    expect(response.content, b"" if response.status_code == 204 else b"[]")
    return f"{response.status_code}, {'empty' if response.status_code == 204 else '[]'}"


@check("Q03")
def date_ranges(server: Server) -> str:
    """Include both ends."""
    instance = _stored(server, StudyDate="20240131")
    for dates in ("20240101-20240131", "20240131-", "-20240131", "20240131"):
        require(_found(server, instance, f"StudyDate={dates}"), f"StudyDate={dates} does not find 20240131")
    for dates in ("20240101-20240130", "20240201-", "-20240130"):
        require(not _found(server, instance, f"StudyDate={dates}"), f"StudyDate={dates} finds 20240131")
    return "inclusive"


def _all_refused(server: Server, *queries: str) -> str:
    for query in queries:
        status = server.call(f"/studies?{query}", accept=DICOM_JSON).status_code
        require(status == 400, f"{query} answered {status}")
    return ", ".join("400" for _ in queries)


@check("Q04")
def bad_dates(server: Server) -> str:
    """Are refused."""
    return _all_refused(server, "StudyDate=-", "StudyDate=2024-01-01", "StudyDate=20241301")


@check("Q05")
def wildcards(server: Server) -> str:
    """Match, names without regard to case."""
    instance = _stored(server, PatientName="Smith")
    for query in ("PatientName=SMI*", "PatientName=sm?th", "StudyDescription=*KNEE*"):
        require(_found(server, instance, query), f"{query} does not match")
    for query in ("PatientName=SMY*", "PatientName=sm?h", "StudyDescription=*HIP*"):
        require(not _found(server, instance, query), f"{query} matches")
    return "matched"


@check("Q07")
def fuzzy_matching(server: Server) -> str:
    """Is done, or a Warning says that it is not."""
    instance = _stored(server)
    query = f"/studies?PatientID={instance.PatientID}&PatientName=Joh&fuzzymatching=true"
    response = server.call(query, accept=DICOM_JSON)
    if response.status_code == 200 and response.json():
        return "fuzzy matching is offered"
    expect(response.status_code, 200, 204)
    warning = response.headers.get("Warning", "")
    require("fuzzymatching" in warning.lower(), "neither matched nor a Warning")
    return warning


@check("Q08")
def bad_parameters(server: Server) -> str:
    """Are refused."""
    return _all_refused(server, "fuzzymatching=maybe", "limit=abc", "offset=-1")


@check("Q11")
def a_limit_over_the_most(server: Server) -> str:
    """Is refused by Azure, and else cut with a Warning."""
    if server.is_azure:
        return _all_refused(server, "limit=201")
    _stored(server)
    response = server.call("/studies?limit=999999", accept=DICOM_JSON)
    expect(response.status_code, 200)
    warning = response.headers.get("Warning", "")
    require(warning.startswith("299"), "no Warning 299")
    return f"200, {warning}"


@check("Q12")
def what_ohif_sends(server: Server) -> str:
    """Is understood."""
    query = "limit=25&offset=0&includefield=00081030%2C00080060&StudyDate=19521125-20210507"
    status = server.call(f"/studies?{query}", accept=DICOM_JSON).status_code
    expect(status, 200, 204)
    return str(status)


@check("Q14")
def unknown_attributes(server: Server) -> str:
    """Are refused, or outside of Azure ignored with a Warning."""
    instance = _stored(server)
    uid = instance.StudyInstanceUID
    queries = ("includefield=NotATag", f"studyinstanceuid={uid}", f"0020000D={uid}&StudyInstanceUID={uid}")
    seen = []
    for query in queries:
        response = server.call(f"/studies?{query}", accept=DICOM_JSON)
        lenient = not server.is_azure and response.status_code in (200, 204) and "Warning" in response.headers
        require(response.status_code == 400 or lenient, f"{query} answered {response.status_code}")
        seen.append(f"{response.status_code}")
    return ", ".join(seen)


@check("Q15")
def modalities_in_study(server: Server) -> str:
    """Are those of all series, and one of them matches."""
    first = _stored(server)
    other_series = new_instance(first, SeriesInstanceUID=new_instance().SeriesInstanceUID, Modality="SR")
    server.stored(other_series, new_instance(first))
    rows = server.rows(f"/studies?ModalitiesInStudy=CT&PatientID={first.PatientID}")
    expect(len(rows), 1)
    row = rows[0]
    expect(sorted(row["00080061"]["Value"]), ["CT", "SR"])
    expect((row["00201206"]["Value"], row["00201208"]["Value"]), ([2], [3]))
    return "CT and SR, 2 series, 3 instances"


@check("Q17")
def the_other_resources(server: Server) -> str:
    """Have rows of their level, and of those above where the path does not settle them."""
    first = _stored(server)
    study, series = path_of(first, "study"), path_of(first, "series")
    rows = server.rows(f"{study}/series")
    expect((len(rows), _missing(rows, _SERIES_ROW)), (1, []))
    rows = server.rows(f"/series?Modality=CT&StudyInstanceUID={first.StudyInstanceUID}")
    expect((len(rows), _missing(rows, (*_SERIES_ROW, "00100020", "00080020"))), (1, []))
    for path in (f"{series}/instances", f"/instances?SOPInstanceUID={first.SOPInstanceUID}"):
        rows = server.rows(path)
        expect((len(rows), _missing(rows, _INSTANCE_ROW)), (1, []))
    return "series and instances, with their attributes"


@check("Q19")
def japanese_names(server: Server) -> str:
    """Come in UTF-8 by their groups."""
    groups = {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
    names = "=".join(groups.values())
    instance = _stored(server, SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName=names)
    [row] = server.rows(f"/studies?PatientID={instance.PatientID}")
    expect(row["00100010"]["Value"], [groups])
    return "three groups"


@check("Q20")
def read_your_writes(server: Server) -> str:
    """Find what was stored a moment ago."""
    instance = _stored(server)
    rows = server.rows(f"/studies?StudyInstanceUID={instance.StudyInstanceUID}")
    expect(len(rows), 1)
    return "found at once"


@check("Q21")
def the_total(server: Server) -> str:
    """Is told whatever the page."""
    first = _stored(server)
    server.stored(*(new_instance(first, InstanceNumber=number) for number in (2, 3)))
    response = server.call(f"{path_of(first, 'study')}/instances?limit=1", accept=DICOM_JSON)
    expect(len(response.json()), 1)
    expect(response.headers.get("X-Total-Count"), "3")
    return "X-Total-Count: 3 with one row"


@check("D01")
def deleting(server: Server) -> str:
    """Is 204, then 404, on three levels."""
    for level in ("instance", "series", "study"):
        path = path_of(_stored(server), level)
        for status in (204, 404):
            expect(server.call(path, method="DELETE").status_code, status)
    return "204, then 404"


@check("D03")
def deleting_what_is_no_uid(server: Server) -> str:
    """Is refused."""
    expect(server.call("/studies/notAStudyInstanceUid", method="DELETE").status_code, 400)
    return "400"


@check("F01")
def bad_pages_of_the_feed(server: Server) -> str:
    """Are refused."""
    for query in ("limit=-1", "limit=0", "limit=201", "limit=blah", "offset=-1", "includemetadata=0"):
        status = server.call(f"/changefeed?{query}").status_code
        require(status == 400, f"{query} answered {status}")
    return "400 each"


@check("P01")
def data_partitions(server: Server) -> str:
    """Know nothing of each other."""
    instance = new_instance()
    one, other = (f"/partitions/conformance-{secrets.token_hex(4)}" for _ in range(2))
    for partition in (one, other):
        response = server.store(instance, path=f"{partition}/studies")
        require(response.status_code == 200, f"storing to {partition} answered {response.status_code}")
    path = path_of(instance, "study")
    expect(server.call(one + path, method="DELETE").status_code, 204)
    accept = f'multipart/related; type="application/dicom"; {ANY_SYNTAX}'
    expect(server.call(other + path, accept=accept).status_code, 200)
    expect(len(server.rows(f"{one}/studies?PatientID={instance.PatientID}")), 0)
    expect(len(server.rows(f"{other}/studies?PatientID={quote(instance.PatientID)}")), 1)
    unknown = server.call(
        f"/partitions/unknown-{secrets.token_hex(4)}/studies", accept=DICOM_JSON
    ).status_code
    expect(unknown, 400 if server.is_azure else 404)
    server.call(other + path, method="DELETE")
    return f"apart; an unknown one is {unknown}"


def _needs_the_host(check_id: str, reason: str) -> None:
    @check(check_id)
    def run(server: Server) -> str:  # noqa: ARG001 - as every check takes it
        raise NotApplicable(reason)


for _id, _reason in (
    ("F04", "needs its events"),
    ("A01", "needs its keys and tokens"),
    ("H01", "needs its dependencies to fail"),
    ("E01", "needs its containers and timers"),
    ("E02", "needs its containers and queues"),
):
    _needs_the_host(_id, f"{_reason}: not by DICOMweb alone; see tests/conformance and tests/host")
