"""PartnerApi in memory and over HTTP keep their contract; over HTTP, what goes over the wire."""

from __future__ import annotations

import asyncio
import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from shared.backends.memory.partner_api import MemoryPartnerApi
from shared.backends.partner_api import HttpPartnerApi, PartnerOptions
from shared.backends.partner_api.waiting import Backoff, seconds_of
from shared.errors import NotConfiguredError
from shared.ports.partner import PartnerError
from tests.contract.partner_api import AFile, PartnerApiContract
from tests.partner_server import METADATA, Cue, PartnerServer, a_partner

pytestmark = [pytest.mark.host]

FAST = Backoff(0.01, 5, random=lambda: 0.0)


class MemoryPartner:
    """The other side of MemoryPartnerApi, which is itself."""

    def __init__(self) -> None:
        self.api = MemoryPartnerApi({"S1": dict(METADATA)})

    def cue(self, service: str, *answers: int | str) -> None:
        if answers == ("stored",):
            self.api.claims_all = True
        else:
            self.api.cues[service].extend(answers)

    def taken(self) -> list[bytes]:
        return list(self.api.stored.values())

    def requests(self, service: str) -> int:
        return self.api.asked.count(service)


class TestMemoryPartnerApi(PartnerApiContract):
    """MemoryPartnerApi."""

    @pytest.fixture
    def partner(self) -> MemoryPartner:
        return MemoryPartner()

    @pytest.fixture
    def api(self, partner: MemoryPartner) -> MemoryPartnerApi:
        return partner.api


class LoopbackPartner:
    """The other side of HttpPartnerApi."""

    def __init__(self, server: PartnerServer) -> None:
        self.server = server

    def cue(self, service: str, *answers: int | str) -> None:
        for answer in answers:
            if answer == "stored":
                cue = Cue(400, b'{"error": "File Already Stored"}')
            elif answer == "drop":
                cue = Cue(drop_after=1000)
            else:
                cue = Cue(int(answer), b"" if answer == 204 else b'"x"')
            self.server.cues[service].append(cue)

    def taken(self) -> list[bytes]:
        return self.server.stored

    def requests(self, service: str) -> int:
        return len(self.server.of(service))


@pytest.fixture
def server() -> Iterator[PartnerServer]:
    """Give a partner on loopback."""
    with a_partner() as running:
        yield running


def options(server: PartnerServer) -> PartnerOptions:
    """Return how it is reached."""
    return PartnerOptions(
        f"{server.url}/metadata",
        "md",
        f"{server.url}/upload",
        "u",
        f"{server.url}/analytics",
        "a",
        log_url=f"{server.url}/log",
        log_key="l",
        connect_timeout=5,
        read_timeout=10,
        backoff=FAST,
    )


@pytest.fixture
async def api(server: PartnerServer) -> AsyncIterator[HttpPartnerApi]:
    """Give the adapter."""
    made = HttpPartnerApi(options(server))
    yield made
    await made.close()


class TestHttpPartnerApi(PartnerApiContract):
    """HttpPartnerApi."""

    @pytest.fixture
    def partner(self, server: PartnerServer) -> LoopbackPartner:
        return LoopbackPartner(server)

    @pytest.fixture
    async def api(self, server: PartnerServer) -> AsyncIterator[HttpPartnerApi]:
        made = HttpPartnerApi(options(server))
        yield made
        await made.close()


@pytest.mark.parametrize("way", ["get-body", "get-query", "post"])
async def test_questions_are_asked_in_the_way_that_is_set(server: PartnerServer, way: str) -> None:
    """A GET with a body as the forerunner had it, one with a query, or a POST."""
    api = HttpPartnerApi(replace(options(server), requests=way))  # type: ignore[arg-type]
    await api.metadata("S 1", max_retry=0)
    await api.analytics("S 1", "cbc", max_retry=0)
    await api.close()

    metadata, analytics = server.asked
    assert (metadata.headers["x-api-key"], analytics.headers["x-api-key"]) == ("md", "a")
    if way == "get-query":
        assert metadata.query == {"sample_id": "S 1", "priority": "2"}
        assert (metadata.method, metadata.body) == ("GET", b"")
    else:
        assert metadata.method == ("GET" if way == "get-body" else "POST")
        assert json.loads(metadata.body) == {"sample_id": "S 1", "priority": 2}
        assert json.loads(analytics.body) == {"sample_id": "S 1", "request_type": "cbc"}
        assert metadata.headers["content-type"] == "application/json"


async def test_a_file_goes_out_with_its_length_and_the_bare_key(
    server: PartnerServer, api: HttpPartnerApi
) -> None:
    """As the forerunner sent it; nothing is chunked."""
    await api.upload(AFile(b"x" * 3000), max_retry=0)
    await api.upload(AFile(b""), max_retry=0)
    first, empty = server.of("upload")
    assert first.method == "POST"
    assert first.headers["Authorization"] == "u"
    assert first.headers["content-type"] == "application/binary"
    assert (first.headers["Content-Length"], empty.headers["Content-Length"]) == ("3000", "0")
    assert "Transfer-Encoding" not in first.headers


