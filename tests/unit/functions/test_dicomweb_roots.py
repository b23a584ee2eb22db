"""The roots and the data partitions: the same resources in each, and what each does its own way."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import azure.functions as func
import pytest

from functions import queue_study_changed, timer_sweep_studies
from tests.unit.flows.builders import STUDY, make_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import MULTIPART, Service, multipart, user_function

FUNCTIONS = Path(__file__).parents[3] / "functions"


async def store(service: Service, name: str, *contents: bytes, **route: str) -> Answer:
    """Store instances by the function *name*."""
    headers = {"content-type": MULTIPART, "accept": "application/dicom+json"}
    return await service.call(name, method="POST", headers=headers, body=[multipart(*contents)], route=route)


async def found_in(service: Service, root: str, partition: str) -> Answer:
    """Search the studies of a data partition."""
    route = {"resource": "studies", "partition": partition}
    return await service.call(f"{root}_partition_search", route=route)


@pytest.mark.parametrize(("root", "status"), [("dicomweb", 200), ("v1", 409), ("v2", 409)])
async def test_the_same_bytes_again_are_a_success_or_a_duplicate(
    service: Service, root: str, status: int
) -> None:
    """S06: at /dicomweb they are stored already, in the Azure dialect they fail with 45070."""
    assert (await store(service, f"{root}_store", make_file(1))).status == 200
    answer = await store(service, f"{root}_store", make_file(1))
    assert answer.status == status
    if status == 409:
        [item] = answer.json["00081198"]["Value"]
        assert item["00081197"]["Value"] == [45070]


async def test_urls_stay_within_the_root(service: Service) -> None:
    """Of the store answer, a search and the metadata."""
    answer = await store(service, "v2_store", make_file(1))
    [item] = answer.json["00081199"]["Value"]
    assert item["00081190"]["Value"][0].startswith(f"http://testserver/v2/studies/{STUDY}/")
    answer = await service.call("v2_search", route={"resource": "studies"})
    assert answer.json[0]["00081190"]["Value"] == [f"http://testserver/v2/studies/{STUDY}"]


@pytest.mark.parametrize(("root", "status"), [("dicomweb", 200), ("v1", 400), ("v2", 400)])
async def test_a_limit_over_200_is_refused_in_the_azure_dialect(
    service: Service, root: str, status: int
) -> None:
    """Q11."""
    await store(service, f"{root}_store", make_file(1))
    answer = await service.call(f"{root}_search", "/?limit=201", route={"resource": "studies"})
    assert answer.status == status


@pytest.mark.parametrize(
    ("root", "query", "sequences"),
    [
        ("dicomweb", "", range(1, 13)),
        ("v2", "", range(1, 13)),
        ("v1", "", range(1, 11)),
        ("v1", "offset=10", range(11, 13)),
        ("v2", "offset=3&limit=2", range(4, 6)),
        ("v1", "startTime={before}&endTime={after}", range(1, 11)),
        ("v2", "startTime={after}", ()),
        ("v2", "starttime={before}&includemetadata=false", range(1, 13)),
    ],
)
async def test_the_feed_pages_as_its_version_does(
    service: Service, root: str, query: str, sequences: range
) -> None:
    """Version 1 has ten entries a page, version 2 a hundred; times narrow both."""
    await store(service, "dicomweb_store", *(make_file(number) for number in range(1, 13)))
    hour = timedelta(hours=1)
    times = {"before": datetime.now(UTC) - hour, "after": datetime.now(UTC) + hour}
    written = {name: time.strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in times.items()}
    answer = await service.call(f"{root}_changes", f"/?{query.format(**written)}")
    assert [entry["Sequence"] for entry in answer.json] == list(sequences)


@pytest.mark.parametrize("root", ["dicomweb", "v1", "v2"])
@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=0",
        "limit=201",
        "limit=blah",
        "offset=-1",
        "includemetadata=0",
        "startTime=yesterday",
        "startTime=2024-01-02&endTime=2024-01-01",
    ],
)
async def test_a_page_of_the_feed_that_cannot_be_is_400(service: Service, root: str, query: str) -> None:
    """F01, at every root."""
    assert (await service.call(f"{root}_changes", f"/?{query}")).status == 400


async def test_partitions_know_nothing_of_each_other(service: Service) -> None:
    """P01: one instance in two partitions and in none; deleting it in one leaves it in the others."""
    file = make_file(1)
    assert (await store(service, "dicomweb_store", file)).status == 200
    for partition in ("a", "b"):
        answer = await store(service, "v2_partition_store", file, partition=partition)
        assert answer.status == 200
        [item] = answer.json["00081199"]["Value"]
        root = f"http://testserver/v2/partitions/{partition}/studies"
        assert item["00081190"]["Value"][0].startswith(root)
    route = {"partition": "a", "study": STUDY, "path": ""}
    assert (await service.call("v2_partition_delete", method="DELETE", route=route)).status == 204
    found = {name: (await found_in(service, "v2", name)).status for name in ("a", "b")}
    assert found == {"a": 204, "b": 200}
    assert (await service.search()).status == 200


async def test_the_feed_says_which_partition(service: Service) -> None:
    """There is one feed, and an entry has the metadata of its own partition's instance."""
    for partition, patient in (("a", "PA"), ("b", "PB")):
        await store(service, "v2_partition_store", make_file(1, PatientID=patient), partition=partition)
    entries = (await service.call("v2_changes")).json
    told = [(entry["PartitionName"], entry["Metadata"]["00100020"]["Value"]) for entry in entries]
    assert told == [("a", ["PA"]), ("b", ["PB"])]


