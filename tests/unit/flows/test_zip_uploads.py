"""A ZIP is committed in place of files: read by ranges, and bounded against what it may try."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from shared.errors import InvalidRequestError, PayloadTooLargeError
from shared.flows._session_ports import SessionLimits
from shared.flows.commit_session import commit_session
from shared.flows.start_session import start_session
from shared.records import ObjectKey
from tests.unit.flows.builders import make_file
from tests.unit.flows.test_sessions import items_of, left, ports_of, seen, upload
from tests.unit.flows.world import World

FILES = {f"DIR/{number}": make_file(number) for number in range(1, 4)}


def packed(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED, *, zip64: bool = False) -> bytes:
    """Return a ZIP of entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            with file.open(info, "w", force_zip64=zip64) as entry:
                entry.write(data)
    return buffer.getvalue()


def patched(data: bytes, place: bytes, offset: int, value: int) -> bytes:
    """Return a ZIP with a 16-bit number changed in every header that begins with *place*."""
    changed = bytearray(data)
    at = changed.find(place)
    while at >= 0:
        struct.pack_into("<H", changed, at + offset, value)
        at = changed.find(place, at + 4)
    return bytes(changed)


def encrypted(data: bytes) -> bytes:
    """Return a ZIP whose entries say that they are encrypted."""
    return patched(patched(data, b"PK\1\2", 8, 1), b"PK\3\4", 6, 1)


async def begun(world: World, data: bytes) -> str:
    """Begin a session and upload a ZIP."""
    job, _ = await start_session(["all.zip"], world.session_ports)
    upload(world, job.job_id, {"all.zip": data})
    return job.job_id


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("zip64", [False, True])
async def test_its_entries_are_published_together(method: int, *, zip64: bool) -> None:
    """Stored or deflated, with the sizes of ZIP64 too; folders and DICOMDIR are left out."""
    world = World()
    data = packed({"DIR/": b"", "DIR/DICOMDIR": b"an index", **FILES}, method, zip64=zip64)
    session = await begun(world, data)
    job = await commit_session(session, ["all.zip"], world.session_ports)
    assert (job.phase, job.item_count) == ("done", 3)
    assert await seen(world) == ["1.2.3.1.1", "1.2.3.1.2", "1.2.3.1.3"]
    assert left(world, "sessions") == []


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "..\\x", "C:\\x", "x\0y", "a" * 1025])
async def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    """The session stays open, and nothing is seen."""
    world = World()
    placeholder = "n" * len(name)
    data = packed({**FILES, placeholder: b"x"}).replace(placeholder.encode(), name.encode())
    session = await begun(world, data)
    with pytest.raises(InvalidRequestError):
        await commit_session(session, [], world.session_ports)
    assert (await world.jobs.get(session)).phase == "open"
    assert await seen(world) == []


@pytest.mark.parametrize(
    "spoil",
    [
        encrypted,
        lambda data: patched(data, b"PK\1\2", 10, 12),
        lambda data: data[: len(data) // 2],
        lambda data: b"no ZIP",
        lambda data: b"",
        lambda data: data[:-22] + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 9, 9, 0xFFFFFF00, 0, 0),
    ],
    ids=["encrypted", "bzip2", "cut", "none", "empty", "directory"],
)
async def test_what_cannot_be_read_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    """With 400, before anything of it is taken in."""
    world = World()
    session = await begun(world, spoil(packed(FILES)))
    with pytest.raises(InvalidRequestError):
        await commit_session(session, [], world.session_ports)
    assert left(world, "archive") == []


async def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_does() -> None:
    """Too many entries, too many bytes, too much growth; one that lies about its size yields no more than it said."""
    world = World()
    bomb = packed({"0": bytes(300 * 1024 * 1024)})
    assert len(bomb) < 1024 * 1024
    for data, limits, why in (
        (bomb, SessionLimits(), "more than 100 times its size"),
        (packed(FILES), SessionLimits(files=2), "more than 2 entries"),
        (packed(FILES), SessionLimits(bytes=1000), "more bytes than a session may have"),
    ):
        session = await begun(world, data)
        with pytest.raises(PayloadTooLargeError, match=why):
            await commit_session(session, [], ports_of(world, limits=limits))
    liar = packed({**FILES, "zeros": bytes(1_000_000)})
    said, is_so = struct.pack("<L", 1_000_000), struct.pack("<L", 1000)
    session = await begun(world, liar.replace(said, is_so))
    assert (await commit_session(session, [], world.session_ports)).phase == "failed"
    failed = [item.source for item in await items_of(world, session) if item.error]
    assert failed == ["zeros"]
    assert await seen(world) == []


async def test_a_damaged_entry_keeps_all_of_it_out() -> None:
    """Its checksum is looked at; the others can be read."""
    world = World()
    data = packed(FILES, zipfile.ZIP_STORED)
    at = data.find(b"1.2.3.1.2")
    spoiled = data[:at] + b"1.2.3.1.9" + data[at + 9 :]
    session = await begun(world, spoiled)
    assert (await commit_session(session, [], world.session_ports)).phase == "failed"
    assert [(item.source, item.error) for item in await items_of(world, session) if item.error] == [
        ("DIR/2", "the entry of the ZIP is damaged")
    ]
    assert await seen(world) == []


async def test_no_more_of_it_is_held_than_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read by ranges of 4 MiB at most, however long it is."""
    world = World()
    data = packed({"1": make_file(1) + bytes(12 * 1024 * 1024), "2": make_file(2)}, zipfile.ZIP_STORED)
    session = await begun(world, data)
    lengths: list[int] = []
    read_range = world.objects.read_range

    async def noted(key: ObjectKey, start: int, end: int, **options: str | None) -> object:
        if key.container == "sessions" and key.name.endswith(".zip"):
            lengths.append(end - start)
        return await read_range(key, start, end, **options)

    monkeypatch.setattr(world.objects, "read_range", noted)
    await commit_session(session, [], world.session_ports)
    assert len(lengths) > 3
    assert max(lengths) <= 4 * 1024 * 1024
