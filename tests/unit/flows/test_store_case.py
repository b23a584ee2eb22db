"""A case is stored as a whole or not at all, whenever the process dies."""

import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.case_views import VIEWS
from shared.dicom.risk.rules import RiskLevel
from shared.errors import (
    BackendUnavailableError,
    CaseBeingStoredError,
    CaseExistsError,
    CaseNotFoundError,
    ConcurrentChangeError,
    InvalidAttributeError,
    InvalidRequestError,
    NotDicomError,
    PreconditionFailedError,
    RejectedInstanceError,
    UnsupportedObjectError,
)
from shared.flows._in_parallel import in_parallel
from shared.flows._risk_policy import RiskPolicy
from shared.flows.get_case import CasePorts, CaseUrls, get_case
from shared.flows.index_instance import index_instance
from shared.flows.store_case import Admission, CaseStorePorts, Condition, StoredCase, store_case
from shared.flows.sweep_cases import sweep_cases
from shared.records import CaseQuery, ObjectKey
from tests.unit.flows.builders import add_pixels, make_data_set, make_file, to_file
from tests.unit.flows.world import KilledError, World

URLS = CaseUrls("http://x/dicomweb", "http://x/cases")
REPORT = "Befund: «ok»\r\n"
FILES = {view: make_file(number, PatientID="P1") for number, view in enumerate(VIEWS, start=1)}
OTHER_FILES = {
    view: make_file(number, series="1.2.3.9", PatientID="P1") for number, view in enumerate(VIEWS, start=1)
}
LARGE = {
    view: to_file(add_pixels(make_data_set(number), [bytes(5_000_000)], rows=2000, columns=2500))
    for number, view in enumerate(VIEWS, start=1)
}
ANY = Condition(if_match="*")


