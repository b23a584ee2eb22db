"""/search and /search/file: with a search engine and without one. That nothing is found is said only where it is so."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from functions._search_update import bring_search_up
from shared.backends.memory.search_engine import MemorySearchEngine
from shared.dicom.index.policy import IndexPolicy
from shared.errors import BackendUnavailableError
from tests.instances import an_instance, uids
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service

STUDY, OTHER = uids(1)[0], uids(2)[0]


def _instance(number: int, study: str = STUDY, **values: Any) -> bytes:
    return an_instance(1 if study == STUDY else 2, 1, number, **values)


@pytest.fixture
async def filled(service: Service) -> Service:
    """Return an archive of five instances of two patients."""
    for number in (1, 2, 3):
        answer = await service.store(
            _instance(
                number,
                PatientID="P 1",
                PatientName="Doe^John",
                Modality="CT",
                StudyDate="20200229",
                Manufacturer="M",
            )
        )
        assert answer.status == 200, answer.body
    for number in (1, 2):
        await service.store(_instance(number, OTHER, PatientID="p 1", Modality="MR", StudyDate="20190101"))
    return service


@pytest.fixture
async def indexed(filled: Service) -> Service:
    """Return it with a search engine that has caught up."""
    return await _with_engine(filled, IndexPolicy("plain"))


async def _with_engine(service: Service, policy: IndexPolicy) -> Service:
    service.engine, service.index_policy = MemorySearchEngine(policy.fingerprint), policy
    for study in await service.world.index.due(100):
        await service.world.index.refresh(study)
    await bring_search_up(await service.services(), seconds=100)
    return service


async def _search(service: Service, query: str) -> Answer:
    return await service.call("search", f"/search?{query}")


async def _ask(service: Service, body: Any, query: str = "") -> Answer:
    return await service.call(
        "search_by_query", f"/search?{query}", method="POST", body=[json.dumps(body).encode()]
    )


async def _file(service: Service, query: str) -> Answer:
    return await service.call("search_file", f"/search/file?{query}")


async def _file_by(service: Service, body: Any) -> Answer:
    return await service.call(
        "search_file_by_query", "/search/file", method="POST", body=[json.dumps(body).encode()]
    )


def _ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [hit["id"] for hit in answer.json["hits"]]


_THREE = [f"{STUDY}/{STUDY}.1/{STUDY}.1.{number}" for number in (1, 2, 3)]


@pytest.mark.parametrize("engine", [None, "plain", "hashed"])
@pytest.mark.parametrize("key", ["PatientID", "Patient ID", "(0010,0020)", "00100020", "Patient\u200bID"])
async def test_an_exact_value_finds_exactly_its_instances(
    filled: Service, engine: str | None, key: str
) -> None:
    """By whichever name of the attribute, with an engine or the tables; another letter case is another value."""
    if engine is not None:
        policy = IndexPolicy("plain") if engine == "plain" else IndexPolicy("hashed", key=b"k" * 32)
        await _with_engine(filled, policy)

    answer = await _search(filled, f"{quote(key)}=P%201")
    assert sorted(_ids(answer)) == _THREE
    assert (answer.json["found"], answer.json["total"]) == (True, 3)
    assert {hit["bucket"] for hit in answer.json["hits"]} == {"archive"}
    assert (await _search(filled, f"{quote(key)}=P")).json["found"] is False
    assert sorted(_ids(await _search(filled, f"q={quote(key)}%3DP%201"))) == _THREE
    assert _ids(await _search(filled, f"{quote(key)}=P%201&SOPInstanceUID={STUDY}.1.2")) == _THREE[1:2]


async def test_a_query_fetches_the_file_that_it_finds(filled: Service) -> None:
    """Of one instance; several and none are told apart, and without an engine the answer says what to set."""
    one = {"query": {"term": {"SOPInstanceUID": f"{STUDY}.1.2"}}}
    answer = await _file_by(filled, one)
    assert (answer.status, "DICOM_ELASTICSEARCH_URL" in answer.json["detail"]) == (501, True)

    await _with_engine(filled, IndexPolicy("hashed", key=b"k" * 32))
    by_id = await _file(filled, f"q={STUDY}.1.2")
    answer = await _file_by(filled, one)
    assert (answer.status, answer.body) == (200, by_id.body)
    assert by_id.status == 200
    several = await _file_by(filled, {"query": {"term": {"PatientID": "P 1"}}})
    assert (several.status, "several" in several.json["detail"]) == (400, True)
    assert (await _file_by(filled, {"query": {"term": {"PatientID": "P"}}})).status == 404
    assert (await _file_by(filled, {"query": {"script": {}}})).status == 400


@pytest.mark.parametrize("with_engine", [False, True])
async def test_a_text_is_an_id(filled: Service, with_engine: bool) -> None:  # noqa: FBT001 - a parameter
    """The id that an answer gave, or a SOP Instance UID, finds its instance; one that is absent is found not."""
    if with_engine:
        await _with_engine(filled, IndexPolicy("plain"))
    for asked in (_THREE[1], f"{STUDY}.1.2"):
        answer = await _search(filled, f"q={asked}")
        assert (_ids(answer), answer.json["total"]) == (_THREE[1:2], 1)
    for asked in (f"{STUDY}/{STUDY}.1/9.9", "9.9.9"):
        answer = await _search(filled, f"q={asked}")
        assert (answer.json["found"], answer.json["total"], answer.json["hits"]) == (False, 0, [])
    assert (await _search(filled, "q=no-id")).status == 400


@pytest.mark.parametrize("with_engine", [False, True])
async def test_pages_join_to_the_whole(filled: Service, with_engine: bool) -> None:  # noqa: FBT001 - a parameter
    """Each page says where the next one begins; together they hold every hit once."""
    if with_engine:
        await _with_engine(filled, IndexPolicy("plain"))
    for number in range(4, 30):
        await filled.store(_instance(number, PatientID="P 1"))
    if with_engine:
        await _with_engine(filled, IndexPolicy("plain"))
    found: list[str] = []
    after = ""
    while True:
        answer = await _search(filled, f"PatientID=P%201&limit=7&after={quote(after)}")
        found += _ids(answer)
        if (after := answer.json["next_after"]) is None:
            break
    assert (len(found), len(set(found))) == (29, 29)
    assert (await _search(filled, "PatientID=P%201&after=nonsense")).status == 400


async def test_a_query_is_answered(indexed: Service) -> None:
    """A query in Elasticsearch's language finds what it says, with the fields and facets that were asked for."""
    query = {"range": {"StudyDate": {"gte": "2020-01-01"}}}
    answer = await _ask(
        indexed, {"query": query, "size": 2, "fields": ["Modality", "PatientName.family"], "facets": True}
    )
    assert _ids(answer) == _THREE[:2]
    assert answer.json["total"] == 3
    assert answer.json["facets"]["modality"] == {"CT": 3}
    assert answer.json["facets"]["year"] == {"2020": 3}
    assert answer.json["facets"]["manufacturer"] == {"M": 3}
    assert sum(answer.json["facets"]["risk"].values()) == 3
    assert answer.json["hits"][0]["fields"] == {"Modality": ["CT"], "PatientName.family": ["doe"]}
    rest = await _ask(indexed, {"query": query, "size": 2, "search_after": _THREE[1].split("/")})
    assert _ids(rest) == _THREE[2:]

    only = await _ask(indexed, {"query": {"match_all": {}}, "just_find": True})
    assert only.json == {"found": True, "total": 5, "next_after": None}


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"script": {"script": "1"}}},
        {"query": {"term": {"NoSuch": "x"}}},
        {"query": None},
        {"query": {"match_all": {}}, "size": 100000},
        {"query": {"match_all": {}}, "size": 0},
        {"query": {"match_all": {}}, "aggs": {}},
        {"query": {"match_all": {}}, "script_fields": {}},
        {"query": {"match_all": {}}, "fields": ["NoSuch"]},
        {"query": {"match_all": {}}, "search_after": [1, 2]},
        {"size": 1},
        [],
    ],
)
async def test_a_bad_query_is_an_error(indexed: Service, body: Any) -> None:
    """What cannot be understood or is not allowed is answered 400, never as nothing found."""
    answer = await _ask(indexed, body)
    assert (answer.status, answer.json["status"]) == (400, 400)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "NoSuch=x",
        "PatientID=",
        "q=1.2&PatientID=x",
        "PatientID=x&limit=0",
        "PatientID=x&just_find=maybe",
        "PatientID=x&limit=1&limit=2",
        "PatientID=x&index=other",
        "(0010,0020)=x&after=1.2/1.3",
    ],
)
async def test_a_bad_request_is_an_error(indexed: Service, query: str) -> None:
    """Likewise of searches by parameters."""
    assert (await _search(indexed, query)).status == 400


