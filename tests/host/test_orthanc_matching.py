"""What a search means, held to Orthanc's answers on the same instances.

Both are given the same files by STOW-RS and asked the same queries by QIDO-RS. Where the two differ, the standard is
cited for what this archive does, and both answers are stated, so that a change of either is noticed.
"""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
import pytest_asyncio
import requests

from bench.orthanc import Orthanc
from functions import _wiring
from tests.instances import a_dataset, part10, uids
from tests.orthanc import an_orthanc
from tests.unit.functions.service import MULTIPART, Service, multipart

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

DICOM_JSON: Final = "application/dicom+json"

type Answer = list[str] | int
"""The numbers of the studies (and of series and instance) that were found, or the status of a refusal."""

STUDIES: Final[tuple[dict[str, Any], ...]] = (
    {"PatientName": "Smith^John", "StudyDescription": "CHEST WITH CONTRAST", "StudyDate": "20240101"},
    {
        "PatientName": "SMITH^JANE",
        "StudyDescription": "Chest",
        "StudyDate": "20240131",
        "StudyTime": "101501",
    },
    {
        "PatientName": "Smythe^John^Q",
        "StudyDescription": "KNEE LEFT",
        "StudyDate": "20231231",
        "Modality": "MR",
    },
    {
        "PatientName": "Smith-Jones^Ann",
        "StudyDescription": "knee",
        "StudyDate": "20240229",
        "StudyTime": "235959",
    },
    {"PatientName": "Müller^Jörg", "SpecificCharacterSet": "ISO_IR 192", "StudyDate": "20200101"},
    {"PatientName": "MULLER^JORG", "SpecificCharacterSet": "ISO_IR 192", "StudyDate": "20200102"},
    {
        "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "SpecificCharacterSet": "ISO_IR 192",
        "StudyDate": "19991231",
    },
    {"PatientName": "Smith", "PatientID": "AB-12", "StudyDescription": "A*B", "StudyTime": "0800"},
    {"PatientName": "Smith^John^^Dr", "PatientID": "ab-12", "StudyDescription": "AB", "StudyTime": "08"},
    {"PatientName": None, "PatientID": "X 1", "StudyDescription": None, "StudyDate": None, "StudyTime": None},
    {"PatientName": "", "PatientID": "X1", "StudyDescription": "", "StudyDate": "", "StudyTime": ""},
    {"PatientName": "O'Hara^Kim", "PatientSex": "F", "AccessionNumber": "007", "StudyID": "S1"},
    {"PatientName": "Hara^Kim", "PatientSex": "M", "AccessionNumber": "7", "StudyID": "s1"},
    {"ReferringPhysicianName": "House^Gregory", "StudyTime": "000000", "StudyDate": "20240630"},
    {"ReferringPhysicianName": "HOUSE^G", "StudyTime": "120000.5", "StudyDate": "20240701"},
)
"""Attributes of the first instance of each study, beside those of tests.instances."""


def files() -> list[bytes]:
    """Return two series of each study, the second of another modality and of two instances."""
    made = []
    for number, attributes in enumerate(STUDIES, 1):
        made.append(part10(a_dataset(100 + number, **attributes)))
        others = {"Modality": "SR" if number % 2 else "PR", "SeriesDescription": f"Series {number} of two"}
        made += [part10(a_dataset(100 + number, 2, instance, **(attributes | others))) for instance in (1, 2)]
    return made


