"""Imports over HTTP and by their queue, on an archive in memory: no source is ever asked here."""

import base64
import json
from typing import Any

import pytest

from functions import _wiring, queue_import
from shared.settings.imports import ImportSourceSettings
from tests.unit.functions.service import Service, user_function

SOURCE = ImportSourceSettings(kind="orthanc", url="https://pacs.example")


class Message:
    """A message as the host hands it over."""

    id = "m"

    def __init__(self, content: Any) -> None:
        self._content = content if isinstance(content, bytes) else json.dumps(content).encode()

    def get_body(self) -> bytes:
        """Return its content."""
        return self._content


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """Give an archive with one source in its settings."""
    made = Service()
    made.settings = made.settings.model_copy(update={"import_sources": {"main": SOURCE}})
    monkeypatch.setattr(_wiring, "services", made.services)
    monkeypatch.setattr(_wiring, "settings", lambda: made.settings)
    return made


async def begin(service: Service, content: Any) -> Any:
    """Begin an import."""
    return await service.call("start_import", "/imports", method="POST", body=[json.dumps(content).encode()])


async def test_an_import_is_begun_listed_and_told(service: Service) -> None:
    """202 with where its status is; the list has it, and the names of sources, but nothing of what was filtered by."""
    begun = await begin(service, {"source": "main", "patient": "P77", "partition": "research"})
    assert begun.status == 202
    job = json.loads(begun.body)["job"]
    assert begun.headers["location"].endswith(f"/imports/{job}")
    told = await service.call("import_status", f"/imports/{job}", route={"job": job})
    assert (json.loads(told.body)["status"], b"P77" in told.body) == ("queued", False)
    listed = json.loads((await service.call("list_imports", "/imports")).body)
    assert ([one["job"] for one in listed["imports"]], listed["sources"]) == ([job], ["main"])
    assert (await service.call("import_manifest", "/x", route={"job": job})).body == b""
    for odd in ("x", "0" * 32):
        for name in ("import_status", "import_manifest"):
            assert (await service.call(name, "/x", route={"job": odd})).status == 404


async def test_a_source_that_is_gone_fails_the_job_not_the_queue(service: Service) -> None:
    """The message is acknowledged, the job says why, and when the source is there again it can be resumed."""
    job = json.loads((await begin(service, {"source": "main"})).body)["job"]
    sources = service.settings.import_sources
    service.settings = service.settings.model_copy(update={"import_sources": {}})
    await user_function(queue_import.work_on_import)(Message({"job": job}))
    told = json.loads((await service.call("import_status", "/x", route={"job": job})).body)
    assert (told["status"], "DICOM_IMPORT_SOURCES" in told["error"]) == ("failed", True)
    service.settings = service.settings.model_copy(update={"import_sources": sources})
    resumed = await service.call("resume_import", "/x", method="POST", route={"job": job})
    assert (resumed.status, json.loads(resumed.body)["status"]) == (202, "queued")


@pytest.mark.parametrize("content", [b"{", b"[]", b'"x"', b'{"job": 1, "item": "x"}', base64.b64encode(b"x")])
async def test_messages_without_meaning_are_acknowledged(service: Service, content: bytes) -> None:
    """Nothing can be done with them, however often they come."""
    for handler in (queue_import.work_on_import, queue_import.import_given_up):
        await user_function(handler)(Message(content))