async def test_without_an_engine_it_is_said_what_to_set(filled: Service) -> None:
    """A query, facets and fields that only the index has are answered 501, with the setting that is missing."""
    for answer in (
        await _ask(filled, {"query": {"match_all": {}}}),
        await _search(filled, "PatientID=x&facets=true"),
        await _search(filled, "risk=high"),
        await filled.call("rebuild_search", "/search/rebuild", method="POST"),
    ):
        assert answer.status == 501
        assert "DICOM_ELASTICSEARCH_URL" in answer.json["detail"]


async def test_an_engine_that_is_down_or_not_ready_is_no_answer(filled: Service) -> None:
    """Until the index holds everything, and while the engine does not answer, the client is asked to try again."""
    filled.engine = MemorySearchEngine()
    assert (await _search(filled, "PatientID=P%201")).status == 503

    async def refuse(*_args: object) -> None:
        raise BackendUnavailableError("down")

    await _with_engine(filled, IndexPolicy("plain"))
    assert filled.engine is not None
    filled.engine.find = refuse  # type: ignore[method-assign,assignment]  # an engine that is down
    assert (await _search(filled, "PatientID=P%201")).status == 503
    assert (await _file(filled, "PatientID=P%201")).status == 503
    assert _ids(await _search(filled, f"q={_THREE[0]}")) == _THREE[:1]


