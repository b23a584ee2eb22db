"""The suite of ImportSource on memory, on a real Orthanc in both its languages, and on a study list that points to it."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bench.orthanc import Orthanc
from shared.backends.cornerstone import StudyListSource
from shared.backends.dicomweb_client import DicomwebSource
from shared.backends.memory.import_source import MemoryImportSource
from shared.backends.orthanc import OrthancSource
from shared.backends.source_http.client import SourceHttp
from shared.backends.source_http.options import SourceOptions
from shared.dicom.orthanc_ids import orthanc_id
from shared.dicom.references import InstanceRef
from shared.errors import SourceRefusedError
from shared.ports.imports import ImportFilter, ImportSource, SourceInstance
from tests.contract.import_source import ImportSourceContract, Instances, OpenSource
from tests.instances import an_instance, uids
from tests.orthanc import an_orthanc
from tests.study_list import served, study_list

ON_LOOP = pytest.mark.asyncio(loop_scope="module")


class TestMemory(ImportSourceContract):
    """In memory."""

    @pytest.fixture
    def open_source(self) -> OpenSource:
        """Open one."""

        async def open_source(instances: Instances) -> ImportSource:
            return MemoryImportSource(
                {
                    uids(study)[0]: [
                        (
                            SourceInstance(uids(study, 1, number)[2], InstanceRef(*uids(study, 1, number))),
                            an_instance(study, 1, number),
                        )
                        for number in numbers
                    ]
                    for study, numbers in instances.items()
                }
            )

        return open_source


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def orthanc(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Orthanc]:
    """Give an Orthanc."""
    async with an_orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


async def refill(orthanc: Orthanc, instances: Instances) -> str:
    """Let the Orthanc hold these instances only, with a log that begins with them; return its root."""
    root = f"http://127.0.0.1:{orthanc.port}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{root}/studies") as response:
            studies = await response.json(content_type=None)
        for study in studies:
            (await session.delete(f"{root}/studies/{study}")).close()
        (await session.delete(f"{root}/changes")).close()
        for study, numbers in instances.items():
            for number in numbers:
                async with session.post(f"{root}/instances", data=an_instance(study, 1, number)) as response:
                    assert response.status == 200
    return root


@pytest_asyncio.fixture(loop_scope="module")
async def closing() -> AsyncIterator[AsyncExitStack]:
    """Give a stack that is closed after the test."""
    async with AsyncExitStack() as stack:
        yield stack


def http(url: str, closing: AsyncExitStack) -> SourceHttp:
    """Return a client of a server on loopback."""
    client = SourceHttp(SourceOptions(url=url, allow_loopback=True, first_wait_seconds=0.01, attempts=3))
    closing.push_async_callback(client.close)
    return client


@pytest.mark.host
@ON_LOOP
class TestOrthanc(ImportSourceContract):
    """Orthanc's REST API."""

    @pytest.fixture
    def open_source(self, orthanc: Orthanc, closing: AsyncExitStack) -> OpenSource:
        """Open one."""

        async def open_source(instances: Instances) -> ImportSource:
            return OrthancSource(http(await refill(orthanc, instances), closing), page=2)

        return open_source

    async def test_another_database_is_told(self, open_source: OpenSource) -> None:
        """A log that ends before the place to go on from is not one that nothing was added to."""
        source = await open_source({1: (1,)})
        with pytest.raises(SourceRefusedError, match="another database"):
            await source.changes("1000000")


@pytest.mark.host
@ON_LOOP
class TestDicomweb(ImportSourceContract):
    """QIDO-RS and WADO-RS, as Orthanc's plugin speaks them."""

    @pytest.fixture
    def open_source(self, orthanc: Orthanc, closing: AsyncExitStack) -> OpenSource:
        """Open one."""

        async def open_source(instances: Instances) -> ImportSource:
            await refill(orthanc, instances)
            return DicomwebSource(http(orthanc.root, closing), page=2)

        return open_source


@pytest.mark.host
@ON_LOOP
class TestStudyList(ImportSourceContract):
    """A study list on a static server, and the files in an Orthanc."""

    @pytest.fixture
    def wanted(self) -> ImportFilter:
        """Ask by patient: the list has no UIDs."""
        return ImportFilter(patient_id="P2")

    @pytest.fixture
    def open_source(self, orthanc: Orthanc, tmp_path: Path, closing: AsyncExitStack) -> OpenSource:
        """Open one."""
        folders = (tmp_path / str(number) for number in count())

        async def open_source(instances: Instances) -> ImportSource:
            files = http(await refill(orthanc, instances), closing)
            folder = next(folders)
            study_list(
                folder,
                {
                    f"P{study}": [
                        orthanc_id(InstanceRef(*uids(study, 1, number)), f"P{study}") for number in numbers
                    ]
                    for study, numbers in instances.items()
                },
            )
            url, runner = await served(folder)
            closing.push_async_callback(runner.cleanup)
            return StudyListSource(http(f"{url}/src", closing), files, page=2)

        return open_source

    async def test_entries_that_are_none_fail_by_themselves(
        self, tmp_path: Path, closing: AsyncExitStack
    ) -> None:
        """What is no object in the list, or among the instances of a study, or its series, keeps nothing else from being found."""
        patient = "dd03786b-6cc667d1-a65fa0e9-34101126-6f82ca59"
        study_list(tmp_path, {"P1": [patient]})
        lists, study = tmp_path / "src" / "studyList.json", tmp_path / "src" / "studies" / "P1.json"
        entries = ["x", None, 7, {}, {"patientId": ["P1"]}, *json.loads(lists.read_text())["studyList"]]
        lists.write_text(json.dumps({"studyList": entries}))
        listed = json.loads(study.read_text())
        listed["seriesList"][0]["instanceList"] += [5, None, {}]
        listed["seriesList"] += [7, {}, {"instanceList": []}]
        study.write_text(json.dumps(listed))
        url, runner = await served(tmp_path)
        closing.push_async_callback(runner.cleanup)
        source = StudyListSource(http(f"{url}/src", closing), http(url, closing))

        assert (await source.discover(ImportFilter())).studies == ["", "", "", "", "", "P1"]
        assert (await source.discover(ImportFilter(patient_id="P1"))).studies == ["P1"]
        assert [one.source_id async for one in source.instances("P1")] == [
            patient,
            "invalid-2",
            "invalid-3",
            "invalid-4",
            "invalid-5",
            "invalid-6",
        ]
        with pytest.raises(SourceRefusedError):
            [one async for one in source.instances("")]
