"""What is uploaded in a session is published as a whole or not at all, whenever the process dies."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.dicom.references import StudyRef
from shared.dicom.risk.rules import RiskLevel
from shared.errors import (
    BackendUnavailableError,
    InvalidRequestError,
    ObjectExistsError,
    PayloadTooLargeError,
)
from shared.flows._risk_policy import RiskPolicy
from shared.flows._session_ports import SessionLimits, SessionPorts
from shared.flows.abandon_session import abandon_session
from shared.flows.commit_session import commit_session
from shared.flows.extend_session import extend_session
from shared.flows.index_instance import index_instance
from shared.flows.run_session import run_session
from shared.flows.start_session import start_session
from shared.flows.sweep_sessions import sweep_sessions
from shared.ports.jobs import Job, JobItem
from shared.records import ObjectKey
from tests.unit.flows.builders import add_pixels, make_data_set, make_file, to_file
from tests.unit.flows.world import KilledError, World

STUDY = StudyRef("1.2.3")
FILES = {
    "a.dcm": make_file(1),
    "b/c.dcm": make_file(2),
    "d.dcm": make_file(1, series="1.2.3.2"),
}
LARGE = {
    f"{number}.dcm": to_file(add_pixels(make_data_set(number), [bytes(5_000_000)], rows=2000, columns=2500))
    for number in (1, 2)
}
FAILURES = [KilledError(), BackendUnavailableError("down")]


def upload(world: World, session: str, files: Mapping[str, bytes]) -> None:
    """Put files as a client would, past the app."""
    for name, data in files.items():
        world.objects.write(ObjectKey("sessions", f"{session}/{name}"), data)


async def begun(world: World, files: Mapping[str, bytes] = FILES) -> str:
    """Begin a session and upload files."""
    job, _ = await start_session(list(files), world.session_ports)
    upload(world, job.job_id, files)
    return job.job_id


def ports_of(world: World, **changes: object) -> SessionPorts:
    """Return the ports with some of them changed."""
    return replace(world.session_ports, **changes)  # type: ignore[arg-type]


async def seen(world: World) -> list[str]:
    """Return what a viewer is shown."""
    return [record.ref.sop_instance_uid async for record in world.index.instances_of(STUDY)]


async def items_of(world: World, session: str) -> list[JobItem]:
    """Return what became of each file."""
    return [item async for item in world.jobs.items(session)]


def left(world: World, container: str) -> list[str]:
    """Return the names of a container's objects."""
    return sorted(key.name for key in world.objects.objects if key.container == container)


async def sweep(world: World) -> int:
    """Sweep as if everybody had been idle for long, and do what the queue was sent."""

    async def bind(_: Job) -> SessionPorts:
        return world.session_ports

    swept = await sweep_sessions(world.session_ports, bind, seconds=60, idle=timedelta())
    while world.work.sent:
        await run_session(world.work.sent.pop(), world.session_ports, seconds=60)
    return swept


async def test_files_are_published_together() -> None:
    """Nothing is seen before the commit; then all of it is, in feed, ledger and archive, and no upload is left."""
    world = World()
    session = await begun(world)
    assert await seen(world) == []
    job = await commit_session(session, list(FILES), world.session_ports)
    assert (job.phase, job.item_count, job.error) == ("done", 3, "")
    assert await seen(world) == ["1.2.3.1.1", "1.2.3.1.2", "1.2.3.2.1"]
    assert left(world, "sessions") == []
    prefix = f"default/sessions/{session}/"
    assert left(world, "archive") == [
        f"{prefix}1.2.3/1.2.3.1/1.2.3.1.1.dcm",
        f"{prefix}1.2.3/1.2.3.1/1.2.3.1.2.dcm",
        f"{prefix}1.2.3/1.2.3.2/1.2.3.2.1.dcm",
        f"{prefix}session.json",
    ]
    assert all(world.accounted_for(ObjectKey("archive", name)) for name in left(world, "archive")[:3])
    assert len(await world.feed.changes(0, 100)) == 3
    assert world.queue.changed_studies == [STUDY]
    again = await commit_session(session, [], world.session_ports)
    assert again == job
    assert len(await world.feed.changes(0, 100)) == 3


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (b"no DICOM at all", "DICOM"),
        (make_file(3, PatientID=None), "PatientID"),
        (make_file(1, PatientName="OTHER"), "other bytes"),
    ],
)
async def test_one_file_that_cannot_be_stored_keeps_all_of_it_out(wrong: bytes, reason: str) -> None:
    """The status says which file and why; nothing is seen, and nothing is left."""
    world = World()
    session = await begun(world, {**FILES, "wrong.dcm": wrong})
    job = await commit_session(session, [], world.session_ports)
    assert job.phase == "failed"
    failed = [(item.source, item.error) for item in await items_of(world, session) if item.error]
    assert [source for source, _ in failed] == ["wrong.dcm"]
    assert reason in failed[0][1]
    assert "OTHER" not in failed[0][1]
    assert await seen(world) == []
    assert left(world, "sessions") == left(world, "archive") == []
    assert await world.feed.changes(0, 100) == []


