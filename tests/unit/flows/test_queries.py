"""What searches, the change feed, cases and summaries answer."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from shared.backends.memory.index import MemoryIndex
from shared.backends.memory.search import MemorySearch
from shared.dicom.query import STANDARD, Level
from shared.dicom.query_parameters import parse_query
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import BackendUnavailableError, CaseNotFoundError, IncompleteCaseError
from shared.flows.delete_instances import DeletePorts, delete_instances
from shared.flows.get_case import CasePorts, CaseUrls, get_case
from shared.flows.index_instance import index_instance
from shared.flows.list_changes import ChangesRequest, list_changes
from shared.flows.search_archive import search_archive
from shared.flows.summarise_study import summarise_study
from shared.flows.sweep_studies import sweep_studies
from shared.records import ObjectKey
from tests.unit.flows.builders import SERIES, STUDY, make_file
from tests.unit.flows.world import World

URL = "https://pacs.example/dicomweb"
REF = InstanceRef(STUDY, SERIES, f"{SERIES}.1")


async def archive_of(files: dict[str, bytes]) -> World:
    """Return an archive that holds these files by their names."""
    world = World()
    for name, data in files.items():
        key = ObjectKey("images", name)
        world.objects.write(key, data)
        await index_instance(key, world.index_ports)
    return world


TWO_STUDIES = {
    "a": make_file(1),
    "b": make_file(2),
    "c": make_file(1, study="1.9", series="1.9.1", StudyDescription="KNEE", StudyDate="20250101"),
}


@pytest.mark.parametrize(
    ("level", "url"),
    [
        ("study", f"{URL}/studies/{STUDY}"),
        ("series", f"{URL}/studies/{STUDY}/series/{SERIES}"),
        ("instance", f"{URL}/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1"),
    ],
)
async def test_each_row_says_where_to_retrieve_it(level: Level, url: str) -> None:
    """At its own level."""
    world = await archive_of(TWO_STUDIES)
    query = parse_query(level, [("StudyInstanceUID", STUDY)], options=STANDARD)
    answer = await search_archive(query, service_url=URL, search=MemorySearch(world.index))
    assert answer.rows[0]["00081190"]["Value"] == [url]
    assert answer.total == len(answer.rows) == (2 if level == "instance" else 1)


async def test_a_page_has_what_was_asked_for_and_the_total_of_all() -> None:
    """Attributes beyond the required ones come on request."""
    world = await archive_of(TWO_STUDIES)
    for parameters, described in (
        ([("limit", "1")], False),
        ([("limit", "1"), ("includefield", "00081030")], True),
    ):
        query = parse_query("study", parameters, options=STANDARD)
        answer = await search_archive(query, service_url=URL, search=MemorySearch(world.index))
        assert ([row["0020000D"]["Value"] for row in answer.rows], answer.total) == ([["1.9"]], 2)
        assert ("00081030" in answer.rows[0]) == described


async def changes_of(world: World, **options: Any) -> list[dict[str, Any]]:
    """Return the change feed as a client gets it."""

    async def index_of(partition: str) -> MemoryIndex:
        assert partition == "default"
        return world.index

    entries = await list_changes(ChangesRequest(**options), feed=world.feed, index_of=index_of)
    return list(orjson.loads(orjson.dumps(entries)))


async def test_an_entry_says_what_became_of_its_instance() -> None:
    """Current, replaced and deleted, as the Azure service means them."""
    world = await archive_of({"a": make_file(1), "b": make_file(2)})
    world.objects.write(ObjectKey("images", "a"), make_file(1, PatientID="P2"))
    await index_instance(ObjectKey("images", "a"), world.index_ports)
    world.objects.objects.pop(ObjectKey("images", "b"))
    await index_instance(ObjectKey("images", "b"), world.index_ports)
    entries = await changes_of(world)
    assert [(entry["Sequence"], entry["Action"], entry["State"]) for entry in entries] == [
        (1, "create", "replaced"),
        (2, "create", "deleted"),
        (3, "update", "current"),
        (4, "delete", "deleted"),
    ]
    assert [entry.get("Metadata", {}).get("00100020", {}).get("Value") for entry in entries] == [
        ["P2"],
        None,
        ["P2"],
        None,
    ]


async def test_an_instance_that_came_back_has_replaced_its_own_deletion() -> None:
    """Only the last entry is current."""
    world = World()
    key = ObjectKey("images", "a")
    for content in (make_file(1), None, make_file(1)):
        world.objects.objects.pop(key, None)
        if content is not None:
            world.objects.write(key, content)
        await index_instance(key, world.index_ports)
    assert [entry["State"] for entry in await changes_of(world)] == ["replaced", "replaced", "current"]


async def test_an_entry_has_the_shape_of_the_azure_service() -> None:
    """Names, and a time in UTC."""
    world = await archive_of({"a": make_file(1)})
    [entry] = await changes_of(world, include_metadata=False)
    time = datetime.fromisoformat(entry.pop("Timestamp"))
    assert time.utcoffset() == timedelta()
    assert entry == {
        "Sequence": 1,
        "PartitionName": "default",
        "StudyInstanceUid": STUDY,
        "SeriesInstanceUid": SERIES,
        "SopInstanceUid": f"{SERIES}.1",
        "Action": "create",
        "State": "current",
    }


async def test_pages_follow_each_other() -> None:
    """After the last entry seen comes the next."""
    world = await archive_of({str(number): make_file(number) for number in range(1, 6)})
    pages = [
        [entry["Sequence"] for entry in await changes_of(world, offset=after, limit=2)]
        for after in (0, 2, 4, 5)
    ]
    assert pages == [[1, 2], [3, 4], [5], []]


@pytest.mark.parametrize(
    ("start", "end", "by_sequence", "expected"),
    [
        (2, None, False, [3, 4]),
        (2, 3, False, [3]),
        (None, 3, False, [2, 3]),
        (2, None, True, [2, 3]),
        (4, None, True, []),
        (None, 2, True, []),
        (None, 9, True, [2, 3]),
        (9, None, False, []),
    ],
)
async def test_a_span_of_time_narrows_the_feed(
    start: int | None,
    end: int | None,
    by_sequence: bool,  # noqa: FBT001 - a parameter of the test
    expected: list[int],
) -> None:
    """From the start on, up to before the end: skipping entries of it, or spans of all sequences."""
    world = await archive_of({str(number): make_file(number) for number in range(1, 6)})
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    # The second and the third change were committed at once.
    hours = (0, 2, 2, 3, 4)
    changes = world.feed._changes
    changes[:] = [
        replace(one, changed_at=begin + timedelta(hours=h)) for one, h in zip(changes, hours, strict=True)
    ]
    times = [None if hour is None else begin + timedelta(hours=hour) for hour in (start, end)]
    entries = await changes_of(
        world, start=times[0], end=times[1], offset=1, limit=2, by_sequence=by_sequence
    )
    assert [entry["Sequence"] for entry in entries] == expected


CASE = {
    f"x/2014/S0000001/{view}/{number}.dcm": make_file(
        number, series=f"1.2.3.{place}", Rows=100 + place, Columns=50, ImagerPixelSpacing=[0.1, 0.2]
    )
    for place, (view, number) in enumerate([("L__CC", 1), ("L__MLO", 1), ("R__CC", 1), ("R__MLO", 1)], 1)
}


URLS = CaseUrls(URL, "https://pacs.example/cases")


def case_ports(world: World) -> CasePorts:
    """Return what get_case takes."""
    return CasePorts(world.cases, world.reports, world.index)


@pytest.mark.parametrize("year", [2014, "2014"])
async def test_a_case_has_its_views_and_its_report(year: int | str) -> None:
    """C000-3 and C000-6: the year may be a number or text."""
    world = await archive_of(CASE)
    world.reports.texts["2014", "S0000001"] = "BI-RADS 1"
    case = await get_case(year, "S0000001", urls=URLS, ports=case_ports(world), strict=True)
    assert (case["year"], case["id"], case["report"]) == ("2014", "S0000001", "BI-RADS 1")
    assert (case["missing"], case["duplicates"]) == ([], [])
    assert list(case["views"]) == ["L__CC", "L__MLO", "R__CC", "R__MLO"]
    assert case["views"]["L__MLO"] == {
        "view": "L__MLO",
        "container": "images",
        "name": "x/2014/S0000001/L__MLO/1.dcm",
        "study_instance_uid": STUDY,
        "series_instance_uid": "1.2.3.2",
        "sop_instance_uid": "1.2.3.2.1",
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "served": True,
        "url": f"{URL}/studies/{STUDY}/series/1.2.3.2/instances/1.2.3.2.1",
        "picture": None,
        "size": len(CASE["x/2014/S0000001/L__MLO/1.dcm"]),
        "rows": 102,
        "columns": 50,
        "pixel_spacing": [0.1, 0.2],
        "number_of_frames": 0,
        "frame_number": None,
        "flip_horizontally": False,
        "flip_vertically": False,
        "presets": [],
        "values": None,
    }


async def test_an_incomplete_case_says_what_is_missing() -> None:
    """C000-5: unless completeness was asked for, it comes as it is."""
    world = await archive_of({name: data for name, data in CASE.items() if "L__MLO" not in name})
    case = await get_case(2014, "S0000001", urls=URLS, ports=case_ports(world))
    assert case["missing"] == ["L__MLO", "report"]
    with pytest.raises(IncompleteCaseError, match="L__MLO, report"):
        await get_case(2014, "S0000001", urls=URLS, ports=case_ports(world), strict=True)


@pytest.mark.parametrize(
    ("year", "case_id"), [(2014, "S000000"), (2014, "S00000010"), (2013, "S0000001"), ("", "")]
)
async def test_only_exactly_this_case_is_found(year: int | str, case_id: str) -> None:
    """C000-3: S1 is never S10, and another year is another case."""
    world = await archive_of(CASE)
    with pytest.raises(CaseNotFoundError, match="L__CC, L__MLO, R__CC, R__MLO, report"):
        await get_case(year, case_id, urls=URLS, ports=case_ports(world))


async def test_a_report_alone_is_a_case() -> None:
    """Whose images may come later."""
    world = World()
    world.reports.texts["2014", "S1"] = "text"
    assert (await get_case(2014, "S1", urls=URLS, ports=case_ports(world)))["report"] == "text"


async def test_of_several_images_of_a_view_the_first_by_name_is_shown_and_the_others_are_told() -> None:
    """Whichever came first."""
    name = "x/2014/S0000001/L__CC/0.dcm"
    world = await archive_of({**CASE, name: make_file(5)})
    case = await get_case(2014, "S0000001", urls=URLS, ports=case_ports(world))
    assert case["views"]["L__CC"]["name"] == name
    assert [image["name"] for image in case["duplicates"]] == ["x/2014/S0000001/L__CC/1.dcm"]


async def test_an_image_whose_instance_has_just_gone_is_missing() -> None:
    """The case index may be a moment behind."""
    world = await archive_of({name: data for name, data in CASE.items() if "R__MLO" in name})
    world.reports.texts["2014", "S0000001"] = "text"
    world.index._claims.clear()
    case = await get_case(2014, "S0000001", urls=URLS, ports=case_ports(world))
    assert case["missing"] == ["L__CC", "L__MLO", "R__CC", "R__MLO"]


async def test_a_deleted_image_is_no_part_of_its_case() -> None:
    """However it was deleted."""
    world = await archive_of(CASE)
    ports = DeletePorts(
        world.objects, world.index, world.ledger, world.cases, world.queue, read_only_containers=frozenset()
    )
    await delete_instances(SeriesRef(STUDY, "1.2.3.1"), ports)
    case = await get_case(2014, "S0000001", urls=URLS, ports=case_ports(world))
    assert case["missing"] == ["L__CC", "report"]


class Summaries:
    """Studies that are due; refreshing some fails, some stay due (their writer may come yet), and it takes a while."""

    def __init__(self, count: int, *, failing: int = 0, staying: int = 0, seconds: float = 0) -> None:
        self.refreshed: list[StudyRef] = []
        self._due = [StudyRef(f"1.{number}") for number in range(count)]
        self._failing = set(self._due[:failing])
        self._staying = set(self._due[:staying])
        self._seconds = seconds

    async def refresh(self, ref: StudyRef) -> None:
        """Note the study, unless it fails."""
        await asyncio.sleep(self._seconds)
        if ref in self._failing:
            raise BackendUnavailableError("slow down")
        if ref not in self._staying:
            self._due.remove(ref)
        self.refreshed.append(ref)

    async def rebuild(self, ref: StudyRef) -> None:
        """Do as refresh."""
        await self.refresh(ref)

    async def due(self, limit: int) -> list[StudyRef]:
        """Return those due, longest-waiting first."""
        return self._due[:limit]


async def test_a_message_refreshes_its_study() -> None:
    """And no other."""
    summaries = Summaries(3)
    await summarise_study(StudyRef("1.1"), summaries=summaries)
    assert summaries.refreshed == [StudyRef("1.1")]


async def test_a_sweep_refreshes_all_that_is_due_but_what_fails() -> None:
    """Studies that cannot be refreshed keep none waiting, though they have waited longest."""
    summaries = Summaries(200, failing=60)
    assert await sweep_studies(summaries=summaries, seconds=60) == 140
    assert len(summaries.refreshed) == 140


async def test_a_sweep_refreshes_each_study_once() -> None:
    """One that stays due is left to the next sweep: it neither keeps this one busy nor others waiting."""
    summaries = Summaries(200, staying=60)
    assert await sweep_studies(summaries=summaries, seconds=1) == 200
    assert len(summaries.refreshed) == 200


async def test_a_sweep_ends_at_its_deadline() -> None:
    """The rest is left to the next."""
    summaries = Summaries(200, seconds=0.01)
    assert await sweep_studies(summaries=summaries, seconds=0.05) < 200
