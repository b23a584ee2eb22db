"""The checks of storing (STOW-RS). Source: PS3.18 2024e §10.5, and the Azure DICOM service where it is silent."""

import hashlib
import http.client
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from pydicom.dataset import Dataset

from client.conformance.instances import encapsulated, file_of, new_instance, path_of
from client.conformance.server import ANY_SYNTAX, DICOM_JSON, TIMEOUT_SECONDS, Server
from client.conformance.verdict import CheckFailed, NotApplicable, check, expect, require

_FEED_SECONDS: Final = 20
_HUGE_BODY: Final = 2**43


def _items(response: requests.Response, tag: str) -> list[dict[str, Any]]:
    return list(response.json().get(tag, {}).get("Value", []))


def _reasons(response: requests.Response) -> list[int]:
    return [item["00081197"]["Value"][0] for item in _items(response, "00081198")]


def _refused(response: requests.Response, *reasons: int) -> str:
    """Return what was seen if nothing was stored for one of *reasons*."""
    expect(response.status_code, 409)
    require("00081199" not in response.json(), "something was stored (0008,1199)")
    [reason] = _reasons(response)
    expect(reason, *reasons)
    return f"409, reason {reason}"


def _bytes_of(server: Server, instance: Dataset) -> bytes:
    response = server.call(path_of(instance), accept=f"application/dicom; {ANY_SYNTAX}")
    expect(response.status_code, 200)
    return response.content


@check("S01")
def all_stored(server: Server) -> str:
    """Say of each instance what it is and where it can be retrieved."""
    first = new_instance()
    response = server.store(first, new_instance(first))
    expect(response.status_code, 200)
    expect(response.headers["Content-Type"].split(";")[0], DICOM_JSON)
    items = _items(response, "00081199")
    expect(len(items), 2)
    for item in items:
        vrs = {tag: item[tag]["vr"] for tag in ("00081150", "00081155", "00081190")}
        expect(vrs, {"00081150": "UI", "00081155": "UI", "00081190": "UR"})
    require("00081198" not in response.json(), "(0008,1198) is there without a failure")
    return "200, two items"


@check("S02")
def stored_to_a_study(server: Server) -> str:
    """Say where the study is."""
    first = new_instance()
    study = path_of(first, "study")
    response = server.store(first, new_instance(first), path=study)
    expect(response.status_code, 200)
    url = response.json()["00081190"]["Value"][0]
    require(url.endswith(study), f"(0008,1190) is {url}")
    return f"200, {url}"


@check("S03")
def some_of_another_study(server: Server) -> str:
    """Refuse those."""
    own, other = new_instance(), new_instance()
    response = server.store(own, other, path=path_of(own, "study"))
    expect(response.status_code, 202)
    expect((len(_items(response, "00081199")), len(_items(response, "00081198"))), (1, 1))
    [reason] = _reasons(response)
    expect(reason, 43264, 43265)
    expect(server.call(path_of(other), accept=f"application/dicom; {ANY_SYNTAX}").status_code, 404)
    return f"202, reason {reason}, not stored"


@check("S04")
def all_of_another_study(server: Server) -> str:
    """Refuse all."""
    response = server.store(new_instance(), path=path_of(new_instance(), "study"))
    expect(response.status_code, 409)
    expect(set(response.json()), {"00081198"})
    return "409, (0008,1198) only"


@check("S05")
def other_bytes_again(server: Server) -> str:
    """Keep what is stored."""
    first = new_instance()
    server.stored(first)
    before = _bytes_of(server, first)
    second = new_instance(first, SOPInstanceUID=first.SOPInstanceUID, SeriesDescription="OTHER")
    seen = _refused(server.store(second), 45070)
    require(_bytes_of(server, first) == before, "the stored bytes have changed")
    return f"{seen}, bytes unchanged"


@check("S06")
def same_bytes_again(server: Server) -> str:
    """Refuse them in the Azure dialect; else they are stored already, and nothing has changed."""
    first = new_instance()
    server.stored(first)
    if server.is_azure:
        return _refused(server.store(first), 45070)
    _settled(server, first)
    position = server.feed_position()
    response = server.store(first)
    expect(response.status_code, 200)
    server.rows(f"/studies?StudyInstanceUID={first.StudyInstanceUID}")
    expect(server.feed_position(), position)
    return "200, no new change"


def _settled(server: Server, instance: Dataset) -> list[dict[str, Any]]:
    """Wait for the changes of an instance, and return them."""
    deadline = monotonic() + _FEED_SECONDS
    while monotonic() < deadline:
        latest = server.feed_position()
        changes = server.changes_after(max(0, latest - 90))
        if found := [one for one in changes if one["SopInstanceUid"] == instance.SOPInstanceUID]:
            return found
        sleep(0.2)
    raise CheckFailed(f"no entry of the change feed within {_FEED_SECONDS} s")


@check("S08")
def no_parts(server: Server) -> str:
    """Say that there is nothing."""
    response = server.store()
    expect(response.status_code, 204)
    expect(response.content, b"")
    return "204, empty"


@check("S09")
def an_empty_part(server: Server) -> str:
    """Refuse it without UIDs."""
    response = server.store(b"")
    seen = _refused(response, 272)
    require("00081155" not in _items(response, "00081198")[0], "(0008,1155) of an empty part")
    return seen