async def test_a_login_of_the_machine_does_not_take_the_place_of_the_key(
    server: PartnerServer, api: HttpPartnerApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A netrc in somebody's home is not read."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password eve\n")
    monkeypatch.setenv("NETRC", str(netrc))
    await api.upload(AFile(b"x"), max_retry=0)
    assert server.of("upload")[0].headers["Authorization"] == "u"


async def test_an_answer_that_is_no_json_is_a_success(server: PartnerServer, api: HttpPartnerApi) -> None:
    """The file is stored, whatever the partner says of it."""
    server.cues["upload"].append(Cue(200, b"<html>thanks"))
    answer = await api.upload(AFile(b"x"), max_retry=0)
    assert (answer.content, answer.text) == (None, b"<html>thanks")


async def test_a_redirect_is_not_followed(server: PartnerServer, api: HttpPartnerApi) -> None:
    """For the key would go with it."""
    with a_partner() as other:
        server.cues["analytics"].append(Cue(307, b"", {"Location": f"{other.url}/analytics"}))
        with pytest.raises(PartnerError, match="redirect"):
            await api.analytics("S1", "cbc", max_retry=3)
        assert other.asked == []
    assert len(server.asked) == 1


async def test_a_partner_that_hangs_is_given_up(server: PartnerServer) -> None:
    """After the time of a read, and tried again."""
    api = HttpPartnerApi(replace(options(server), read_timeout=0.3))
    server.cues["analytics"].append(Cue(hang=60))
    answer = await api.analytics("S1", "cbc", max_retry=1)
    await api.close()
    assert [one.outcome for one in answer.tries] == ["ReadTimeout", "200"]


async def test_a_partner_that_is_not_there_is_named_by_what_went_wrong(server: PartnerServer) -> None:
    """Not by its address, nor by the sample."""
    api = HttpPartnerApi(replace(options(server), analytics_url="http://127.0.0.1:1/x", requests="get-query"))
    with pytest.raises(PartnerError, match="not reached") as failed:
        await api.analytics("SECRET", "cbc", max_retry=2)
    await api.close()
    assert len(failed.value.tries) == 3
    assert "SECRET" not in str(failed.value) + repr(failed.value.tries)


async def test_a_slow_file_does_not_hold_up_another(server: PartnerServer, api: HttpPartnerApi) -> None:
    """They go out side by side, up to the number that is set."""
    server.cues["upload"].append(Cue(hang=60))
    slow = asyncio.create_task(api.upload(AFile(b"slow"), max_retry=0))
    deadline = time.monotonic() + 30
    while not server.of("upload"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    await asyncio.gather(*(api.upload(AFile(b"fast"), max_retry=0) for _ in range(5)))
    assert not slow.done()
    assert server.stored == [b"fast"] * 5
    server.closed.set()
    await slow


async def test_memory_does_not_grow_with_a_file(server: PartnerServer, api: HttpPartnerApi) -> None:
    """Of 256 MiB no more than a few chunks are held at a time."""

    class Big:
        size = 256 * 1024 * 1024

        async def stream(self) -> AsyncIterator[bytes]:
            for _ in range(256):
                yield bytes(1024 * 1024)

    server.keeps_content = False
    tracemalloc.start()
    try:
        await api.upload(Big(), max_retry=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * 1024 * 1024
    assert server.of("upload")[0].headers["Content-Length"] == str(Big.size)


def test_waits_double_and_end_at_the_longest() -> None:
    """3, 6, 12 seconds as the forerunner had them; jitter adds a quarter at most; the partner's wish goes before."""
    plain = Backoff(3, 20, random=lambda: 0.0)
    assert [plain.before(number, None) for number in range(2, 7)] == [3, 6, 12, 20, 20]
    assert Backoff(3, 20, random=lambda: 1.0).before(2, None) == 3.75
    assert plain.before(2, 17) == 17
    assert plain.before(4, 1) == 12


def test_a_wish_to_wait_is_in_seconds_or_a_date() -> None:
    """Anything else is none."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert seconds_of("7", now) == 7
    assert seconds_of(format_datetime(now + timedelta(seconds=90), usegmt=True), now) == 90
    assert seconds_of(format_datetime(now - timedelta(seconds=90), usegmt=True), now) == 0
    for text in (None, "", "soon", "-1", "1.5", "Xxx, 99 Abc 2026 00:00:00 GMT", "9" * 30):
        assert seconds_of(text, now) is None


@pytest.mark.parametrize("dated", [False, True])
async def test_the_partner_s_wish_to_wait_is_granted(server: PartnerServer, *, dated: bool) -> None:
    """The second request comes no earlier."""
    api = HttpPartnerApi(options(server))
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    server.cues["analytics"].append(Cue(429, b"", {"Retry-After": until if dated else "1"}))
    await api.analytics("S1", "cbc", max_retry=1)
    await api.close()
    first, second = server.asked
    assert second.at - first.at >= 1


async def test_a_wish_to_wait_too_long_ends_it(server: PartnerServer, api: HttpPartnerApi) -> None:
    """Asking earlier would be no use, and the message says how long."""
    server.cues["analytics"].append(Cue(503, b"", {"Retry-After": "3600"}))
    with pytest.raises(PartnerError, match="wait 3600 seconds"):
        await api.analytics("S1", "cbc", max_retry=3)
    assert len(server.asked) == 1


async def test_a_log_without_a_receiver_is_said_so(server: PartnerServer) -> None:
    """Nothing is sent."""
    api = HttpPartnerApi(replace(options(server), log_url=""))
    with pytest.raises(NotConfiguredError, match="DICOM_PARTNER_LOG_URL"):
        await api.report_failure(b"x", max_retry=0)
    await api.close()


async def test_keys_do_not_show(server: PartnerServer) -> None:
    """Where options are written into a log."""
    shown = repr(
        replace(options(server), metadata_key="SECRET1", upload_key="SECRET2", analytics_key="SECRET3")
    )
    assert "SECRET" not in shown
