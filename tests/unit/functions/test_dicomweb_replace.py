"""Storing in place of what is there, over HTTP: by PUT, by a setting; what the change feed and the history say of it."""

from typing import Any

import pytest

from shared.flows.index_instance import index_instance
from shared.records import ObjectKey
from shared.settings.settings import Settings
from tests.unit.flows.builders import SERIES, STUDY, make_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import MULTIPART, Service, multipart

ONE, OTHER = make_file(1), make_file(1, PatientID="P/2#")
PATH = f"{STUDY}/series/{SERIES}/instances/{SERIES}.1"
ROOTS = ("dicomweb", "v1", "v2")


async def send(
    service: Service, method: str, *contents: bytes, root: str = "dicomweb", study: str | None = None
) -> Answer:
    """Store instances by POST or PUT."""
    headers = {"content-type": MULTIPART, "accept": "application/dicom+json"}
    route = {} if study is None else {"study": study}
    body = [multipart(*contents)]
    return await service.call(f"{root}_store", method=method, headers=headers, body=body, route=route)


async def served(service: Service) -> bytes:
    """Return the instance as it is retrieved."""
    return (await service.retrieve(PATH, "application/dicom; transfer-syntax=*")).body


async def changes(service: Service, root: str = "v2") -> list[dict[str, Any]]:
    """Return the change feed."""
    answer = await service.call(f"{root}_changes", f"/{root}/changefeed", route={"path": ""})
    entries: list[dict[str, Any]] = answer.json
    return entries


@pytest.mark.parametrize("root", ROOTS)
async def test_put_replaces_at_every_root(service: Service, root: str) -> None:
    """As the Azure DICOM service has it: what is there is replaced, what is not is stored."""
    assert (await send(service, "PUT", ONE, root=root)).status == 200
    assert (await send(service, "PUT", OTHER, make_file(2), root=root)).status == 200
    assert await served(service) == OTHER


@pytest.mark.parametrize("root", ROOTS)
async def test_post_does_not_replace(service: Service, root: str) -> None:
    """Reason 45070, with a word on how to replace it; and what is stored stays."""
    await send(service, "POST", ONE, root=root)
    answer = await send(service, "POST", OTHER, root=root)
    assert answer.status == 409
    [failed] = answer.json["00081198"]["Value"]
    assert failed["00081197"]["Value"] == [45070]
    assert "PUT" in failed["00741048"]["Value"][0]["00000902"]["Value"][0]
    assert await served(service) == ONE


@pytest.mark.parametrize(
    ("duplicates", "same", "other"), [("reject", 409, 409), ("identical-ok", 200, 409), ("replace", 200, 200)]
)
async def test_the_setting_decides_at_the_standard_root(
    service: Service, duplicates: str, same: int, other: int
) -> None:
    """The Azure dialect refuses whatever the setting says."""
    service.settings = Settings.model_construct(duplicates=duplicates)
    await send(service, "POST", ONE)
    for root in ("v1", "v2"):
        for data in (ONE, OTHER):
            assert (await send(service, "POST", data, root=root)).status == 409
    assert (await send(service, "POST", ONE)).status == same
    assert (await send(service, "POST", OTHER)).status == other
    assert await served(service) == (OTHER if other == 200 else ONE)


async def test_put_to_a_study_takes_its_instances_only(service: Service) -> None:
    """As POST does."""
    await send(service, "PUT", ONE)
    foreign = make_file(1, study="1.9", series="1.9.1")
    answer = await send(service, "PUT", OTHER, foreign, study=STUDY)
    assert answer.status == 202
    [failed] = answer.json["00081198"]["Value"]
    assert failed["00081197"]["Value"] == [43265]
    assert await served(service) == OTHER


@pytest.mark.parametrize("root", ROOTS)
async def test_the_feed_says_what_was_replaced(service: Service, root: str) -> None:
    """The entry of what was stored first is `replaced`, the update `current`; after a deletion all are `deleted`."""
    for data in (ONE, ONE, OTHER, OTHER, ONE):
        await send(service, "PUT", data)
    entries = await changes(service, root)
    assert [(entry["Action"], entry["State"]) for entry in entries] == [
        ("create", "replaced"),
        ("update", "replaced"),
        ("update", "current"),
    ]
    assert {entry["Metadata"]["00100020"]["Value"][0] for entry in entries} == {"P/1#"}

    await service.call("dicomweb_delete", method="DELETE", route={"study": STUDY, "path": ""})
    entries = await changes(service, root)
    assert [(entry["Action"], entry["State"]) for entry in entries] == [
        ("create", "deleted"),
        ("update", "deleted"),
        ("update", "deleted"),
        ("delete", "deleted"),
    ]
    assert all("Metadata" not in entry for entry in entries)
    assert service.world.objects.objects == {}


async def listed(service: Service, path: str = PATH, **headers: str) -> Answer:
    """Return what the history resource answers."""
    return await service.retrieve(f"{path}/history", **headers)


async def test_every_version_is_listed_and_retrieved(service: Service) -> None:
    """The current one first; each as it was stored, also by range; copies of dropped files are spares."""
    watched = [ObjectKey("images", name) for name in ("a", "b")]
    for key in watched:
        service.world.objects.write(key, ONE)
        await index_instance(key, service.world.index_ports)
    await send(service, "PUT", OTHER)
    versions = (await listed(service)).json
    assert [(one["State"], one["Generation"], one["Source"]) for one in versions] == [
        ("current", 1, "store"),
        ("replaced", 0, "event"),
        ("replaced", 0, "event"),
    ]
    for version, data in zip(versions, (OTHER, ONE, ONE), strict=True):
        path = version["RetrieveUrl"].partition("/studies/")[2]
        assert path == f"{PATH}/history/{version['Version']}"
        answer = await service.retrieve(path)
        assert (answer.body, version["Length"]) == (data, len(data))
        part = await service.retrieve(path, range="bytes=128-131")
        assert (part.status, part.body) == (206, b"DICM")
    text = str(versions)
    assert "images" not in text
    assert "P/1#" not in text


async def test_two_dropped_files_are_one_current_and_one_spare(service: Service) -> None:
    """Nothing was replaced."""
    for name in ("a", "b"):
        service.world.objects.write(ObjectKey("images", name), ONE)
        await index_instance(ObjectKey("images", name), service.world.index_ports)
    assert [one["State"] for one in (await listed(service)).json] == ["current", "spare"]


async def test_what_has_no_history_is_not_found(service: Service) -> None:
    """Neither an unknown instance nor an unknown version, nor a series; and no form but the ones there are."""
    assert (await listed(service)).status == 404
    await send(service, "PUT", ONE)
    assert (await service.retrieve(f"{PATH}/history/{'0' * 32}")).status == 404
    assert (await listed(service, f"{STUDY}/series/{SERIES}")).status == 404
    assert (await listed(service, accept="text/html")).status == 406
    [version] = (await listed(service)).json
    path = f"{PATH}/history/{version['Version']}"
    assert (
        await service.retrieve(path, "application/dicom; transfer-syntax=1.2.840.10008.1.2")
    ).status == 406