class Sent:
    """A part of a request."""

    def __init__(self, name: str, data: bytes, **headers: str) -> None:
        self.headers: Mapping[str, str] = {
            "content-disposition": f'form-data; name="{name}"; filename="x; name=y.dcm"',
            **headers,
        }
        self._data = data

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield its content, cut somewhere."""
        for start in range(0, len(self._data), 1_000_000):
            yield self._data[start : start + 1_000_000]


async def sent(*parts: Sent) -> AsyncIterator[Sent]:
    """Yield parts as a request does."""
    for part in parts:
        yield part


def parts_of(files: Mapping[str, bytes], report: str | None = REPORT) -> AsyncIterator[Sent]:
    """Yield the parts of a case."""
    parts = [Sent(view, data) for view, data in files.items()]
    return sent(*parts, *([] if report is None else [Sent("report", report.encode())]))


def ports_of(world: World) -> CaseStorePorts:
    """Return what store_case takes."""
    return CaseStorePorts(
        objects=world.port(world.objects),
        index=world.port(world.index),
        ledger=world.port(world.ledger),
        cases=world.port(world.cases),
        sessions=world.port(world.case_sessions),
        reports=world.port(world.reports),
        queue=world.port(world.queue),
        container="archive",
        partition="default",
    )


async def store(
    world: World,
    files: Mapping[str, bytes] = FILES,
    report: str | None = REPORT,
    condition: Condition | None = None,
) -> StoredCase:
    """Store a case."""
    return await store_case(2014, "S'1", parts_of(files, report), ports=ports_of(world), condition=condition)


async def read(world: World) -> tuple[dict[str, bytes], str | None] | None:
    """Return the files and the report of the case as who asks for it gets them; None if it is not there."""
    ports = CasePorts(world.cases, world.reports, world.index)
    try:
        case = await get_case("2014", "S'1", urls=URLS, ports=ports)
    except (CaseNotFoundError, CaseBeingStoredError):
        return None
    assert not case["duplicates"]
    files = {}
    for image in await world.cases.images_of("2014", "S'1"):
        location = (await world.index.get(image.ref)).location
        files[image.view] = world.objects.objects[location.key].data
    assert set(files) == set(case["views"])
    return files, case["report"]


async def sweep(world: World) -> None:
    """Sweep whatever its age."""
    nothing = timedelta(seconds=-1)
    await sweep_cases(ports_of(world), seconds=60, committed_age=nothing, open_age=nothing)


def images_in(world: World) -> dict[ObjectKey, bytes]:
    """Return what is stored of images; beside those of a case stands what case they are."""
    stored = world.objects.objects.items()
    images = {key: found.data for key, found in stored if key.name.endswith(".dcm")}
    sessions = {key.name.rpartition("/")[0] for key in images}
    manifests = {key.name.rpartition("/")[0] for key, _ in stored if key not in images}
    assert len(stored) - len(images) == len(manifests)
    assert manifests <= sessions
    return images


def is_empty(world: World) -> bool:
    """Tell whether nothing is left anywhere."""
    state = world.state()
    stored = [state[name] for name in ("objects", "claims", "ledger", "cases")]
    sessions = world.case_sessions
    return not any([*stored, world.reports.texts, world.cases.commits, sessions.notes, sessions.open])


@pytest.mark.parametrize("files", [FILES, LARGE], ids=["held", "streamed"])
async def test_a_stored_case_is_read_back_equal(files: dict[str, bytes]) -> None:
    """C000-11: its images byte by byte and its report; it is listed, indexed, and no session is left."""
    world = World()
    stored = await store(world, files)
    assert stored.created
    assert await read(world) == (files, REPORT)
    [case] = await world.cases.page(CaseQuery(limit=10))
    assert (case.year, case.case_id, case.complete) == ("2014", "S'1", True)
    assert len(world.index.serving_records()) == 4
    assert world.case_sessions.notes == {}
    assert world.queue.changed_studies == [stored.images[0].ref.study]


FAILURES = [KilledError(), BackendUnavailableError("slow down")]


@pytest.mark.parametrize("error", FAILURES, ids=["killed", "unavailable"])
@pytest.mark.parametrize("again", [True, False], ids=["sent again", "swept"])
async def test_a_case_is_there_as_a_whole_or_not_at_all(error: BaseException, *, again: bool) -> None:
    """C000-11: interrupted at any call, no part is visible; afterwards all of it is there or nothing is left."""
    outcomes = set()
    for calls in itertools.count():
        world = World()
        world.interrupt(calls, error)
        try:
            await store(world)
        except (KilledError, BackendUnavailableError):
            world.interrupt(None)
            assert await read(world) in (None, (FILES, REPORT))
            if again:
                await store(world)
            await sweep(world)
            found = await read(world)
            assert found in (None, (FILES, REPORT))
            outcomes.add(found is None)
            assert found is not None or is_empty(world)
            assert found is not None or not again
            if found is not None:
                [case] = await world.cases.page(CaseQuery(limit=10))
                assert case.complete
                assert len(images_in(world)) == 4
                assert len(world.index.serving_records()) == len(world.ledger.entries) == 4
                assert world.case_sessions.notes == {}
            continue
        break
    assert outcomes == ({False} if again else {True, False})


@pytest.mark.parametrize("error", FAILURES, ids=["killed", "unavailable"])
async def test_a_replacement_is_there_as_a_whole_or_not_at_all(error: BaseException) -> None:
    """At any time one reads the case before or the case after, and no object of the other is left in the end."""
    for calls in itertools.count():
        world = World()
        await store(world)
        world.interrupt(calls, error)
        try:
            await store(world, OTHER_FILES, "new", ANY)
        except (KilledError, BackendUnavailableError):
            world.interrupt(None)
            either = [(FILES, REPORT), (OTHER_FILES, "new")]
            assert await read(world) in [None, *either]
            await sweep(world)
            found = await read(world)
            assert found in either
            assert set(images_in(world).values()) == set((found or either[0])[0].values())
            assert len(images_in(world)) == len(world.index.serving_records()) == 4
            continue
        assert await read(world) == (OTHER_FILES, "new")
        break


async def test_the_same_case_again_is_left_as_it_is() -> None:
    """A request that is sent again is answered as the first, and writes nothing."""
    world = World()
    first = await store(world)
    before = world.state()
    second = await store(world)
    assert (second.etag, second.created) == (first.etag, False)
    assert world.state()["objects"] == before["objects"]


@pytest.mark.parametrize(
    ("files", "report"), [(OTHER_FILES, REPORT), (FILES, "other"), (FILES | {"L__CC": make_file(9)}, REPORT)]
)
async def test_another_case_of_the_same_id_is_refused(files: dict[str, bytes], report: str) -> None:
    """Unless it is asked for; the ETag names the case that is to be replaced."""
    world = World()
    first = await store(world)
    with pytest.raises(CaseExistsError):
        await store(world, files, report)
    for condition in (Condition(if_absent=True), Condition(if_match="other")):
        with pytest.raises(PreconditionFailedError):
            await store(world, files, report, condition)
    assert await read(world) == (FILES, REPORT)
    assert len(images_in(world)) == 4
    second = await store(world, files, report, Condition(if_match=first.etag))
    assert not second.created
    assert await read(world) == (files, report)
    assert len(images_in(world)) == 4


async def test_conditions_hold_for_a_case_that_is_not_there() -> None:
    """If-Match asks for one, If-None-Match for none."""
    world = World()
    with pytest.raises(PreconditionFailedError):
        await store(world, condition=ANY)
    assert is_empty(world)
    assert (await store(world, condition=Condition(if_absent=True))).created


async def test_images_of_watched_containers_are_never_replaced() -> None:
    """They lie where their owner put them; the case is refused, also with If-Match."""
    world = World()
    key = ObjectKey("images", "x/2014/S1/L__CC/1.dcm")
    world.objects.write(key, make_file(7))
    await index_instance(key, world.index_ports)
    for condition in (None, ANY):
        with pytest.raises(CaseExistsError, match="watched"):
            await store_case(2014, "S1", parts_of(FILES), ports=ports_of(world), condition=condition)
    assert list(world.objects.objects) == [key]


async def test_a_report_that_was_there_before_must_be_the_same() -> None:
    """Or the request says that it is to be replaced."""
    world = World()
    world.reports.texts["2014", "S'1"] = "theirs"
    with pytest.raises(CaseExistsError):
        await store(world)
    assert world.objects.objects == {}
    await store(world, report="theirs")
    assert await read(world) == (FILES, "theirs")


async def test_an_instance_that_the_archive_has_must_be_the_same() -> None:
    """Other bytes under its UID would be served in its place."""
    world = World()
    key = ObjectKey("images", "unrelated")
    world.objects.write(key, FILES["R__CC"])
    await index_instance(key, world.index_ports)
    await store(world)
    assert await read(world) == (FILES, REPORT)

    other = World()
    other.objects.write(key, make_file(3, PatientID="P2"))
    await index_instance(key, other.index_ports)
    with pytest.raises(CaseExistsError, match="R__CC"):
        await store(other)
    assert list(other.objects.objects) == [key]


@pytest.mark.parametrize("left_out", [*VIEWS, "report"])
async def test_a_case_that_lacks_a_part_is_refused_by_name(left_out: str) -> None:
    """C000-11: nothing of the others is kept."""
    world = World()
    files = {view: data for view, data in FILES.items() if view != left_out}
    with pytest.raises(InvalidRequestError, match=left_out):
        await store(world, files, None if left_out == "report" else REPORT)
    assert is_empty(world)


@pytest.mark.parametrize(
    ("part", "error", "words"),
    [
        (Sent("L__CC", b"no DICOM"), NotDicomError, "L__CC"),
        (Sent("L__CC", FILES["L__CC"], **{"content-type": "text/plain"}), NotDicomError, "Content-Type"),
        (Sent("L__CC", FILES["R__MLO"]), InvalidRequestError, "same SOP instance"),
        (Sent("L__CC", make_file(9, Laterality="R")), InvalidAttributeError, "other side"),
        (
            Sent("L__CC", make_file(9, Laterality="L", ViewPosition="MLO")),
            InvalidAttributeError,
            "another view",
        ),
        (Sent("L__ML", FILES["L__CC"]), InvalidRequestError, "Content-Disposition"),
        (Sent("R__CC", FILES["L__CC"]), InvalidRequestError, "two parts named R__CC"),
        (Sent("report", b"second"), InvalidRequestError, "two parts named report"),
    ],
)
async def test_a_part_that_is_wrong_fails_the_case(part: Sent, error: type[Exception], words: str) -> None:
    """C000-11: one bad part of five, and nothing is stored."""
    world = World()
    others = [Sent(view, data) for view, data in FILES.items() if view != "L__CC"]
    with pytest.raises(error, match=words):
        await store_case(2014, "S1", sent(Sent("report", b"x"), *others, part), ports=ports_of(world))
    assert is_empty(world)


async def test_content_types_of_clients_that_know_no_dicom_are_let_pass() -> None:
    """They say that it is bytes, or nothing; a view that the attributes confirm is stored too."""
    world = World()
    files = FILES | {"L__CC": make_file(9, ImageLaterality="L", ViewPosition="CC")}
    kinds = ["application/octet-stream", "application/dicom", "application/octet-stream; x=y", None]
    parts = [
        Sent(view, data, **({} if kind is None else {"content-type": kind}))
        for (view, data), kind in zip(files.items(), kinds, strict=True)
    ]
    await store_case("2014", "S'1", sent(*parts, Sent("report", REPORT.encode())), ports=ports_of(world))
    assert await read(world) == (files, REPORT)


async def test_an_image_that_the_index_refuses_takes_all_of_the_case_back() -> None:
    """What was indexed of it goes too; a case that was to be replaced is still there."""
    world = World()
    await store(world)
    put = world.index.put

    async def refuse(records: Any, **options: Any) -> Any:
        if any(record.ref.sop_instance_uid.endswith(".9.4") for record in records):
            raise UnsupportedObjectError("a table row would be too large")
        return await put(records, **options)

    world.index.put = refuse  # type: ignore[method-assign] # an index with limits
    files = {view: make_file(number, series=f"1.2.3.{number}.9") for number, view in enumerate(VIEWS, 1)}
    files["R__MLO"] = make_file(4, series="1.2.3.9")
    with pytest.raises(UnsupportedObjectError):
        await store(world, files, "new", ANY)
    assert await read(world) == (FILES, REPORT)
    assert len(images_in(world)) == len(world.index.serving_records()) == 4


async def test_of_several_requests_at_once_one_case_comes() -> None:
    """The others are told, and leave nothing."""
    world = World()
    contents = [FILES, OTHER_FILES] * 3

    async def one(files: dict[str, bytes]) -> bool:
        try:
            await store(world, files)
        except (ConcurrentChangeError, CaseExistsError):
            return False
        return True

    assert any(await in_parallel(one, contents, limit=6))
    await sweep(world)
    assert await read(world) in [(FILES, REPORT), (OTHER_FILES, REPORT)]
    assert len(images_in(world)) == len(world.index.serving_records()) == 4


async def test_a_sweep_leaves_alone_what_is_under_way() -> None:
    """A session that may still be sending, and a commit that is just being finished."""
    world, ports = World(), ports_of(World())
    ports = replace(ports, sessions=world.case_sessions, objects=world.objects)
    world.interrupt(4)
    with pytest.raises(KilledError):
        await store(world)
    world.interrupt(None)
    assert await sweep_cases(ports_of(world), seconds=60) == 0
    assert len(world.case_sessions.notes) == 1


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"admission": Admission(sop_classes=("1.2.3",))}, "SOPClassUID"),
        ({"admission": Admission(transfer_syntaxes=("1.2.3",))}, "transfer syntax"),
        ({"risk": RiskPolicy(limit=RiskLevel.LOW)}, "De-identify"),
    ],
    ids=["class", "syntax", "risk"],
)
async def test_what_the_archive_does_not_take_it_does_not_take_as_a_case(
    limits: dict[str, Any], words: str
) -> None:
    """The settings that STOW-RS obeys hold here too."""
    world = World()
    ports = replace(ports_of(world), **limits)
    for files in (FILES, LARGE):
        with pytest.raises(RejectedInstanceError, match=words):
            await store_case(2014, "S1", parts_of(files), ports=ports)
        assert is_empty(world)
