"""STOW-RS as a client sees it."""

import dataclasses

import pytest

from functions._dialect import STANDARD
from functions._http import answers_errors
from functions.http_dicomweb_store import store
from shared.errors import BackendUnavailableError
from tests.unit.flows.builders import CT, SERIES, STUDY, make_data_set, make_file, to_file
from tests.unit.functions.requests import make_request, receive_answer
from tests.unit.functions.service import BOUNDARY, MULTIPART, Service, multipart

ONE, TWO, OTHER = make_file(1), make_file(2), make_file(study="1.9", series="1.9.1")
ROOT = "http://testserver/dicomweb"


async def test_all_stored_is_200_with_an_item_each(service: Service) -> None:
    """S01: UIDs and RetrieveURL, and no sequence of failures."""
    answer = await service.store(ONE, TWO)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/dicom+json")
    assert answer.json == {
        "00081199": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": [CT]},
                    "00081155": {"vr": "UI", "Value": [f"{SERIES}.{number}"]},
                    "00081190": {
                        "vr": "UR",
                        "Value": [f"{ROOT}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.{number}"],
                    },
                }
                for number in (1, 2)
            ],
        }
    }


async def test_a_request_for_a_study_is_told_its_url(service: Service) -> None:
    """S02."""
    answer = await service.store(ONE, study=STUDY)
    assert (answer.status, answer.json["00081190"]["Value"]) == (200, [f"{ROOT}/studies/{STUDY}"])


async def test_instances_of_another_study_fail(service: Service) -> None:
    """S03: some is 202; S04: none is 409, and nothing is there."""
    answer = await service.store(ONE, OTHER, study=STUDY)
    assert answer.status == 202
    assert [item["00081197"]["Value"] for item in answer.json["00081198"]["Value"]] == [[43265]]
    assert (await service.retrieve("1.9")).status == 404
    answer = await service.store(OTHER, study=STUDY)
    assert (answer.status, set(answer.json)) == (409, {"00081198"})


async def test_other_bytes_of_a_stored_instance_are_refused(service: Service) -> None:
    """S05: 45070, and what is stored stays."""
    await service.store(ONE)
    answer = await service.store(make_file(1, PatientID="P/2#"))
    assert answer.status == 409
    assert answer.json["00081198"]["Value"][0]["00081197"]["Value"] == [45070]
    path = f"{STUDY}/series/{SERIES}/instances/{SERIES}.1"
    assert (await service.retrieve(path, "application/dicom; transfer-syntax=*")).body == ONE


async def test_the_same_bytes_again_are_a_success_in_this_dialect_only(service: Service) -> None:
    """S06: the dialect decides, not the handler."""
    await service.store(ONE)
    assert (await service.store(ONE)).status == 200
    strict = dataclasses.replace(STANDARD, root="v2", duplicates="reject")
    handler = answers_errors(lambda req: store(req, strict))
    request = make_request("POST", "/", headers={"content-type": MULTIPART}, body=[multipart(ONE)])
    answer = await receive_answer(await handler(request))
    assert answer.status == 409
    assert answer.json["00081198"]["Value"][0]["00081197"]["Value"] == [45070]


async def test_no_parts_are_204(service: Service) -> None:
    """S08: with an empty body."""
    answer = await service.store()
    assert (answer.status, answer.body) == (204, b"")


async def test_an_empty_part_is_a_processing_failure(service: Service) -> None:
    """S09: without UIDs, which it has not."""
    answer = await service.store(b"")
    assert answer.status == 409
    [item] = answer.json["00081198"]["Value"]
    assert item["00081197"]["Value"] == [272]
    assert "00081155" not in item


