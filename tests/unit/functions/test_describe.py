"""Describing and risk reports over HTTP: of stored instances, studies, collections, and files that are sent."""

import csv
import io

import pytest

from tests.unit.flows.builders import SERIES, STUDY, make_file
from tests.unit.functions.service import MULTIPART, Service, multipart

FILE = make_file(1)
INSTANCE = {"study": STUDY, "series": SERIES, "instance": f"{SERIES}.1"}
POSTED = ["describe_file", "risk_of_file"]


@pytest.mark.parametrize(
    ("query", "key"),
    [("", "Patient ID"), ("keys=keyword", "PatientID"), ("keys=numeric", "(0010,0020)")],
)
async def test_a_stored_instance_is_described(service: Service, query: str, key: str) -> None:
    """Under the names that were asked for; the file meta information stands apart."""
    await service.store(FILE)

    answer = await service.call("describe_instance", f"/?{query}", route=INSTANCE)

    assert answer.status == 200
    values = {entry["key"]: entry.get("value") for entry in answer.json["attributes"]}
    assert values[key] == ["P/1#"]
    assert answer.json["file_meta"]


@pytest.mark.parametrize("name", POSTED)
@pytest.mark.parametrize("is_multipart", ["no", "yes"])
async def test_a_file_that_is_sent_is_looked_into_and_not_kept(
    service: Service, name: str, is_multipart: str
) -> None:
    """As the body, or as the first part of it."""
    body, content_type = (
        (multipart(FILE), MULTIPART) if is_multipart == "yes" else (FILE, "application/dicom")
    )

    answer = await service.call(name, method="POST", headers={"content-type": content_type}, body=[body])

    assert answer.status == 200
    assert answer.json.get("attributes") or answer.json["findings"]
    assert (await service.search()).status == 204


@pytest.mark.parametrize("name", POSTED)
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/dicom", 400),
        (b"no DICOM at all", "application/dicom", 422),
        (FILE[:-3], "application/dicom", 422),
        (multipart(), MULTIPART, 400),
        (FILE, "multipart/related", 400),
    ],
)
async def test_what_is_no_file_is_refused(
    service: Service, name: str, body: bytes, content_type: str, status: int
) -> None:
    """With a problem document that says why."""
    answer = await service.call(name, method="POST", headers={"content-type": content_type}, body=[body])

    assert answer.status == status
    assert answer.json["detail"]


async def test_a_report_has_places_and_reasons_but_no_values(service: Service) -> None:
    """Of the name, for example."""
    await service.store(FILE)

    answer = await service.call("risk_of_instance", route=INSTANCE)

    [name] = [finding for finding in answer.json["findings"] if finding["path"] == "00100010"]
    assert answer.json["level"] == name["level"] == "high"
    assert name["keyword"] == "PatientName"
    assert "PS3.15 2026d Table E.1-1" in name["sources"]
    assert b"DOE" not in answer.body
    assert b"P/1#" not in answer.body


async def test_a_study_tells_what_its_instances_tell(service: Service) -> None:
    """Numbers of instances by level, and the rules by which anything was found."""
    await service.store(FILE, make_file(2, PatientName=None, PatientID="", StudyDate="", Modality="CT"))

    report = (await service.call("risk_of_study", route={"study": STUDY})).json

    assert report["level"] == "high"
    assert report["instances"] == {"none": 0, "low": 1, "medium": 0, "high": 1}
    assert report["unassessed"] == 0
    assert "PatientName" in {rule["keyword"] for rule in report["rules"]}


async def test_an_unknown_study_or_instance_is_not_found(service: Service) -> None:
    """Whatever is asked of it."""
    assert (await service.call("risk_of_study", route={"study": STUDY})).status == 404
    assert (await service.call("risk_of_instance", route=INSTANCE)).status == 404
    assert (await service.call("describe_instance", route=INSTANCE)).status == 404


async def test_a_collection_is_listed_page_by_page(service: Service) -> None:
    """As JSON and as CSV, each study once, from a level on."""
    for number in range(1, 6):
        name = "DOE^JANE" if number < 4 else ""
        await service.store(
            make_file(1, study=f"1.2.{number}", series=f"1.2.{number}.1", PatientName=name, PatientID="")
        )
    found: list[str] = []
    query = "limit=2&level=high"
    while True:
        page = await service.call("list_risks", f"/?{query}")
        found += [study["study_instance_uid"] for study in page.json["studies"]]
        if page.json["next_after"] is None:
            break
        assert page.headers["link"].endswith('rel="next"')
        query = f"limit=2&level=high&after={page.json['next_after']}"
    lines = await service.call("list_risks", headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(lines.body.decode())))

    assert found == ["1.2.1", "1.2.2", "1.2.3"]
    assert len(rows) == 5
    assert {row["level"] for row in rows} == {"high", "medium"}


@pytest.mark.parametrize(
    "query", ["level=dire", "limit=0", "limit=x", "limit=10001", "after=x", "partition=%2F"]
)
async def test_parameters_without_sense_are_refused(service: Service, query: str) -> None:
    """None is ignored."""
    assert (await service.call("list_risks", f"/?{query}")).status == 400


async def test_keys_without_sense_are_refused(service: Service) -> None:
    """There are three schemes."""
    await service.store(FILE)

    assert (await service.call("describe_instance", "/?keys=latin", route=INSTANCE)).status == 400


async def test_an_unknown_partition_is_not_found(service: Service) -> None:
    """It is not taken for an empty one."""
    assert (await service.call("list_risks", "/?partition=other")).status == 404
