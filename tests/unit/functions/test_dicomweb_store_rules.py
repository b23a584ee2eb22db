"""What storing does beyond storing: odd values, limits to what is taken, and the dry run."""

from typing import Any

import pytest
from pydicom.uid import ExplicitVRLittleEndian

from shared.dicom.references import InstanceRef
from shared.flows._archive_key import archive_key
from shared.settings.settings import Settings
from tests.instances import an_instance
from tests.unit.flows.builders import CT, SERIES, STUDY, make_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import MULTIPART, Service, multipart

ONE = make_file(1)
ODD = make_file(1, StudyDate="NotAValidDate")


async def store(
    service: Service, *contents: bytes, name: str = "dicomweb_store", query: str = "", method: str = "POST"
) -> Answer:
    """Store instances by the function *name*."""
    headers = {"content-type": MULTIPART, "accept": "application/dicom+json"}
    body = multipart(*contents)
    pieces = [body[start : start + 65536] for start in range(0, len(body), 65536)]
    return await service.call(name, f"/?{query}", method=method, headers=headers, body=pieces)


@pytest.mark.parametrize(("root", "reason"), [("dicomweb", 45063), ("v1", 1), ("v2", 1)])
async def test_a_date_that_is_none_is_a_warning(service: Service, root: str, reason: int) -> None:
    """S20: stored as it is, reported in the words of the root, and left out of the metadata."""
    answer = await store(service, ODD, name=f"{root}_store")
    assert answer.status == 202
    [item] = answer.json["00081199"]["Value"]
    assert item["00081196"]["Value"] == [reason]
    text = item["00741048"]["Value"][0]["00000902"]["Value"][0]
    assert text.startswith("(0008,0020)")
    assert "NotAValidDate" not in text
    [metadata] = (await service.retrieve(f"{STUDY}/metadata")).json
    assert "00080020" not in metadata
    stored = await service.retrieve(
        f"{STUDY}/series/{SERIES}/instances/{SERIES}.1", "application/dicom; transfer-syntax=*"
    )
    assert stored.body == ODD


async def test_a_search_does_not_answer_a_date_that_is_none(service: Service) -> None:
    """The attribute is required, and so there, empty."""
    await store(service, ODD)
    [row] = (await service.search()).json
    assert row["00080020"] == {"vr": "DA"}


@pytest.mark.parametrize(("needed", "status"), [("required", 409), ("optional", 200)])
async def test_an_instance_without_patient_id_is_stored_where_that_is_allowed(
    service: Service, needed: str, status: int
) -> None:
    """It is refused otherwise, as the Azure DICOM service does, and the answer names the attribute."""
    service.settings = Settings.model_construct(store_patient_id=needed)
    answer = await store(service, an_instance(1, PatientID=None))
    assert answer.status == status
    assert (b"PatientID is absent" in answer.body) == (status == 409)
    assert (await service.search()).status == (200 if status == 200 else 204)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"store_sop_classes": ("1.2.840.10008.5.1.4.1.1.4",)}, 290),
        ({"store_transfer_syntaxes": ("1.2.840.10008.1.2",)}, 49442),
        ({"store_sop_classes": (CT,), "store_transfer_syntaxes": (str(ExplicitVRLittleEndian),)}, None),
    ],
)
async def test_only_what_is_allowed_is_stored(
    service: Service, settings: dict[str, Any], reason: int | None
) -> None:
    """S21: SOP classes and transfer syntaxes can be limited, and nothing of others is kept."""
    service.settings = Settings.model_construct(**settings)
    answer = await store(service, ONE)
    if reason is None:
        assert answer.status == 200
        return
    assert answer.status == 409
    [item] = answer.json["00081198"]["Value"]
    assert (item["00081197"]["Value"], item["00081155"]["Value"]) == ([reason], [f"{SERIES}.1"])
    assert service.world.objects.objects == {}


LARGE = make_file(2, PixelData=bytes(5 * 1024 * 1024), BitsAllocated=8)
BATCHES = {
    "new": [ONE, make_file(2)],
    "odd": [ODD],
    "present and other": [make_file(7), make_file(8, PatientID="other")],
    "twice the same": [ONE, ONE],
    "twice not the same": [ONE, ODD],
    "present and twice not the same": [make_file(7, StudyDate="NotAValidDate"), make_file(7)],
    "not DICOM": [b"no DICOM", ONE],
    "cut short": [ONE[:-3]],
    "large": [LARGE],
    "large and cut short": [LARGE[:-3]],
    "nothing": [],
}


@pytest.mark.parametrize(
    ("root", "method", "duplicates"),
    [
        ("dicomweb", "POST", "reject"),
        ("dicomweb", "POST", "identical-ok"),
        ("dicomweb", "POST", "replace"),
        ("v2", "POST", "replace"),
        ("v2", "PUT", "reject"),
    ],
)
@pytest.mark.parametrize("batch", BATCHES)
async def test_a_dry_run_answers_as_storing_would(
    service: Service, root: str, method: str, duplicates: str, batch: str
) -> None:
    """Byte for byte, and nothing is stored."""
    service.settings = Settings.model_construct(duplicates=duplicates)
    await store(service, make_file(7), make_file(8))
    before = service.world.state()
    name = f"{root}_store"
    dry = await store(service, *BATCHES[batch], name=name, method=method, query="dryRun=true")
    assert service.world.state() == before
    wet = await store(service, *BATCHES[batch], name=name, method=method)
    assert (dry.status, dry.body) == (wet.status, wet.body)


