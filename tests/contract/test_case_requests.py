"""What reading a clinical case costs, in requests that leave the process, on a real account."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.backends.memory.queue import MemoryJobQueue
from shared.case_views import VIEWS
from shared.errors import CaseNotFoundError, IncompleteCaseError
from shared.flows.export_case import export_case
from shared.flows.get_case import CasePorts, CaseUrls, get_case
from shared.flows.index_instance import index_instance
from shared.flows.migrate_reports import migrate_reports
from shared.records import ObjectKey
from tests.contract.counted_requests import CountedArchive, counted_archive
from tests.contract.records import fresh_name
from tests.unit.flows.builders import to_file
from tests.unit.functions.case_files import a_view

pytestmark = pytest.mark.azurite

URLS = CaseUrls("http://x/dicomweb", "http://x/cases")
OF_A_CASE = ["GET table cases", *["GET table instances"] * 4, "GET table report"]
"""One query of one partition, a row an image, one row of the report."""


@pytest.fixture
async def archive(azurite: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CountedArchive]:
    """Give a partition of its own, counted."""
    async with counted_archive(azurite, fresh_name("case"), monkeypatch) as opened:
        yield opened


def ports_of(archive: CountedArchive) -> CasePorts:
    """Return what get_case takes."""
    return CasePorts(archive.archive.cases, archive.reports, archive.archive.instances)


async def put_case(archive: CountedArchive, case_id: str, views: tuple[str, ...] = VIEWS) -> None:
    """Upload a case of 2014 and look at it, as an event would."""
    for view in views:
        number = VIEWS.index(view) + 1
        study = f"1.2.{int(case_id.lstrip('S'))}"
        key = ObjectKey("images", f"{fresh_name('x')}/2014/{case_id}/{view}/1.dcm")
        file = to_file(a_view(view, number, StudyInstanceUID=study, SOPInstanceUID=f"{study}.1.{number}"))
        await archive.objects.put(key, file)
        await index_instance(key, archive.index_ports(MemoryJobQueue()))


async def test_a_case_is_read_by_four_object_reads_and_one_report_read(archive: CountedArchive) -> None:
    """C000-3 and C000-4: all four views and the report, nothing listed, and no request more."""
    await put_case(archive, "S1001")
    await put_case(archive, "S10010")
    await archive.reports.put("2014", "S1001", "BI-RADS 1")
    archive.taken()
    case = await get_case("2014", "S1001", urls=URLS, ports=ports_of(archive), strict=True)
    assert archive.taken() == OF_A_CASE
    assert list(case["views"]) == list(VIEWS)
    assert {view["study_instance_uid"] for view in case["views"].values()} == {"1.2.1001"}
    assert case["report"] == "BI-RADS 1"

    names = []
    files = await export_case("2014", "S1001", urls=URLS, ports=ports_of(archive), objects=archive.objects)
    async for file in files:
        names.append(file.name)
        async for _ in file.content:
            pass
    assert archive.taken() == ["GET blob images"] * 4 + OF_A_CASE
    assert [name for name in names if name.startswith("dicom/")] == [f"dicom/{view}.dcm" for view in VIEWS]


async def test_a_miss_lists_nothing(archive: CountedArchive) -> None:
    """C000-4 and C000-7: not found, and it names each part that is missing; once migrated no table is searched."""
    cases, reports, checkpoints = (
        archive.archive.cases,
        archive.reports,
        archive.archive.checkpoints,
    )
    await put_case(archive, "S20010")
    done = await migrate_reports(reports=reports, cases=cases, checkpoints=checkpoints, seconds=60)
    assert done.done
    for _ in range(2):
        archive.taken()
        with pytest.raises(CaseNotFoundError) as raised:
            await get_case(2014, "S2001", urls=URLS, ports=ports_of(archive))
        assert all(part in str(raised.value) for part in (*VIEWS, "report"))
    assert archive.taken() == ["GET table cases", "GET table report"]


async def test_a_partial_case_says_what_it_lacks(archive: CountedArchive) -> None:
    """C000-5 and C000-6: it is returned, or with strict refused by its parts; a year is a number or text."""
    await put_case(archive, "S3001", ("L__CC", "R__MLO"))
    for year in (2014, "2014"):
        case = await get_case(year, "S3001", urls=URLS, ports=ports_of(archive))
        assert (case["year"], list(case["views"])) == ("2014", ["L__CC", "R__MLO"])
        assert case["missing"] == ["L__MLO", "R__CC", "report"]
        with pytest.raises(IncompleteCaseError, match="L__MLO, R__CC, report"):
            await get_case(year, "S3001", urls=URLS, ports=ports_of(archive), strict=True)