async def test_what_is_there_already_is_judged_as_by_stow() -> None:
    """The same bytes count as there, unless duplicates are refused; other bytes never are taken."""
    world = World()
    key = ObjectKey("images", "x.dcm")
    world.objects.write(key, FILES["a.dcm"])
    await index_instance(key, world.index_ports)
    session = await begun(world)
    job = await commit_session(session, [], world.session_ports)
    assert job.phase == "done"
    assert [item.facts for item in await items_of(world, session)] == [{"there": "true"}, {}, {}]
    assert await seen(world) == ["1.2.3.1.1", "1.2.3.1.2", "1.2.3.2.1"]

    session = await begun(world)
    job = await commit_session(session, [], ports_of(world, duplicates="reject"))
    assert job.phase == "failed"
    session = await begun(world, {"other.dcm": make_file(1, PatientName="OTHER")})
    job = await commit_session(session, [], ports_of(world, duplicates="replace"))
    assert job.phase == "failed"
    assert len(await seen(world)) == 3


async def test_a_file_that_tells_too_much_of_its_patient_keeps_all_of_it_out() -> None:
    """The risk policy is that of STOW."""
    world = World()
    session = await begun(world)
    store = replace(world.store_ports, risk=RiskPolicy(RiskLevel.LOW, None))
    job = await commit_session(session, [], ports_of(world, store=store))
    assert job.phase == "failed"
    assert await seen(world) == []


async def test_a_session_that_lacks_a_file_or_holds_too_much_stays_open() -> None:
    """What is missing is named; once it is there, the same session is committed."""
    world = World()
    session = await begun(world)
    with pytest.raises(InvalidRequestError, match=r"1 files have not been uploaded: late\.dcm"):
        await commit_session(session, ["late.dcm"], world.session_ports)
    for limits in (SessionLimits(files=2), SessionLimits(bytes=100)):
        with pytest.raises(PayloadTooLargeError):
            await commit_session(session, [], ports_of(world, limits=limits))
    empty, _ = await start_session([], world.session_ports)
    with pytest.raises(InvalidRequestError, match="no file"):
        await commit_session(empty.job_id, [], world.session_ports)
    upload(world, session, {"late.dcm": make_file(9)})
    assert (await commit_session(session, ["late.dcm"], world.session_ports)).phase == "done"
    assert len(await seen(world)) == 4


@pytest.mark.parametrize(
    "name", ["", "../x", "/x", "a/../b", "a//b", "a b", "a\\b", "ä", "a/", "x" * 201, ".x"]
)
async def test_a_name_that_leads_elsewhere_is_no_target(name: str) -> None:
    """It is refused before there is a session."""
    world = World()
    with pytest.raises(InvalidRequestError):
        await start_session([name], world.session_ports)
    with pytest.raises(InvalidRequestError):
        await start_session(["a", "a"], world.session_ports)
    with pytest.raises(PayloadTooLargeError):
        await start_session([str(number) for number in range(5001)], world.session_ports)
    assert world.sessions.notes == {}
    job, targets = await start_session(["a.dcm"], world.session_ports)
    assert [target.name for target in targets] == ["a.dcm"]
    assert [target.name for target in await extend_session(job, ["b.dcm"], world.session_ports)] == ["b.dcm"]