async def test_a_dry_run_makes_no_partition(service: Service) -> None:
    """Though it answers as if there were one."""
    headers = {"content-type": MULTIPART}
    for query, status in (("dryRun=true", 200), ("dryRun=maybe", 400)):
        answer = await service.call(
            "v2_partition_store",
            f"/?{query}",
            method="POST",
            headers=headers,
            body=[multipart(ONE)],
            route={"partition": "p"},
        )
        assert answer.status == status
    assert not await service.partitions.has("p")


@pytest.mark.parametrize(
    "query", ["includefield=NotATag", "studyinstanceuid=1.2", "PatientID=P%2F1%23&00100020=x"]
)
async def test_a_lenient_search_ignores_what_it_does_not_know(service: Service, query: str) -> None:
    """Q14: with a warning, where it is set so."""
    await store(service, ONE)
    assert (await service.search(query)).status == 400
    service.settings = Settings.model_construct(lenient_search=True)
    answer = await service.search(query)
    assert answer.status == 200
    assert "Ignored" in answer.headers["warning"]


PLAIN = {"PatientName": "", "PatientID": "", "StudyDate": ""}
LARGE_BYTES = 5 * 1024 * 1024


def large(**attributes: Any) -> bytes:
    """Return an instance that is not held whole while it is stored; its name comes before what identifies it."""
    return make_file(1, EncapsulatedDocument=bytes(LARGE_BYTES), **attributes)


@pytest.mark.parametrize("content", [ONE, large()])
@pytest.mark.parametrize("dry", ["", "dryRun=true"])
async def test_what_identifies_its_patient_too_plainly_is_kept_out(
    service: Service, content: bytes, dry: str
) -> None:
    """Nothing of it is left, and the reason has the kinds of identifiers, but no value."""
    service.settings = Settings.model_construct(risk_limit="high")

    answer = await store(service, content, query=dry)

    assert answer.status == 409
    [item] = answer.json["00081198"]["Value"]
    text = item["00741048"]["Value"][0]["00000902"]["Value"][0]
    assert "level high (name, record number)" in text
    assert "DOE" not in text
    assert [info async for info in service.world.objects.scan("archive")] == []


@pytest.mark.parametrize("content", [make_file(1, **PLAIN), large(**PLAIN)])
async def test_what_identifies_its_patient_less_is_stored(service: Service, content: bytes) -> None:
    """UIDs alone are of level low."""
    service.settings = Settings.model_construct(risk_limit="high")

    assert (await store(service, content)).status == 200


@pytest.mark.parametrize("content", [ONE, large()])
async def test_what_is_kept_out_is_held_in_quarantine_where_that_is_set(
    service: Service, content: bytes
) -> None:
    """As it was sent; it is found by no search."""
    service.settings = Settings.model_construct(risk_limit="high", risk_action="quarantine")

    assert (await store(service, content)).status == 409

    [held] = [info async for info in service.world.objects.scan("quarantine")]
    assert (await service.world.objects.read_range(held.key, 0, held.size)).data == content
    assert [info async for info in service.world.objects.scan("archive")] == []
    assert (await service.search()).status == 204


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("is_known", [False, True])
async def test_deleting_removes_what_is_held_in_quarantine(
    service: Service, level: int, *, is_known: bool
) -> None:
    """Of the study, series or instance, be anything else known of it or not; once more it is 404."""
    service.settings = Settings.model_construct(risk_limit="high", risk_action="quarantine")
    other = archive_key("quarantine", "default", InstanceRef(f"{STUDY}.9", SERIES, "1.2.9"))
    service.world.objects.write(other, b"of another study")
    assert (await store(service, ONE)).status == 409
    [held] = [info.key async for info in service.world.objects.scan("quarantine") if info.key != other]
    study, series, instance = (part.removesuffix(".dcm") for part in held.name.split("/")[-3:])
    if is_known:
        service.settings = Settings.model_construct()
        assert (await store(service, ONE)).status == 200
    path = "/".join(("series", series, "instances", instance)[: 2 * level - 2])
    route = {"study": study, "path": path}

    assert (await service.call("dicomweb_delete", method="DELETE", route=route)).status == 204
    assert [info.key async for info in service.world.objects.scan("quarantine")] == [other]
    assert [info async for info in service.world.objects.scan("archive")] == []
    assert (await service.call("dicomweb_delete", method="DELETE", route=route)).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("left", "sent", "status"),
    [(large(), large(), 409), (ONE, large(), 409), (large(), make_file(1, **PLAIN), 200)],
)
async def test_what_a_crash_left_before_its_risk_was_known_never_serves(
    service: Service, left: bytes, sent: bytes, status: int, method: str
) -> None:
    """A large instance is written before it can be judged; who sends it again does not bring it in."""
    service.settings = Settings.model_construct(risk_limit="high")
    ref = InstanceRef(STUDY, SERIES, f"{SERIES}.1")
    service.world.objects.write(archive_key("archive", "default", ref), left)

    answer = await service.call(
        "dicomweb_store",
        method=method,
        headers={"content-type": "application/dicom", "accept": "application/dicom+json"},
        body=[sent],
    )

    assert answer.status == status
    held = [stored.data for stored in service.world.objects.objects.values()]
    assert held == ([sent] if status == 200 else [])
