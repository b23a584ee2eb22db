"""PUT, GET and DELETE of /search/file: files under keys that their senders choose."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest

from shared.backends.memory.index import MemoryIndex
from shared.backends.memory.object_store import MemoryObjectStore
from shared.errors import BackendUnavailableError
from shared.records import ObjectInfo, ObjectKey
from shared.settings.settings import Settings
from tests.instances import an_instance, uids
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service

KEY = "any folder/é (1)+%2F&=.dcm"
LARGE = {"Rows": 1024, "Columns": 5 * 1024, "PixelData": bytes(5 * 1024 * 1024)}


async def put(service: Service, data: bytes, key: str = KEY, **parameters: Any) -> Answer:
    """Store one file."""
    headers = {"content-type": parameters.pop("sent_as", "application/dicom")}
    return await service.call(
        "store_search_file",
        f"/search/file?{urlencode({'object_key': key, **parameters})}",
        method="PUT",
        headers=headers,
        body=[data[start : start + 65536] for start in range(0, len(data), 65536)],
    )


async def get(service: Service, key: str = KEY, **parameters: Any) -> Answer:
    """Fetch it."""
    return await service.call("search_file", f"/search/file?{urlencode({'object_key': key, **parameters})}")


async def delete(service: Service, key: str = KEY, **parameters: Any) -> Answer:
    """Delete it."""
    query = urlencode({"object_key": key, **parameters})
    return await service.call("delete_search_file", f"/search/file?{query}", method="DELETE")


def stored(service: Service, key: str = KEY, bucket: str = "images") -> bytes | None:
    """Return what the store holds."""
    found = service.world.objects.objects.get(ObjectKey(bucket, key))
    return None if found is None else found.data


@pytest.mark.parametrize("attributes", [{}, LARGE])
async def test_a_file_lies_under_its_key_and_is_found(service: Service, attributes: dict[str, Any]) -> None:
    """Byte for byte where it was put; the archive knows it as any other, until it is deleted by the same key."""
    data = an_instance(1, **attributes)
    answer = await put(service, data)
    study, series, instance = uids(1)

    assert answer.status == 201, answer.body
    assert answer.json == {
        "id": f"{study}/{series}/{instance}",
        "bucket": "images",
        "object_key": KEY,
        "size": len(data),
        "replaced": False,
        "state": "indexed",
        "reason": "",
    }
    assert stored(service) == data
    assert (await get(service)).body == data
    assert (await service.retrieve(study)).status == 200

    assert (await delete(service)).status == 204
    assert stored(service) is None
    assert (await get(service)).status == (await delete(service)).status == 404
    assert (await service.retrieve(study)).status == 404


@pytest.mark.parametrize("attributes", [{}, LARGE])
async def test_what_is_there_is_overwritten_only_on_demand(
    service: Service, attributes: dict[str, Any]
) -> None:
    """409 and nothing changed without allow_overwrite; with it the new file is served and the old one forgotten."""
    first, second = an_instance(1, **attributes), an_instance(2, **attributes)
    await put(service, first)
    refused = await put(service, second)
    assert (refused.status, refused.json["code"], stored(service)) == (409, "ObjectExists", first)

    answer = await put(service, second, allow_overwrite="true")
    assert (answer.status, answer.json["replaced"]) == (200, True)
    assert (await get(service)).body == second
    assert (await service.retrieve(uids(1)[0])).status == 404
    assert (await service.retrieve(uids(2)[0])).status == 200
    assert not [key for key in service.world.objects.objects if key.name.startswith("staged/")]


@pytest.mark.parametrize("overwrite", ["false", "true"])
async def test_of_two_racing_writers_one_is_told(
    service: Service, overwrite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both saw the same state; one wins."""
    if overwrite == "true":
        await put(service, an_instance(3))
    both_saw, head, looks = asyncio.Barrier(2), MemoryObjectStore.head, 0

    async def look(self: MemoryObjectStore, key: ObjectKey) -> ObjectInfo:
        nonlocal looks
        info = await head(self, key)
        looks += 1
        if overwrite == "true" and looks <= 2:
            await both_saw.wait()
        return info

    monkeypatch.setattr(MemoryObjectStore, "head", look)
    answers = await asyncio.gather(
        *(put(service, an_instance(number), allow_overwrite=overwrite) for number in (1, 2))
    )

    assert sorted(answer.status for answer in answers) == [200 if overwrite == "true" else 201, 409]
    [winner] = [number for number, answer in enumerate(answers, 1) if answer.status < 300]
    assert stored(service) == an_instance(winner)


@pytest.mark.parametrize(
    "key",
    [
        "../archive/a.dcm",
        "a/../b",
        "a/./b",
        ".",
        "/a",
        "a/",
        "a//b",
        "a\\b",
        "a\x00b",
        "a\r\nb",
        "a\x7f",
        "a\x85b",
        "a\u202eb",
        "a\u2028b",
        "é" * 513,
        "x" * 256,
        ".dicom-functions/conditional-writes",
    ],
)
async def test_a_key_that_means_something_else_is_refused(service: Service, key: str) -> None:
    """Before anything is read or written, by each method that writes."""
    before = dict(service.world.objects.objects)
    assert (await put(service, an_instance(1), key)).status == 400
    assert (await delete(service, key)).status == 400
    assert service.world.objects.objects == before


@pytest.mark.parametrize("key", ["é" * 127 + "/" + "x" * 255, "a", "a b/#?&+%41.dcm", "..a/b..", "..."])
async def test_any_other_key_is_taken_as_it_is(service: Service, key: str) -> None:
    """No decoding beyond the URL's own, no case folding, no trimming."""
    assert (await put(service, an_instance(1), key)).status == 201
    assert stored(service, key) == an_instance(1)