_ONE, _SEVEN = uids(101)[0], uids(107)[0]
QUERIES: Final = (
    # names
    "PatientName=Smith^John",
    "PatientName=smith^john",
    "PatientName=Smith",
    "PatientName=SMITH*",
    "PatientName=smith^j*",
    "PatientName=*john",
    "PatientName=sm?th*",
    "PatientName=Sm?th^J???",
    "PatientName=*^John*",
    "PatientName=Smith^John^",
    "PatientName=Nobody",
    "PatientName=*",
    "PatientName=",
    "PatientName=O'Hara^Kim",
    "PatientName=*Hara*",
    "PatientName=Muller^Jorg",
    "PatientName=m?ller*",
    "PatientName=Yamada*",
    "PatientName=Yamada^Tarou",
    "ReferringPhysicianName=house*",
    "ReferringPhysicianName=House^G",
    # other text
    "PatientID=P101",
    "PatientID=p101",
    "PatientID=AB-12",
    "PatientID=A?-12",
    "PatientID=*-12",
    "PatientID=X1",
    "PatientID=X?1",
    "PatientID=X*1",
    "StudyDescription=Chest",
    "StudyDescription=CHEST*",
    "StudyDescription=*KNEE*",
    "StudyDescription=*knee*",
    "StudyDescription=A?B",
    "StudyDescription=A*B",
    "AccessionNumber=7",
    "AccessionNumber=007",
    "AccessionNumber=*7",
    "AccessionNumber=??7",
    "PatientSex=F",
    "PatientSex=f",
    "StudyID=S1",
    "StudyID=s?",
    # dates and times
    "StudyDate=20240101",
    "StudyDate=20240101-20240131",
    "StudyDate=20240131-20240229",
    "StudyDate=20240229-",
    "StudyDate=-20231231",
    "StudyDate=20250101-20240101",
    "StudyTime=101500",
    "StudyTime=101500-101501",
    "StudyTime=1015",
    "StudyTime=0800",
    "StudyTime=08",
    "StudyTime=-0800",
    "StudyTime=2359-",
    "StudyTime=000000",
    "StudyTime=120000.5",
    "StudyTime=1200-1201",
    # UIDs
    f"StudyInstanceUID={_ONE}",
    f"StudyInstanceUID={_ONE},{_SEVEN}",
    f"StudyInstanceUID={_ONE}\\{_SEVEN}",
    "StudyInstanceUID=1.2.3",
    f"0020000D={_ONE}",
    # several
    "PatientName=smith*&StudyDate=20240101-20240131",
    "PatientName=smith*&StudyDescription=*KNEE*",
    "ModalitiesInStudy=MR",
    "ModalitiesInStudy=SR",
    "ModalitiesInStudy=SR\\MR",
    # series
    "series:Modality=SR",
    "series:Modality=CT",
    "series:Modality=M?",
    "series:SeriesDescription=Series?1?of*",
    "series:SeriesNumber=2&PatientName=hara*",
    f"series:SeriesInstanceUID={uids(103, 2)[1]}",
    f"series:StudyInstanceUID={_ONE}",
    # instances
    f"instances:SOPInstanceUID={uids(104, 2, 2)[2]}",
    "instances:InstanceNumber=2",
    "instances:InstanceNumber=02&PatientName=hara*",
    "instances:SOPClassUID=1.2.840.10008.5.1.4.1.1.2&PatientName=hara*",
    "instances:PatientName=o'h*&InstanceNumber=1",
)


