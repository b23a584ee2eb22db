"""The checks that take more than a client: what the archive does when its storage or its events misbehave."""

import pytest

from functions import _wiring, queue_blob_event
from shared.errors import BackendUnavailableError
from shared.records import ObjectKey
from tests.unit.flows.builders import STUDY, make_file
from tests.unit.functions.service import Service, user_function
from tests.unit.functions.test_triggers import blob_event, message


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """Return an empty archive that the handlers work on."""
    made = Service()
    monkeypatch.setattr(_wiring, "services", made.services)
    return made


@pytest.mark.parametrize("calls_left", range(3))
async def test_s22_storage_that_is_exhausted_leaves_nothing_half_indexed(
    service: Service, calls_left: int
) -> None:
    """S22: 503, or 409 with reason 42752, whenever it gives out; sending it again stores it."""
    service.world.interrupt(calls_left, BackendUnavailableError("no space left"))
    answer = await service.store(make_file(1))
    service.world.interrupt(None)
    if answer.status == 409:
        [item] = answer.json["00081198"]["Value"]
        assert item["00081197"]["Value"] == [42752]
    else:
        assert answer.status == 503
    found = (await service.search()).status
    assert (await service.retrieve(f"{STUDY}/metadata")).status == (200 if found == 200 else 404)
    assert (await service.store(make_file(1))).status == 200
    assert len(service.world.feed._changes) == 1


async def test_f04_an_event_that_comes_twice_is_one_change(service: Service) -> None:
    """F04: one row, one entry of the feed."""
    service.world.objects.write(ObjectKey("images", "a b.dcm"), make_file(1))
    _wiring.settings.cache_clear()
    for _ in range(2):
        await user_function(queue_blob_event.bp._function_builders[0])(message(blob_event()))

    assert len((await service.search(resource="instances")).json) == 1
    assert len(service.world.feed._changes) == 1