@pytest.mark.parametrize(
    "bucket", ["archive", "rejected", "derived", "quarantine", "nowhere", "Images", "../images"]
)
async def test_only_watched_buckets_are_open(service: Service, bucket: str) -> None:
    """The archive's own would break its order, and what is not watched is never reconciled."""
    answer = await put(service, an_instance(1), bucket=bucket)
    assert (answer.status, "images" in answer.json["detail"]) == (400, True)
    assert (await delete(service, bucket=bucket)).status == 400
    assert not service.world.objects.objects


async def test_a_read_only_bucket_stays_as_it_is(service: Service) -> None:
    """Nothing is written to it and nothing deleted, and it is never the default."""
    service.settings = Settings.model_construct(
        watched_containers=("images", "research"), read_only_containers=("images",)
    )
    assert (await put(service, an_instance(1), bucket="images")).status == 403
    assert (await delete(service, bucket="images")).status == 403
    assert (await put(service, an_instance(1))).json["bucket"] == "research"


async def test_bucket_and_media_type_by_parameter_setting_default(service: Service) -> None:
    """The parameter goes before what is set, and that before the default."""

    def media_type(bucket: str) -> str:
        return service.world.objects.objects[ObjectKey(bucket, KEY)].content_type

    await put(service, an_instance(1))
    assert media_type("images") == "application/dicom"
    service.settings = Settings.model_construct(
        watched_containers=("images", "research"), key_bucket="research"
    )
    await put(service, an_instance(2), content_type="application/x-mine")
    assert media_type("research") == "application/x-mine"
    assert (await put(service, an_instance(3), bucket="images", allow_overwrite="1")).status == 200
    assert (await get(service)).body == an_instance(2)
    assert (await get(service, bucket="images")).body == an_instance(3)


@pytest.mark.parametrize(
    "parameters",
    [
        {"content_type": "no media type"},
        {"content_type": "a/b; c=d"},
        {"content_type": "*/*"},
        {"content_type": f"a/{'b' * 200}"},
        {"allow_overwrite": "perhaps"},
        {"overwrite": "true"},
        {"index": "another"},
        {"partition": "another"},
    ],
)
async def test_what_cannot_be_done_as_asked_is_refused(service: Service, parameters: dict[str, str]) -> None:
    """No parameter is ignored."""
    assert (await put(service, an_instance(1), **parameters)).status == 400
    assert not service.world.objects.objects


async def test_the_index_that_is_set_may_be_named(service: Service) -> None:
    """All of the archive enter it."""
    answer = await put(service, an_instance(1), index=service.settings.elasticsearch_index)
    assert answer.status == 201


@pytest.mark.parametrize("overwrite", ["false", "true"])
@pytest.mark.parametrize("size", ["small", "large"])
async def test_a_damaged_file_takes_no_place(service: Service, overwrite: str, size: str) -> None:
    """422, and what was there is there still."""
    attributes: dict[str, Any] = LARGE if size == "large" else {}
    data = an_instance(1, **attributes)
    if overwrite == "true":
        await put(service, an_instance(2))
    before = dict(service.world.objects.objects)
    answer = await put(service, data[:-10], allow_overwrite=overwrite)

    assert (answer.status, answer.json["code"]) == (422, "DamagedDicom")
    assert service.world.objects.objects == before


async def test_what_is_no_dicom_is_not_stored(service: Service) -> None:
    """By what it says it is, and by what it is."""
    assert (await put(service, an_instance(1), sent_as="text/plain")).status == 415
    assert (await put(service, b"no DICOM at all")).status == 422
    assert not service.world.objects.objects


async def test_the_limit_of_risk_holds_for_keys_too(service: Service) -> None:
    """What is kept out is held in quarantine, if so set, under bucket and name; deleting the key removes it there."""
    service.settings = Settings.model_construct(risk_limit="low", risk_action="quarantine")
    data = an_instance(1, PatientName="Doe^John")
    assert (await put(service, data)).status == 422
    assert stored(service) is None
    assert stored(service, f"images/{KEY}", "quarantine") == data

    service.world.objects.write(ObjectKey("images", KEY), an_instance(2))
    assert (await delete(service)).status == 204
    assert stored(service, f"images/{KEY}", "quarantine") is None


async def test_a_file_that_cannot_be_indexed_now_is_indexed_later(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """202: it is stored, and its event or reconciling finds it."""

    async def unavailable(*_: Any, **__: Any) -> Any:
        raise BackendUnavailableError("the tables do not answer")

    with monkeypatch.context() as patch:
        patch.setattr(MemoryIndex, "put", unavailable)
        answer = await put(service, an_instance(1))
    assert (answer.status, answer.json["state"]) == (202, "pending")
    assert stored(service) == an_instance(1)

    assert (await put(service, an_instance(1))).status == 409
    assert (await put(service, an_instance(1), allow_overwrite="true")).status == 200
    assert (await get(service)).body == an_instance(1)


async def test_deleting_one_of_two_copies_leaves_the_other(service: Service) -> None:
    """Each key is an object of its own, also of one instance."""
    await put(service, an_instance(1), "a.dcm")
    await put(service, an_instance(1), "b.dcm")
    assert (await get(service, "b.dcm")).body == an_instance(1)
    await delete(service, "a.dcm")

    assert (await service.retrieve(uids(1)[0])).status == 200
    assert (await get(service, "a.dcm")).status == 404