@pytest.mark.parametrize(("root", "status"), [("dicomweb", 404), ("v1", 400), ("v2", 400)])
async def test_a_partition_that_nobody_stored_to_is_unknown(service: Service, root: str, status: int) -> None:
    """Only storing makes one."""
    assert (await found_in(service, root, "nowhere")).status == status


@pytest.mark.parametrize("name", ["a/b", "a!b", "x" * 65, "", "..", "ä"])
async def test_a_name_that_no_partition_may_have_is_400(service: Service, name: str) -> None:
    """Also when storing."""
    assert (await store(service, "dicomweb_partition_store", make_file(1), partition=name)).status == 400
    assert (await found_in(service, "dicomweb", name)).status == 400


async def test_the_default_partition_goes_by_its_name_too(service: Service) -> None:
    """It need not be made."""
    assert (await store(service, "dicomweb_store", make_file(1))).status == 200
    assert (await found_in(service, "v1", "default")).status == 200


async def test_partitions_are_listed_as_azure_does(service: Service) -> None:
    """The default one, then the others by age."""
    await store(service, "v1_partition_store", make_file(1), partition="z")
    await store(service, "v2_partition_store", make_file(1), partition="a")
    rows = (await service.call("v1_partitions")).json
    assert [(row["PartitionKey"], row["PartitionName"]) for row in rows] == [
        (1, "default"),
        (2, "z"),
        (3, "a"),
    ]
    assert datetime.fromisoformat(rows[1]["CreatedDate"]) <= datetime.now(UTC)


def test_no_dicomweb_handler_leaves_the_partition_out() -> None:
    """They ask for the services of their request, as `_wiring.services` gives those of the default partition."""
    of_the_whole_archive = {"http_dicomweb_changes.py", "http_dicomweb_partitions.py"}
    handlers = {*FUNCTIONS.glob("http_dicomweb_*.py"), *FUNCTIONS.glob("_retrieve_*.py")}
    careless = {path.name for path in handlers if "_wiring.services" in path.read_text()}
    assert careless == of_the_whole_archive


async def test_studies_of_every_partition_are_summed_up(service: Service) -> None:
    """By their message, which names the partition, and by the timer."""
    for partition in ("a", "b"):
        await store(service, "v2_partition_store", make_file(1), partition=partition)
    job = json.dumps({"study_instance_uid": STUDY, "partition": "a"}).encode()
    await user_function(queue_study_changed.bp._function_builders[0])(func.QueueMessage(body=job))
    due = {name: bool(service.worlds[name].index._due) for name in ("a", "b")}
    assert due == {"a": False, "b": True}
    await user_function(timer_sweep_studies.bp._function_builders[0])(None)
    assert not service.worlds["b"].index._due