async def test_a_body_may_be_one_instance(service: Service) -> None:
    """S11."""
    answer = await service.call(
        "dicomweb_store",
        method="POST",
        headers={"content-type": "application/dicom"},
        body=[ONE[:200], ONE[200:]],
    )
    assert answer.status == 200
    assert [stored.data for stored in service.world.objects.objects.values()] == [ONE]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("multipart/form-data; boundary=x", 415),
        ("application/json", 415),
        ('multipart/related; type="application/dicom+json"; boundary=x', 415),
        ("*/*", 415),
        ("nonsense", 415),
        ('multipart/related; type="application/dicom"', 400),
        (f"multipart/related; boundary={BOUNDARY}", 200),
    ],
)
async def test_bodies_of_other_kinds_are_refused(service: Service, content_type: str, status: int) -> None:
    """S12 and S14; a multipart body that does not say what its parts are is looked into."""
    answer = await service.store(ONE, content_type=content_type)
    assert answer.status == status
    assert len(service.world.objects.objects) == (status == 200)


async def test_a_request_without_content_type_is_refused(service: Service) -> None:
    """It cannot be known what it is."""
    assert (await service.call("dicomweb_store", method="POST", body=[ONE])).status == 415


@pytest.mark.parametrize("accept", ["application/dicom", "application/data", "text/html"])
async def test_an_answer_in_another_form_is_refused_before_anything_is_stored(
    service: Service, accept: str
) -> None:
    """S13."""
    assert (await service.store(ONE, accept=accept)).status == 406
    assert service.world.objects.objects == {}


async def test_a_study_that_is_no_uid_is_a_bad_request(service: Service) -> None:
    """S16."""
    assert (await service.store(ONE, study="not|a|uid")).status == 400


@pytest.mark.parametrize(
    ("data", "tag"),
    [(make_file(PatientID=None), "(0010,0020)"), (make_file(StudyInstanceUID="11|"), "(0020,000D)")],
)
async def test_an_instance_that_lacks_what_is_required_fails_with_its_tag(
    service: Service, data: bytes, tag: str
) -> None:
    """S17 and S19: 43264, and a comment that names the tag."""
    answer = await service.store(data)
    assert (answer.status, set(answer.json)) == (409, {"00081198"})
    [item] = answer.json["00081198"]["Value"]
    assert item["00081197"]["Value"] == [43264]
    assert tag in item["00741048"]["Value"][0]["00000902"]["Value"][0]


async def test_an_odd_instance_is_stored_with_202(service: Service) -> None:
    """The warning has a reason and a text."""
    answer = await service.store(to_file(make_data_set(), MediaStorageSOPInstanceUID="1.2.99"))
    assert answer.status == 202
    [item] = answer.json["00081199"]["Value"]
    assert item["00081196"]["Value"] == [45063]


async def test_a_body_over_the_limit_is_413(service: Service) -> None:
    """S23: whether it says so or not, with no object, no row and no entry."""
    service.settings = service.settings.model_copy(update={"max_store_bytes": 300})
    for headers in ({}, {"content_length": "1000"}):
        answer = await service.store(ONE, **headers)
        assert (answer.status, answer.json["code"]) == (413, "PayloadTooLarge")
    assert service.world.objects.objects == {}
    assert service.world.index.serving_records() == []
    assert await service.world.feed.latest() is None


async def test_a_body_that_breaks_off_is_400_or_reports_what_was_stored(service: Service) -> None:
    """Nothing stored, nothing to report."""
    headers = {"content-type": MULTIPART}
    body = multipart(ONE, TWO)
    answer = await service.call("dicomweb_store", method="POST", headers=headers, body=[body[:100]])
    assert (answer.status, answer.json["code"]) == (400, "MalformedMultipart")
    answer = await service.call("dicomweb_store", method="POST", headers=headers, body=[body[:-100]])
    assert answer.status == 202
    assert len(answer.json["00081199"]["Value"]) == 1


async def test_a_store_that_does_not_answer_is_503(service: Service) -> None:
    """The client may send it all again."""
    service.world.interrupt(0, BackendUnavailableError("slow down"))
    answer = await service.store(ONE)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_urls_are_those_of_the_public_address(service: Service) -> None:
    """W14: behind a proxy too."""
    answer = await service.store(ONE, forwarded="proto=https;host=pacs.example")
    [item] = answer.json["00081199"]["Value"]
    assert item["00081190"]["Value"][0].startswith("https://pacs.example/dicomweb/studies/")
