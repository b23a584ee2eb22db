"""What the forerunner's search promised, by the handlers of /search, on both servers that stand in for Elasticsearch.

C003-7 to C003-9 and C003-13; of C003-8 the hundred thousand are in test_search_scale, C003-11 is in test_search_repair.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from functions import _wiring
from functions._search_update import bring_search_up
from shared.backends.elasticsearch import ElasticsearchEngine
from shared.backends.memory.checkpoints import MemoryCheckpoints
from shared.backends.memory.index import MemoryIndex
from shared.dicom.index.document import bare_document, document_id
from shared.dicom.index.policy import Form, IndexPolicy
from shared.flows.update_search import SearchUpdatePorts, update_search
from shared.ports.archive import InstanceIndex
from shared.ports.search import IndexedDocument
from shared.records import ObjectKey
from shared.services.services import Services
from tests.contract.records import a_record, an_instance, fresh_name
from tests.contract.search_servers import search_server
from tests.instances import an_instance as a_file
from tests.instances import uids
from tests.search_servers import SearchServer
from tests.unit.dicom.index.canaries import CANARY, canaries_of_risk
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service

pytestmark = pytest.mark.search

__all__ = ["search_server"]

KEYS = ["PatientID", "Patient ID", "(0010,0020)", "00100020", "patientid", "Patient\u200bID"]
POLICY = IndexPolicy("hashed", key=b"k" * 32)


class _Searched(Service):
    """The handlers on an archive in memory, with its search index on a real server."""

    def __init__(self, real: ElasticsearchEngine) -> None:
        super().__init__()
        self.real = real

    async def bound(self, partition: str) -> Services:
        return replace(await super().bound(partition), engine=self.real, index_policy=POLICY)

    async def caught_up(self) -> None:
        """Let the search index follow the archive, and find all of it."""
        for study in await self.world.index.due(1000):
            await self.world.index.refresh(study)
        await bring_search_up(await self.services(), seconds=100)
        found = (await self.real.generations()).serving
        assert found is not None
        await self.real.settle(found)

    async def asked(self, query: str) -> Answer:
        return await self.call("search", f"/search?{query}")

    async def queried(self, body: Any) -> Answer:
        sent = [json.dumps(body).encode()]
        return await self.call("search_by_query", "/search", method="POST", body=sent)

    async def file(self, query: str) -> Answer:
        return await self.call("search_file", f"/search/file?{query}")


@pytest.fixture
async def archive(search_server: SearchServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[_Searched]:
    """Give an empty archive with an index of its own on each server."""
    client, name = search_server.client(), fresh_name("dicom-forerunner")
    made = _Searched(ElasticsearchEngine(client, name, POLICY.fingerprint))
    monkeypatch.setattr(_wiring, "services", made.services)
    yield made
    for index in await client.indices.get(index=f"{name}-*"):
        await client.indices.delete(index=index)
    await client.close()


def _ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [hit["id"] for hit in answer.json["hits"]]


def _id(*numbers: int) -> str:
    return "/".join(uids(*numbers))


async def test_c003_7_a_value_finds_exactly_the_objects_whose_attribute_has_it(archive: _Searched) -> None:
    """(PatientID, 'X') is not found where another attribute is X, or by part of it; by every name of the key."""
    await archive.store(
        a_file(1, PatientID="X", AccessionNumber="Y"),
        a_file(1, 1, 2, PatientID="X", AccessionNumber="X"),
        a_file(2, PatientID="Y", AccessionNumber="X", Modality="MR"),
        a_file(3, PatientID="X Y"),
        a_file(4, PatientID="x"),
    )
    await archive.caught_up()
    for key in KEYS:
        assert sorted(_ids(await archive.asked(f"{quote(key)}=X"))) == [_id(1), _id(1, 1, 2)]
    assert _ids(await archive.asked("PatientID=X&AccessionNumber=Y")) == [_id(1)]
    assert _ids(await archive.asked(f"q={quote(_id(2))}")) == [_id(2)]
    structured = {
        "bool": {
            "must": [{"term": {"(0008,0050)": "X"}}],
            "must_not": [{"terms": {"Modality": ["MR"]}}],
        }
    }
    assert _ids(await archive.queried({"query": structured})) == [_id(1, 1, 2)]


async def test_c003_8_every_hit_is_reached_and_bad_queries_are_errors(archive: _Searched) -> None:
    """More than a page, and more than 1,000 at a time; what cannot be understood is never "not found"."""
    await archive.store(a_file(1))
    await archive.caught_up()
    serving = (await archive.real.generations()).serving
    assert serving is not None
    refs = [an_instance("1.2", "1.2.3", f"1.2.3.{number}") for number in range(1, 1300)]
    bare = [(bare_document(ref, "default"), document_id("default", ref)) for ref in refs]
    await archive.real.write(serving, [IndexedDocument(one, 1, held, held) for held, one in bare])
    await archive.real.settle(serving)

    for limit in (1000, 99):
        found: list[str] = []
        after: str | None = ""
        while after is not None:
            query: dict[str, Any] = {"query": {"match_all": {}}, "size": limit, "after": after}
            answer = await archive.queried(query)
            found += _ids(answer)
            after = answer.json["next_after"]
        assert (len(found), len(set(found))) == (1300, 1300)
    wrong: list[Any] = [
        {"match_all": []},
        {"query_string": {"query": "*"}},
        {"term": {"NoSuch": 1}},
        {"bool": 1},
    ]
    for bad in wrong:
        answer = await archive.queried({"query": bad})
        assert (answer.status, "found" in answer.json) == (400, False)
    answer = await archive.asked("NoSuchKey=1")
    assert (answer.status, "found" in answer.json) == (400, False)


async def test_c003_9_a_file_is_got_by_id_query_and_key_and_absent_is_one_answer(archive: _Searched) -> None:
    """The same bytes come by each way; what is absent is told the same by each, and is no error of the search."""
    data = a_file(1, PatientID="X")
    await archive.store(data)
    await archive.caught_up()
    (hit,) = (await archive.asked("PatientID=X")).json["hits"]
    there = [f"q={quote(hit['id'])}", "PatientID=X", f"object_key={quote(hit['object_key'])}"]
    for query in there:
        answer = await archive.file(query)
        assert (answer.status, answer.body) == (200, data)
    absent = [await archive.file(query) for query in (f"q={quote(_id(9))}", "PatientID=Z", "object_key=none")]
    assert [answer.status for answer in absent] == [404] * 3
    for query in (f"q={quote(_id(9))}", "PatientID=Z"):
        told = (await archive.asked(query)).json
        assert told == {"found": False, "total": 0, "next_after": None, "hits": []}
    assert (await archive.queried({"query": {"term": {"PatientID": "Z"}}})).json["found"] is False


@pytest.mark.parametrize("form", ["plain", "hashed", "omitted"])
async def test_c003_13_the_policy_says_what_of_a_patient_the_server_holds(
    search_server: SearchServer, form: Form
) -> None:
    """Of every attribute of PS3.15 and of the forerunner's lists the server returns no value, unless it is to be plain."""
    policy = IndexPolicy(form, key=b"k" * 32)
    index = MemoryIndex("default")
    canaries = canaries_of_risk()
    nested = {"0040A730": {"vr": "SQ", "Value": [{"00081111": {"vr": "SQ", "Value": [canaries]}}]}}
    record = a_record(an_instance(), attributes=nested)
    location = replace(record.location, key=ObjectKey("images", f"{CANARY}.dcm"))
    await index.put([replace(record, location=location)])
    await index.refresh(record.ref.study)

    async def open_partition(_name: str) -> tuple[InstanceIndex, IndexPolicy]:
        return index, policy

    name = fresh_name("dicom-policy")
    async with search_server.client() as client:
        engine = ElasticsearchEngine(client, name, policy.fingerprint)
        await update_search(
            SearchUpdatePorts(index.feed, MemoryCheckpoints(), engine, open_partition), seconds=60
        )
        await client.indices.refresh(index=f"{name}-*")
        held = json.dumps((await client.search(index=f"{name}-*", query={"match_all": {}})).body)
        await client.indices.delete(index=(await engine.generations()).serving.name)  # type: ignore[union-attr]  # one answers
    assert record.ref.sop_instance_uid in held
    assert held.lower().count(CANARY.lower()) > 300 if form == "plain" else CANARY.lower() not in held.lower()