@pytest.mark.parametrize("with_engine", [False, True])
async def test_the_file_itself_is_sent(filled: Service, with_engine: bool) -> None:  # noqa: FBT001 - a parameter
    """By id, by values and by object key the stored bytes come; absent is 404 each time, several is an error."""
    if with_engine:
        await _with_engine(filled, IndexPolicy("plain"))
    (hit,) = (await _search(filled, f"q={_THREE[2]}")).json["hits"]
    expected = filled.world.objects.objects
    data = next(stored.data for key, stored in expected.items() if key.name == hit["object_key"])
    for query in (
        f"q={_THREE[2]}",
        f"SOPInstanceUID={STUDY}.1.3",
        f"object_key={quote(hit['object_key'])}",
        f"object_key={quote(hit['object_key'])}&bucket=archive",
    ):
        answer = await _file(filled, query)
        assert (query, answer.status, answer.body) == (query, 200, data)
    for query in (
        "q=9.9",
        "PatientID=nobody",
        "object_key=none",
        f"object_key={quote(hit['object_key'])}&bucket=images",
    ):
        assert (await _file(filled, query)).status == 404
    assert (await _file(filled, "PatientID=P%201")).status == 400


async def test_what_is_deleted_is_not_found(indexed: Service) -> None:
    """After a deletion nothing answers the instance any more."""
    answer = await indexed.call(
        "dicomweb_delete",
        method="DELETE",
        route={"study": STUDY, "path": f"series/{STUDY}.1/instances/{STUDY}.1.2"},
    )
    assert answer.status == 204
    await _with_engine(indexed, IndexPolicy("plain"))
    assert _ids(await _search(indexed, "PatientID=P%201")) == [_THREE[0], _THREE[2]]
    assert (await _search(indexed, f"q={_THREE[1]}")).json["found"] is False


async def test_partitions_do_not_see_each_other(indexed: Service) -> None:
    """A search of one data partition finds nothing of another's, by no kind of question."""
    await indexed.partitions.add("other")
    for query in ("PatientID=P%201", f"q={_THREE[0]}"):
        assert (await _search(indexed, f"{query}&partition=other")).json["found"] is False
    everything: dict[str, Any] = {"query": {"bool": {"should": [{"match_all": {}}]}}}
    assert (await _ask(indexed, everything, "partition=other")).json["found"] is False
    assert (await _search(indexed, "PatientID=P%201&partition=none")).status == 404


async def test_a_rebuild_is_begun(indexed: Service) -> None:
    """It answers the name of the build; the old index answers meanwhile, and updates bring the new one in."""
    answer = await indexed.call("rebuild_search", "/search/rebuild", method="POST")
    assert (answer.status, answer.json) == (202, {"build": "build-2"})
    assert sorted(_ids(await _search(indexed, "PatientID=P%201"))) == _THREE
    await bring_search_up(await indexed.services(), seconds=100)
    assert sorted(_ids(await _search(indexed, "PatientID=P%201"))) == _THREE
