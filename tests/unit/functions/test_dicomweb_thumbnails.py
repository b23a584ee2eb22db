"""Thumbnails as a client sees them, and how long they are kept."""

from typing import Any

import pytest

from shared.flows.index_instance import index_instance
from shared.records import ObjectKey
from tests.unit.flows.builders import SERIES, STUDY
from tests.unit.functions.pictures import FRAMES, INSTANCE, LEVELS, get, grey_file, picture
from tests.unit.functions.service import Service


@pytest.mark.parametrize("path", LEVELS)
async def test_a_thumbnail_is_a_small_jpeg(service: Service, path: str) -> None:
    """W26: 256 pixels at most, on four levels; smaller on request."""
    await service.store(grey_file())

    assert picture(await get(service, f"{path}/thumbnail"), "image/jpeg").size == (256, 128)
    smaller = await get(service, f"{path}/thumbnail", "viewport=100,100")
    assert picture(smaller, "image/jpeg").size == (100, 50)


@pytest.mark.parametrize("query", ["viewport=257,1", "viewport=1,257", "viewport=1,1,0,0,1,1", "viewport=x"])
async def test_a_thumbnail_is_never_larger(service: Service, query: str) -> None:
    """Nor a region of the image."""
    await service.store(grey_file())

    assert (await get(service, f"{INSTANCE}/thumbnail", query)).status == 400


def kept(service: Service) -> dict[ObjectKey, bytes]:
    """Return what is kept in the derived container."""
    objects = service.world.objects.objects
    return {key: stored.data for key, stored in objects.items() if key.name.startswith("thumbnails/")}


async def test_a_thumbnail_is_kept_and_may_be_deleted(service: Service) -> None:
    """It is made once; deleted, it is made again."""
    await service.store(grey_file())
    first = await get(service, f"{INSTANCE}/thumbnail")
    [(key, data)] = kept(service).items()
    assert (key.container, data) == ("derived", first.body)

    service.world.objects.write(key, b"kept")
    assert (await get(service, f"{INSTANCE}/thumbnail")).body == b"kept"

    del service.world.objects.objects[key]
    assert (await get(service, f"{INSTANCE}/thumbnail")).body == first.body


async def delete(service: Service, path: str) -> None:
    """Delete a study, series or instance."""
    route = dict(zip(("study", "path"), [*path.split("/", 1), ""][:2], strict=True))
    assert (await service.call("dicomweb_delete", method="DELETE", route=route)).status == 204


async def test_a_changed_image_gets_another_thumbnail(service: Service) -> None:
    """What is kept is named by the etag of what it was made of."""
    await service.store(grey_file())
    await get(service, f"{INSTANCE}/thumbnail")
    [before] = kept(service)
    replacing = await service.call(
        "dicomweb_store",
        method="PUT",
        headers={"content-type": "application/dicom", "accept": "application/dicom+json"},
        body=[grey_file(frames=FRAMES)],
    )
    assert replacing.status == 200

    thumbnail = picture(await get(service, f"{INSTANCE}/thumbnail"), "image/jpeg")

    assert thumbnail.size == (256, 171)
    assert len(kept(service).keys() - {before}) == 1


@pytest.mark.parametrize("path", [STUDY, f"{STUDY}/series/{SERIES}", INSTANCE])
async def test_thumbnails_go_with_their_image(service: Service, path: str) -> None:
    """What is deleted is seen nowhere any more; what is like it in another data partition, or beside it, stays."""
    await service.store(grey_file(1), grey_file(2))
    for frame in ("", "/frames/1"):
        await get(service, f"{INSTANCE}{frame}/thumbnail")
    await get(service, f"{STUDY}/series/{SERIES}/instances/{SERIES}.2/thumbnail")
    elsewhere = ObjectKey("derived", next(iter(kept(service))).name.replace("/default/", "/other/"))
    service.world.objects.write(elsewhere, b"x")

    await delete(service, path)

    assert len(kept(service).keys() - {elsewhere}) == (1 if path == INSTANCE else 0)
    assert elsewhere in kept(service)


async def test_a_thumbnail_made_while_its_image_goes_is_not_kept(service: Service) -> None:
    """Who deletes cannot see what is on its way yet."""
    await service.store(grey_file())
    put = service.world.objects.put

    async def put_late(key: ObjectKey, *args: Any, **options: Any) -> Any:
        if key.name.startswith("thumbnails/"):
            await delete(service, STUDY)
        return await put(key, *args, **options)

    service.world.objects.put = put_late  # type: ignore[method-assign]
    assert (await get(service, f"{INSTANCE}/thumbnail")).status == 200

    assert kept(service) == {}


async def test_a_thumbnail_of_a_watched_object_goes_with_it(service: Service) -> None:
    """Also where it was replaced by another file under its name."""
    key = ObjectKey("images", "a")
    for data in (grey_file(), grey_file(frames=FRAMES), None):
        if data is None:
            del service.world.objects.objects[key]
        else:
            service.world.objects.write(key, data)
        await index_instance(key, service.world.index_ports)
        assert kept(service) == {}
        await get(service, f"{INSTANCE}/thumbnail")
    assert kept(service) == {}
