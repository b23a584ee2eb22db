"""A study of which a part is gone, as a client sees it."""

import pytest

from shared.records import ObjectKey
from tests.unit.flows.builders import STUDY, make_file
from tests.unit.functions.service import Service, parts_of

PARTS = 'multipart/related; type="application/dicom"; transfer-syntax=*'
SMALL = [make_file(number) for number in (1, 2, 3)]
LARGE = [
    make_file(number, ImageComments="x" * 10_000, EncapsulatedDocument=bytes(300_000)) for number in (1, 2, 3)
]


def keys_of(service: Service) -> list[ObjectKey]:
    """Return where the stored instances lie, in their order."""
    objects = service.world.objects.objects
    found = {stored.data: key for key, stored in objects.items() if key.container == "archive"}
    return [found[data] for data in (SMALL if SMALL[0] in found else LARGE)]


@pytest.mark.parametrize("files", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("gone", [0, 1, 2])
async def test_the_rest_comes_with_a_warning(service: Service, files: list[bytes], gone: int) -> None:
    """206: what is left, and how much is not."""
    await service.store(*files)
    del service.world.objects.objects[keys_of(service)[gone]]

    answer = await service.retrieve(STUDY, PARTS)

    assert answer.status == 206
    assert answer.headers["warning"] == '299 - "1 of 3 instances could not be read"'
    assert [content for _, content in parts_of(answer)] == [
        data for number, data in enumerate(files) if number != gone
    ]
    assert answer.headers["content-length"] == str(len(answer.body))


@pytest.mark.parametrize("files", [SMALL, LARGE], ids=["small", "large"])
async def test_a_whole_study_has_no_warning(service: Service, files: list[bytes]) -> None:
    """200 as long as all is there."""
    await service.store(*files)

    answer = await service.retrieve(STUDY, PARTS)

    assert (answer.status, "warning" in answer.headers) == (200, False)
    assert [content for _, content in parts_of(answer)] == files


async def test_a_study_that_is_gone_is_no_partial_answer(service: Service) -> None:
    """The index will know of it soon."""
    await service.store(*SMALL)
    for key in keys_of(service):
        del service.world.objects.objects[key]

    assert (await service.retrieve(STUDY, PARTS)).status == 503