@check("S11")
def a_single_part(server: Server) -> str:
    """Take it."""
    instance = new_instance()
    headers = {"Content-Type": "application/dicom"}
    body = file_of(instance)
    response = server.call("/studies", method="POST", accept=DICOM_JSON, headers=headers, body=body)
    expect(response.status_code, 200)
    require(_bytes_of(server, instance), "it is not there")
    return "200 and stored"


@check("S12")
def other_content(server: Server) -> str:
    """Refuse it."""
    for kind in ("multipart/form-data; boundary=x", "application/json"):
        headers = {"Content-Type": kind}
        response = server.call(
            "/studies", method="POST", accept=DICOM_JSON, headers=headers, body=b"--x--\r\n"
        )
        expect(response.status_code, 415)
    return "415, 415"


@check("S13")
def an_answer_that_is_not_offered(server: Server) -> str:
    """Refuse before storing."""
    for accept in ("application/dicom", "application/data"):
        instance = new_instance()
        expect(server.store(instance, accept=accept).status_code, 406)
        response = server.call(path_of(instance), accept=f"application/dicom; {ANY_SYNTAX}")
        expect(response.status_code, 404)
    return "406, nothing stored"


@check("S14")
def no_boundary(server: Server) -> str:
    """Refuse what cannot be read."""
    headers = {"Content-Type": 'multipart/related; type="application/dicom"'}
    response = server.call("/studies", method="POST", accept=DICOM_JSON, headers=headers, body=b"--x--\r\n")
    expect(response.status_code, 400)
    return "400"


@check("S16")
def a_study_that_is_no_uid(server: Server) -> str:
    """Refuse it."""
    expect(server.store(new_instance(), path="/studies/not%7Ca%7Cuid").status_code, 400)
    return "400"


@check("S17")
def no_patient_id(server: Server) -> str:
    """Name the tag."""
    response = server.store(new_instance(PatientID=None))
    seen = _refused(response, 43264)
    text = _items(response, "00081198")[0]["00741048"]["Value"][0]["00000902"]["Value"][0]
    require("0010,0020" in text or "00100020" in text or "PatientID" in text, f"the text is {text}")
    return f"{seen}, the text names the tag"


@check("S19")
def a_bad_uid(server: Server) -> str:
    """Refuse it."""
    return _refused(server.store(new_instance(StudyInstanceUID="11|")), 43264)


@check("S20")
def a_bad_date(server: Server) -> str:
    """Store the bytes, warn, and leave the date out of the metadata."""
    instance = new_instance(StudyDate="NotAValidDate")
    response = server.store(instance)
    expect(response.status_code, 202)
    [item] = _items(response, "00081199")
    reason = item["00081196"]["Value"][0]
    expect(reason, 1 if server.is_azure else 45063)
    require(item["00741048"]["Value"][0]["00000902"]["Value"][0], "no text")
    [metadata] = server.rows(f"{path_of(instance)}/metadata")
    require("00080020" not in metadata, "the metadata has (0008,0020)")
    expect(_bytes_of(server, instance)[132:], file_of(instance)[132:])
    return f"202, warning {reason}, left out of the metadata, bytes unchanged"


@check("S21")
def what_is_not_supported(server: Server) -> str:
    """Refuse SOP classes and transfer syntaxes that are not taken."""
    other_class = server.store(new_instance(SOPClassUID="1.2.826.0.1.3680043.10.1517.999"))
    strange = encapsulated(new_instance(), "1.2.840.10008.1.2.1.98", bytes(64))
    other_syntax = server.store(strange)
    if other_class.status_code == other_syntax.status_code == 200:
        raise NotApplicable("it takes every SOP class and transfer syntax: no list is configured")
    return f"{_refused(other_class, 290)}; {_refused(other_syntax, 49442)}"


@check("S22")
def no_space_left(server: Server) -> str:  # noqa: ARG001 - as every check takes it
    """Cannot be brought about by a client."""
    raise NotApplicable("a client cannot exhaust the storage; tests/conformance/test_beyond_http.py does")


@check("S23")
def a_body_over_the_limit(server: Server) -> str:
    """Refuse by its Content-Length, which no archive can take."""
    address = urlsplit(server.url)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.putrequest("POST", f"{address.path}/studies")
        for name, value in (
            ("Content-Type", 'multipart/related; type="application/dicom"; boundary=x'),
            ("Accept", DICOM_JSON),
            ("Content-Length", str(_HUGE_BODY)),
        ):
            connection.putheader(name, value)
        connection.endheaders(b"--x\r\n")
        status = connection.getresponse().status
    finally:
        connection.close()
    expect(status, 413)
    return "413"


@check("S25")
def the_same_bytes_come_back(server: Server) -> str:
    """From the prefix DICM on."""
    instance = new_instance()
    server.stored(instance)
    sent, got = (
        hashlib.sha256(data[132:]).hexdigest() for data in (file_of(instance), _bytes_of(server, instance))
    )
    expect(got, sent)
    return "identical from byte 132 on"


@check("S26")
def two_at_once(server: Server) -> str:
    """Let one of them win."""
    first = new_instance()
    second = new_instance(first, SOPInstanceUID=first.SOPInstanceUID, SeriesDescription="OTHER")
    with ThreadPoolExecutor(2) as pool:
        responses = list(pool.map(server.store, (first, second)))
    expect(sorted(response.status_code for response in responses), [200, 409])
    [reason] = [reason for response in responses for reason in _reasons(response)]
    expect(reason, 45070, 45071)
    expect([change["Action"] for change in _settled(server, first)], ["create"])
    return f"200 and 409, reason {reason}, one change"