_CASE = "PS3.4 2024d §C.2.2.2.1 and §C.2.2.2.4: matching is case-sensitive but for person names; Orthanc ignores case"
_ACCENTS = (
    "PS3.4 2024d §C.2.2.2.1: whether accents of names count is the implementation's choice; here they do not"
)
_GROUPS = (
    "PS3.5 2024e §6.2.1: a name has up to three component groups; here each of them is matched by itself"
)
_EMPTY = "PS3.4 2024d §C.2.2.2.5: a range is matched by what lies in it; Orthanc lets an empty value lie before all"
_PRECISION = "PS3.4 2024d §C.2.2.2.5 and PS3.5 2024e §6.2: 08 is 0800, an hour or minute all that lies in it"
_LIST = (
    "PS3.18 2024e §8.3.4.1: a list may be separated by a backslash, as OHIF does; Orthanc takes commas only"
)
DIFFERENCES: Final[dict[str, tuple[Answer, Answer, str]]] = {
    "PatientName=Smith^John^": (["101"], [], "PS3.5 2024e §6.2.1: trailing delimiters mean nothing"),
    "PatientName=*": (
        [str(100 + number) for number in range(1, 16)],
        [str(100 + number) for number in range(1, 16) if number != 10],
        "PS3.4 2024d §C.2.2.2.3: a key of * alone is universal, and matched by what lacks the attribute too",
    ),
    "PatientName=Muller^Jorg": (["105", "106"], ["106"], _ACCENTS),
    "PatientName=m?ller*": (["105", "106"], ["106"], _ACCENTS),
    "PatientName=Yamada^Tarou": (["107"], [], _GROUPS),
    "PatientID=p101": ([], ["101"], _CASE),
    "PatientID=AB-12": (["108"], ["108", "109"], _CASE),
    "PatientID=A?-12": (["108"], ["108", "109"], _CASE),
    "StudyDescription=CHEST*": (["101"], ["101", "102"], _CASE),
    "StudyDescription=*KNEE*": (["103"], ["103", "104"], _CASE),
    "StudyDescription=*knee*": (["104"], ["103", "104"], _CASE),
    "PatientName=smith*&StudyDescription=*KNEE*": ([], ["104"], _CASE),
    "PatientSex=f": ([], ["112"], _CASE),
    "StudyID=S1": (["112"], ["112", "113"], _CASE),
    "StudyID=s?": (["113"], ["112", "113"], _CASE),
    "StudyDate=-20231231": (["103", "105", "106", "107"], ["103", "105", "106", "107", "111"], _EMPTY),
    "StudyDate=20250101-20240101": (
        400,
        [],
        "PS3.18 2024e §8.3.4.1: what can match nothing is a bad request",
    ),
    "StudyTime=1015": (["101", "102", "103", "105", "106", "107", "112", "113"], [], _PRECISION),
    "StudyTime=0800": (["108", "109"], ["108"], _PRECISION),
    "StudyTime=08": (["108", "109"], ["109"], _PRECISION),
    "StudyTime=-0800": (["108", "109", "114"], ["108", "109", "111", "114"], _EMPTY),
    f"StudyInstanceUID={_ONE}\\{_SEVEN}": (["101", "107"], [], _LIST),
    "ModalitiesInStudy=SR\\MR": ([str(number) for number in range(101, 116, 2)], [], _LIST),
    "instances:InstanceNumber=02&PatientName=hara*": (
        ["113.2.2"],
        [],
        "PS3.5 2024e §6.2: an integer string is a number, whose leading zeros mean nothing",
    ),
}
"""What this archive and Orthanc 1.10 with plugin 1.7 answer where they differ, and why this one is right to."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Service, Orthanc]]:
    """Give this archive and Orthanc, filled with the same instances."""
    service = Service()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_wiring, "services", service.services)
        async with an_orthanc(tmp_path_factory.mktemp("orthanc")) as orthanc:
            await filled(service, orthanc)
            yield service, orthanc


@pytest.mark.parametrize("query", QUERIES)
async def test_a_query_finds_what_it_finds_in_orthanc(both: tuple[Service, Orthanc], query: str) -> None:
    """Or differs as stated, for the reason stated."""
    service, orthanc = both
    answers = await answer_of_archive(service, query), await answer_of_orthanc(orthanc, query)

    if query in DIFFERENCES:
        ours, theirs, _ = DIFFERENCES[query]
        assert answers == (ours, theirs)
        assert ours != theirs
    else:
        assert answers[0] == answers[1]


async def test_every_difference_is_of_a_query_that_is_asked() -> None:
    """And most queries have none."""
    assert set(DIFFERENCES) <= set(QUERIES)
    assert len(QUERIES) > 3 * len(DIFFERENCES)


async def filled(service: Service, orthanc: Orthanc) -> None:
    """Store the same files in both."""
    stored = await service.store(*files())
    assert stored.status in {200, 202}, stored.body
    headers = {"Content-Type": MULTIPART, "Accept": DICOM_JSON}
    answer = await asyncio.to_thread(
        requests.post, f"{orthanc.root}/studies", multipart(*files()), headers=headers, timeout=60
    )
    assert answer.status_code == 200, answer.text
    assert "00081198" not in answer.json() or not answer.json()["00081198"].get("Value")


async def answer_of_archive(service: Service, query: str) -> Answer:
    """Return what this archive finds."""
    resource, keys = resource_of(query)
    answer = await service.search(keys, resource)
    return found(answer.status, answer.json if answer.status == 200 else [])


async def answer_of_orthanc(orthanc: Orthanc, query: str) -> Answer:
    """Return what Orthanc finds. Its plugin decodes no escapes, so the query goes out as it is."""
    resource, keys = resource_of(query)

    def ask() -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", orthanc.port, timeout=60)
        try:
            connection.request("GET", f"/dicom-web/{resource}?{keys}", headers={"Accept": DICOM_JSON})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    status, body = await asyncio.to_thread(ask)
    return found(status, json.loads(body) if status == 200 else [])


def resource_of(query: str) -> tuple[str, str]:
    """Return the resource that a query is sent to, and its keys."""
    resource, _, keys = query.rpartition(":")
    return resource or "studies", keys


def found(status: int, rows: list[dict[str, Any]]) -> Answer:
    """Return the UIDs of rows behind the root that all share, sorted."""
    if status not in {200, 204}:
        return status
    deepest = ("00080018", "0020000E", "0020000D")
    root = uids(0)[0].removesuffix("0")
    uids_found = (next(row[tag]["Value"][0] for tag in deepest if tag in row) for row in rows)
    return sorted(uid.removeprefix(root) for uid in uids_found)