async def test_an_abandoned_session_is_gone() -> None:
    """Its uploads are removed and it cannot be committed; one that is published cannot be abandoned."""
    world = World()
    session = await begun(world)
    assert (await abandon_session(session, world.session_ports)).error == "abandoned"
    assert (await commit_session(session, [], world.session_ports)).phase == "failed"
    assert left(world, "sessions") == []
    session = await begun(world)
    await commit_session(session, [], world.session_ports)
    with pytest.raises(ObjectExistsError):
        await abandon_session(session, world.session_ports)
    assert len(await seen(world)) == 3


async def test_a_session_that_expires_is_removed() -> None:
    """With all that was put into it, also after its end."""
    world = World()
    ports = ports_of(world, limits=SessionLimits(hours=-1))
    expired, _ = await start_session(["a.dcm"], ports)
    upload(world, expired.job_id, FILES)
    live = await begun(world)
    with pytest.raises(InvalidRequestError, match="expired"):
        await commit_session(expired.job_id, [], ports)
    assert await sweep(world) == 1
    assert (await world.jobs.get(expired.job_id)).error == "expired"
    assert {name.partition("/")[0] for name in left(world, "sessions")} == {live}
    assert list(world.sessions.notes) == [live]


async def test_a_long_session_goes_on_in_another_run() -> None:
    """What was taken in is not taken in again."""
    world = World()
    files = {f"{number}.dcm": make_file(number) for number in range(1, 150)}
    session = await begun(world, files)
    job = await commit_session(session, [], world.session_ports)
    assert (job.phase, world.work.sent) == ("committing", [session])
    runs = 0
    while world.work.sent:
        await run_session(world.work.sent.pop(), world.session_ports, seconds=0)
        runs += 1
        assert len(await seen(world)) in (0, 149)
    assert runs == 3
    assert len(await seen(world)) == 149


@pytest.mark.parametrize("error", FAILURES, ids=["killed", "unavailable"])
@pytest.mark.parametrize(
    "files", [FILES, LARGE, {**FILES, "x.dcm": b"wrong"}], ids=["small", "large", "wrong"]
)
async def test_a_commit_that_dies_at_any_call_is_whole_or_absent(
    error: BaseException, files: Mapping[str, bytes]
) -> None:
    """At each call of a port: never a part is seen; the sweep ends it, and nothing is left but what is published."""
    is_good = "x.dcm" not in files
    for calls in itertools.count():
        world = World()
        session = await begun(world, files)
        world.interrupt(calls, error)
        try:
            await commit_session(session, [], world.session_ports)
        except (KilledError, BackendUnavailableError):
            died = True
        else:
            died = False
        world.interrupt(None)
        assert len(await seen(world)) in (0, len(files))
        if died:
            await commit_session(session, [], world.session_ports)
            await sweep(world)
            await sweep(world)
        assert len(await seen(world)) == (len(files) if is_good else 0)
        assert (await world.jobs.get(session)).phase == ("done" if is_good else "failed")
        assert len(await world.feed.changes(0, 100)) == (len(files) if is_good else 0)
        assert left(world, "sessions") == []
        assert len(left(world, "archive")) == (len(files) + 1 if is_good else 0)
        assert world.index.staged == {}
        for name in left(world, "archive"):
            assert name.endswith("session.json") or world.accounted_for(ObjectKey("archive", name))
        if not died:
            break
    assert calls > 30


async def test_two_that_commit_the_same_session_publish_it_once() -> None:
    """A message that is delivered again after the end changes nothing, and removes nothing."""
    world = World()
    session = await begun(world)
    await commit_session(session, [], world.session_ports)
    objects = left(world, "archive")
    job = await world.jobs.get(session)
    world.jobs._jobs[session] = (replace(job, phase="committing"), {})
    await run_session(session, world.session_ports, seconds=60)
    assert left(world, "archive") == objects
    assert len(await seen(world)) == 3
