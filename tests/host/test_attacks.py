"""Attacks over HTTP on the running app: each is refused or passed over, none is a 5xx, and none has an effect.

After each of them the archive holds exactly what it held before, object by object, and answers.
"""

import asyncio
import gzip
import json
import re
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from yarl import URL

from client.noida import NoidaDb
from tests.free_ports import free_ports
from tests.host.archive import Archive, an_archive, eventually
from tests.instances import an_instance, uids
from tests.search_servers import running_noida

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

PUBLIC = "https://archive.example"
EVIL = "evil.example"
SCRIPT = "<script>alert(1)</script>"
STUDY, SERIES, INSTANCE = uids(1)
OBJECT = f"dicomweb/studies/{STUDY}/series/{SERIES}/instances/{INSTANCE}"
RELATED = 'multipart/related; type="application/dicom"; boundary=b'
FORM = "multipart/form-data; boundary=b"
SECONDS = 60
"""Longer than any attack may keep the app; a slow machine needs a part of it."""

type Attack = Callable[["Target"], Awaitable[None]]
ATTACKS: dict[str, Attack] = {}


class Target:
    """The archive under attack, and what it held before."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.port = archive.app.port
        self.watched: list[str] = []
        """What a listener on loopback was asked: nothing, unless the app can be made to ask it."""
        self.listener = ""

    async def ask(
        self, path: str, *, method: str = "GET", headers: Any = None, data: Any = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request whose path is not tidied up, and return its answer."""
        url = URL(f"{self.archive.app.url}/{path}", encoded=True)
        async with self.archive.session.request(
            method, url, headers=headers, data=data, allow_redirects=False
        ) as answer:
            body = await answer.read()
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, body

    async def refused(self, path: str, *statuses: int, **request: Any) -> bytes:
        """Send a request that is to be answered 4xx, or by one of *statuses*; return the body of the answer."""
        status, headers, body = await self.ask(path, **request)
        assert 400 <= status < 500 or status in statuses, f"{path[:200]}: {status} {body[:300]!r}"
        assert "x-injected" not in headers
        return body

    async def raw(self, *pieces: bytes, wait: float = 1) -> bytes:
        """Send bytes as they are, and return what comes back until the connection is closed or nothing more comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        received = b""
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            while True:
                more = await asyncio.wait_for(reader.read(65536), wait)
                if not more:
                    break
                received += more
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return received

    async def held(self) -> dict[str, str]:
        """Return the etag of each object of the archive, but for what it derives from them, and each study."""
        found: dict[str, str] = {}
        async for container in self.archive.blobs.list_containers():
            if container.name.startswith("azure-webjobs") or container.name == "derived":
                continue
            async for blob in self.archive.container(container.name).list_blobs():
                found[f"{container.name}/{blob.name}"] = blob.etag
        for row in await self.archive.search("studies"):
            found[row["0020000D"]["Value"][0]] = str(row["00201208"]["Value"])
        return found


def attack(name: str) -> Callable[[Attack], Attack]:
    """Name an attack."""

    def register(made: Attack) -> Attack:
        ATTACKS[name] = made
        return made

    return register


def statuses(received: bytes) -> list[int]:
    """Return the status of each answer in what came back."""
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] ([0-9]{3})", received)]


def paths(name: str, *of: str, also: tuple[int, ...] = (), **request: Any) -> None:
    """Declare an attack that consists of requests, each of which is to be refused."""

    async def run(target: Target) -> None:
        for path in of:
            await target.refused(path, *also, **request)

    ATTACKS[name] = run


# Names that lead elsewhere.
paths(
    "traversal in paths",
    "ui/..%2f..%2ffunction_app.py",
    "ui/%2e%2e%2f_http.py",
    "ui/....//....//etc/passwd",
    "dicomweb/studies/..%2f..%2f..%2fetc%2fpasswd/metadata",
    f"dicomweb/studies/{STUDY}/../../../../etc/passwd",
    "ledger/images/..%2f..%2f..%2fetc%2fpasswd",
    "ledger/..%2farchive/x",
    "cases/2020/..%2f..%2f..%2fetc%2fpasswd",
    "cases/..%2f../passwd",
    "ui/case.css%00.png",
    "ui/C:%5cwindows%5cwin.ini",
)
paths(
    "traversal in object keys",
    "search/file?bucket=archive&object_key=../../../etc/passwd",
    "search/file?bucket=..&object_key=x",
    "search/file?bucket=$root&object_key=x",
    "search/file?bucket=http://127.0.0.1:1/&object_key=x",
    f"{OBJECT}/bulkdata/../../../../../../etc/passwd",
    f"{OBJECT}/bulkdata/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    f"{OBJECT}/history/..%2f..%2f0",
)
paths(
    "partition names that are tricks",
    "dicomweb/partitions/%2e%2e/studies",
    "dicomweb/partitions/..%2fdefault/studies",
    "dicomweb/partitions/default%00/studies",
    "dicomweb/partitions/default%20/studies",
    "dicomweb/partitions/default!study/studies",
    f"dicomweb/partitions/{'p' * 65}/studies",
    "dicomweb/partitions/d%C3%A9fault/studies",
    "risk?partition=..",
    "risk?partition=default'%20or%20'1'%20eq%20'1",
    "search?partition=%00&q=1",
)


@attack("a partition is not made by a name that is none")
async def _(target: Target) -> None:
    for name in ("%2e%2e", "a%2fb", "%00", "a'b"):
        await target.refused(
            f"dicomweb/partitions/{name}/studies",
            method="POST",
            headers={"Content-Type": "application/dicom"},
            data=an_instance(66),
        )
    _, _, body = await target.ask("dicomweb/partitions")
    assert [row["PartitionName"] for row in json.loads(body)] == ["default"]


@attack("traversal in the names of a posted form")
async def _(target: Target) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="../../L__CC"; filename="../../../etc/cron.d/x"\r\n\r\n'
        + an_instance(67)
        + b"\r\n--b--\r\n"
    )
    await target.refused("cases/2020/S67", method="PUT", headers={"Content-Type": FORM}, data=body)
    assert not Path("/etc/cron.d/x").exists()


@attack("a ZIP has no name that leads out of it")
async def _(target: Target) -> None:
    status, _, body = await target.ask(f"dicomweb/studies/{STUDY}?accept=application/zip;transfer-syntax=*")
    assert status == 200
    for name in zipfile.ZipFile(BytesIO(body)).namelist():
        assert not name.startswith("/")
        assert ".." not in name


# Headers and hosts.
@attack("line breaks in parameters make no header")
async def _(target: Target) -> None:
    broken = "%0d%0aX-Injected:%201%0d%0a%0d%0a<html>"
    for path in (
        f"dicomweb/studies?limit=1{broken}",
        f"dicomweb/studies?accept=application/json{broken}",
        f"dicomweb/studies?includefield=x{broken}",
        f"dicomweb/studies?cursor=x{broken}",
        f"risk?after=1.2{broken}",
        f"risk?level=none{broken}",
        f"cases/2020/S1{broken}?accept=application/zip",
        f"{OBJECT}/rendered?viewport=1,1{broken}",
    ):
        await target.refused(path, 200)


@attack("a stranger's host enters no URL of an answer")
async def _(target: Target) -> None:
    for header in (
        {"Host": EVIL},
        {"X-Forwarded-Host": EVIL},
        {"Forwarded": f'for=1.2.3.4;host="{EVIL}";proto=http'},
        {"X-Original-URL": f"http://{EVIL}/", "X-Rewrite-URL": "/health"},
        {
            "X-Forwarded-Prefix": f'/"><script src=//{EVIL}>',
            "X-Forwarded-Port": "1\r\n 2".replace("\r\n", ""),
        },
        {"X-Forwarded-Proto": "javascript"},
    ):
        for path in (
            f"{OBJECT}/metadata",
            "openapi.json",
            "dicomweb/studies",
            "dicomweb/studies?limit=1",
            "ui",
        ):
            status, headers, body = await target.ask(path, headers=header)
            assert status < 500, path
            assert EVIL.encode() not in body, path
            assert EVIL not in str(headers), path


@attack("a host that is no host")
async def _(target: Target) -> None:
    for host in (b"a b", b'"><script>', b"evil.example/path", b"a\x01b", b"[::1", b"x" * 5000, b""):
        received = await target.raw(
            b"GET /openapi.json HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
        )
        assert all(status < 500 for status in statuses(received)), host
        assert b"<script>" not in received


@attack("a forged sign-in of the platform")
async def _(target: Target) -> None:
    given = {
        "X-MS-CLIENT-PRINCIPAL": "e30=",
        "X-MS-CLIENT-PRINCIPAL-NAME": SCRIPT,
        "X-Functions-Key": "x" * 9000,
    }
    status, _, body = await target.ask("dicomweb/studies?PatientID=nobody", headers=given)
    assert (status, body) == (204, b"")


@attack("a trace that is no trace")
async def _(target: Target) -> None:
    for header in ("traceparent", "x-ms-invocation-id", "tracestate", "baggage"):
        for value in (
            SCRIPT,
            "00-" + "z" * 32 + "-1-1",
            "x" * 5000,
            "00-" + "0" * 32 + "-" + "0" * 16 + "-01",
        ):
            body = await target.refused("dicomweb/studies/1.2.", headers={header: value})
            assert SCRIPT.encode() not in body


@attack("origins that nobody allowed")
async def _(target: Target) -> None:
    for origin in (
        f"https://{EVIL}",
        "null",
        "*",
        "https://viewer.example.evil.example",
        "https://viewer.exampl",
    ):
        for method in ("GET", "OPTIONS"):
            _, headers, _ = await target.ask(
                "dicomweb/studies",
                method=method,
                headers={"Origin": origin, "Access-Control-Request-Method": "PUT"},
            )
            assert "access-control-allow-origin" not in headers, origin


@attack("headers and addresses that are too long")
async def _(target: Target) -> None:
    for request in (
        b"GET /dicomweb/studies HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET /dicomweb/studies HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 50_000 + b"\r\n",
        b"GET /dicomweb/studies?PatientID=" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /dicomweb/studies HTTP/1.1\r\nHost: x\r\nCookie: " + b"a=b; " * 100_000 + b"\r\n\r\n",
    ):
        received = await target.raw(request)
        assert all(400 <= status < 500 or status in (200, 204) for status in statuses(received))


# Requests in requests.
SMUGGLED = f"DELETE /dicomweb/studies/{STUDY} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
# Where the first request ends without doubt, a second one is a request of its own by the same caller, and not smuggled.
SMUGGLERS = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED),
    "a coding in disguise": b"Transfer-Encoding: xchunked\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED),
    "a blank before the colon": b"Transfer-Encoding : chunked\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED),
    "a folded header": b"X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED),
    "a signed length": b"Content-Length: +%d\r\n\r\n" % len(SMUGGLED),
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "a huge chunk": b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n",
    "a chunk of no number": b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
}


def _smuggler(headers: bytes) -> Attack:
    async def run(target: Target) -> None:
        received = await target.raw(
            b"POST /describe HTTP/1.1\r\nHost: x\r\nContent-Type: application/dicom\r\n" + headers,
            SMUGGLED,
            wait=0.7,
        )
        assert all(status < 500 for status in statuses(received)), received[:500]
        status, _, _ = await target.ask(f"{OBJECT}/metadata")
        assert status == 200

    return run


for _name, _headers in SMUGGLERS.items():
    ATTACKS[f"a request smuggled by {_name}"] = _smuggler(_headers)


@attack("bytes that are no HTTP")
async def _(target: Target) -> None:
    for garbage in (
        b"\x00" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 500,
        b"GET /\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /dicomweb/studies\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /dicomweb/studies HTTP/9.9\r\nHost: x\r\n\r\n",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        received = await target.raw(garbage, wait=1)
        assert all(status < 500 for status in statuses(received)), (garbage[:60], received[:200])


@attack("methods that are none of ours, and methods in disguise")
async def _(target: Target) -> None:
    for method in ("TRACE", "PROPFIND", "PATCH", "PURGE"):
        await target.refused(OBJECT, method=method)
    disguise = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"}
    await target.ask(f"dicomweb/studies/{STUDY}/metadata?_method=DELETE", headers=disguise)
    await target.refused(f"dicomweb/studies/{STUDY}?_method=DELETE", method="POST", headers=disguise)


@attack("an upgrade to another protocol")
async def _(target: Target) -> None:
    for protocol in (
        b"websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13",
        b"h2c\r\nHTTP2-Settings: AAMA",
    ):
        received = await target.raw(
            b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n",
            wait=0.7,
        )
        assert 101 not in statuses(received)
        assert all(status < 500 for status in statuses(received))


# Letters that are none.
paths(
    "null bytes",
    "dicomweb/studies/1.2%00/metadata",
    f"dicomweb/studies/{STUDY}%00/series",
    "ledger/1.2%00",
    "search?q=1.2%00.3",
    "dicomweb/changefeed?limit=1%00",
    "cases?year=20%0020",
    "deidentify/jobs/%00",
    also=(200,),
)
paths(
    "letters that are too long or by halves",
    "dicomweb/studies/%c0%ae%c0%ae%c0%af/metadata",
    "dicomweb/studies/%ed%a0%80/metadata",
    "dicomweb/studies/%ff%fe/metadata",
    "ui/%c0%ae%c0%ae%c0%afpasswd",
    "cases/2020/%ed%a0%80?accept=application/json",
    "dicomweb/studies?%ff=%fe",
)


@attack("values of any letters find nothing and break nothing")
async def _(target: Target) -> None:
    for value in ("%00", "%ff%fe", "%c0%af", "%ed%a0%80", "%F0%9F%92%A9", "%0a", "%1b%5b31m", "%E2%80%AE"):
        for key in ("PatientName", "PatientID", "AccessionNumber", "StudyDescription"):
            # Blanks of any kind are no value, and match all.
            await target.refused(f"dicomweb/studies?{key}={value}", 204, *([200] if value == "%0a" else []))
        await target.refused(f"search?PatientID={value}", 200)


# Numbers.
paths(
    "numbers that are none or too large",
    "dicomweb/studies?limit=99999999999999999999999",
    "dicomweb/studies?limit=-1",
    "dicomweb/studies?limit=NaN",
    "dicomweb/studies?limit=Infinity",
    "dicomweb/studies?limit=1e3",
    "dicomweb/studies?limit=0x10",
    "dicomweb/studies?limit=%EF%BC%91%EF%BC%90",
    "dicomweb/studies?offset=-1",
    "dicomweb/studies?offset=9223372036854775808",
    f"dicomweb/studies?offset={'9' * 5000}",
    "dicomweb/changefeed?offset=99999999999999999999",
    "dicomweb/changefeed?limit=0",
    "dicomweb/changefeed?startTime=9999-12-31T23:59:59%2B23:59&endTime=0001-01-01T00:00:00-23:59",
    "risk?limit=1e9",
    "cases?limit=99999999999",
    "ui?page=999999999",
    f"search?q=1&limit={'9' * 400}",
    f"{OBJECT}/frames/99999999999999999999",
    f"{OBJECT}/frames/0",
    f"{OBJECT}/frames/-1",
    f"{OBJECT}/frames/1,{'9' * 5000}",
    f"{OBJECT}/rendered?window=NaN,Infinity,linear",
    f"{OBJECT}/rendered?window=1e999,1,linear",
    f"{OBJECT}/rendered?viewport=99999999,99999999",
    f"{OBJECT}/rendered?viewport=0,0",
    f"{OBJECT}/rendered?quality=1e9",
    also=(204,),
)
paths(
    "parameters that come twice",
    "search?q=1&limit=1&limit=1000000",
    "dicomweb/studies?StudyInstanceUID=1.2&StudyInstanceUID=1.3",
    "risk?limit=1&limit=x",
    "dicomweb/studies?offset=0&offset=-1",
    "dicomweb/studies?limit=1&limit=x",
    also=(200, 204),
)


@attack("absurd ranges")
async def _(target: Target) -> None:
    for value in (
        "bytes=" + ",".join(f"{n}-{n}" for n in range(1000)),
        "bytes=18446744073709551615-",
        "bytes=-99999999999999999999",
        "bytes=5-1",
        "bytes=" + "9" * 5000 + "-",
        "octets=0-1",
        "bytes=0-" + "9" * 4000,
    ):
        headers = {"Range": value, "Accept": "application/dicom; transfer-syntax=*"}
        status, _, body = await target.ask(OBJECT, headers=headers)
        assert status in (200, 206, 400, 416), value[:60]
        assert len(body) <= len(an_instance(1))


@attack("accept headers that are bombs")
async def _(target: Target) -> None:
    for value in (
        ",".join(f"a/b{n};q=0.{n % 10}" for n in range(500)),
        "application/dicom;" + "a=b;" * 1500,
        'multipart/related;type="' + "a" * 6000,
        "*/*;q=" + "9" * 5000,
        ";" * 6000,
        '"' * 6000,
        "a/b," * 1500,
    ):
        for header in ("Accept", "Accept-Encoding", "If-None-Match", "Content-Type"):
            status, _, _ = await target.ask(f"{OBJECT}/metadata", headers={header: value})
            assert status < 500, (header, value[:40])


# Bodies.
async def _post(
    target: Target, path: str, content_type: str, body: Any, *also: int, method: str = "POST"
) -> bytes:
    return await target.refused(path, *also, method=method, headers={"Content-Type": content_type}, data=body)


@attack("a hundred thousand tiny parts")
async def _(target: Target) -> None:
    await _post(target, "dicomweb/studies", RELATED, b"--b\r\n\r\nx\r\n" * 100_000 + b"--b--\r\n")


@attack("parts in parts")
async def _(target: Target) -> None:
    inner = b"--b\r\nContent-Type: multipart/related; boundary=b\r\n\r\n"
    await _post(target, "dicomweb/studies", RELATED, inner * 5000 + b"--b--\r\n")


@attack("multipart bodies without boundary, or with one that is a bomb")
async def _(target: Target) -> None:
    for content_type in (
        'multipart/related; type="application/dicom"',
        "multipart/related; boundary=",
        "multipart/related; boundary=" + "b" * 5000,
        'multipart/related; boundary="a\\"b"',
        "multipart/related; boundary=b; boundary=c",
        'multipart/related; type="text/html"; boundary=b',
    ):
        await _post(target, "dicomweb/studies", content_type, b"--b\r\n\r\nx\r\n--b--\r\n")


@attack("a part with huge headers")
async def _(target: Target) -> None:
    await _post(
        target, "dicomweb/studies", RELATED, b"--b\r\nX: " + b"a" * 10_000_000 + b"\r\n\r\nx\r\n--b--\r\n"
    )
    await _post(
        target, "dicomweb/studies", RELATED, b"--b\r\n" + b"X: a\r\n" * 500_000 + b"\r\nx\r\n--b--\r\n"
    )


@attack("a multipart body that never ends its part")
async def _(target: Target) -> None:
    await _post(
        target,
        "dicomweb/studies",
        RELATED,
        b"--b\r\nContent-Type: application/dicom\r\n\r\n" + b"\0" * 3_000_000,
    )


@attack("a body that says it is huge")
async def _(target: Target) -> None:
    for path in (b"/dicomweb/studies", b"/describe", b"/search", b"/deidentify", b"/cases/2020/S1/report"):
        method = b"PUT" if path.endswith(b"report") else b"POST"
        received = await target.raw(
            method + b" " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/dicom\r\n"
            b"Content-Length: 99999999999999\r\n\r\nx",
            wait=1,
        )
        assert all(400 <= status < 500 for status in statuses(received)), received[:300]


@attack("a body that is larger than it may be")
async def _(target: Target) -> None:
    await _post(target, "cases/2020/S1/report", "text/plain", b"a" * 2_000_000, method="PUT")
    await _post(target, "search", "application/json", b" " * 2_000_000)


@attack("a gzip bomb")
async def _(target: Target) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    before = target.archive.resident_bytes()
    for path, content_type in (("dicomweb/studies", "application/dicom"), ("describe", "application/dicom")):
        await target.refused(
            path, method="POST", headers={"Content-Type": content_type, "Content-Encoding": "gzip"}, data=bomb
        )
    assert target.archive.resident_bytes() - before < 100_000_000


@attack("slow bodies")
async def _(target: Target) -> None:
    opened = [await asyncio.open_connection("127.0.0.1", target.port) for _ in range(30)]
    for _, writer in opened:
        writer.write(
            b"POST /dicomweb/studies HTTP/1.1\r\nHost: x\r\nContent-Type: application/dicom\r\nContent-Length: 100000\r\n\r\nD"
        )
        await writer.drain()
    status, _, _ = await target.ask("health")
    assert status == 200
    for _, writer in opened:
        writer.close()
    status, _, _ = await target.ask(f"{OBJECT}/metadata")
    assert status == 200


@attack("JSON that is deep")
async def _(target: Target) -> None:
    for deep in (b"[" * 100_000, b'{"query":' * 20_000, b'{"query":' + b'{"bool":{"must":' * 5000):
        await _post(target, "search", "application/json", deep)
        await _post(target, "imports", "application/json", deep)
        await _post(target, "cases/2020/S1/report", "application/json", deep, method="PUT")


@attack("JSON that is odd")
async def _(target: Target) -> None:
    for odd in (
        b'{"__proto__":{"admin":true},"query":{"match_all":{}}}',
        b'{"constructor":{"prototype":{}},"query":{}}',
        b'{"query":{"term":{"Modality":NaN}}}',
        b'{"query":{"term":{"Modality":Infinity}},"size":1e999}',
        b'{"query":{"match_all":{}},"size":-1}',
        b'{"query":{"match_all":{}},"size":9007199254740993}',
        b'{"query":{"match_all":{}},"size":1.5}',
        b'{"query":{"match_all":{}},"size":{"$gt":0}}',
        b'{"query":{"match_all":{}},"from":100000}',
        b'{"query":"\\ud800"}',
        b'{"query":[]}',
        b"null",
        b'"x"',
        b"[]",
        b"\xff\xfe{}",
        b"",
    ):
        await _post(target, "search", "application/json", odd)
    for odd in (b'{"report":{"$ne":1}}', b'{"report":null}', b'{"report":["x"]}'):
        await _post(target, "cases/2020/S1/report", "application/json", odd, method="PUT")


@attack("injection into the search engine")
async def _(target: Target) -> None:
    for query in (
        {"script": {"script": {"source": "System.exit(1)", "lang": "painless"}}},
        {"script_score": {"query": {"match_all": {}}, "script": {"source": "1"}}},
        {"query_string": {"query": "*:* OR partition:*"}},
        {"simple_query_string": {"query": "*"}},
        {"terms": {"PatientID": {"index": ".security", "id": "1", "path": "x"}}},
        {"wrapper": {"query": "eyJtYXRjaF9hbGwiOnt9fQ=="}},
        {"percolate": {"field": "x"}},
        {"regexp": {"PatientID": "(a+)+$"}},
        {"more_like_this": {"like": [{"_index": ".security"}]}},
        {"bool": {"must": [{"match_all": {}}], "must_not": [{"term": {"_index": "x"}}], "boost": "x"}},
        {"term": {"partition": "other"}},
        {"term": {"_id": "1"}},
    ):
        await _post(target, "search", "application/json", json.dumps({"query": query}).encode())
    bodies: list[dict[str, Any]] = [
        {"query": {"match_all": {}}, "script_fields": {}},
        {"query": {"match_all": {}}, "runtime_mappings": {}},
        {"query": {"match_all": {}}, "aggs": {}},
        {"query": {"match_all": {}}, "fields": ["_source", "partition*", "*"]},
        {"query": {"match_all": {}}, "after": "1.2/../../_all"},
    ]
    for body in bodies:
        await _post(target, "search", "application/json", json.dumps(body).encode())
    for index in ("*", "_all", ".security", "../x", "a,b", "%2e%2e%2f_cluster", "dicom-functions*"):
        await target.refused(f"search?q={STUDY}&index={index}")


@attack("injection into filters of tables")
async def _(target: Target) -> None:
    for value in (
        "'%20or%20'1'%20eq%20'1",
        "x'%20or%20PartitionKey%20ge%20'",
        "''''",
        "%27%29%20or%20%28true",
        "*'%20or%20true",
    ):
        for key in (
            "PatientID",
            "AccessionNumber",
            "PatientName",
            "StudyDescription",
            "ReferringPhysicianName",
        ):
            await target.refused(f"dicomweb/studies?{key}={value}", 204)
        for path in (f"cases?year={value}", f"cases?id={value}", f"cases?after={value}"):
            status, _, body = await target.ask(path)
            assert status == 400 or json.loads(body)["cases"] == [], path
        await target.refused(f"cases/{value}/S1?accept=application/json")
        await target.refused(f"cases/2020/{value}/report")
        await target.refused(f"risk?after={value}")
        await target.refused(f"ledger/{value}")
        await target.refused(f"deidentify/jobs/{value}")
        await target.refused(f"imports/{value}")
        status, _, body = await target.ask(f"search?PatientID={value}")
        assert status == 400 or json.loads(body)["hits"] == []


@attack("patterns that are bombs")
async def _(target: Target) -> None:
    begun = time.monotonic()
    for value in ("*a" * 200 + "b", "*?" * 300, "*" * 2000, "?" * 500 + "*" * 500, "*" + "^*" * 100):
        for key in ("PatientName", "StudyDescription", "PatientID"):
            await target.refused(f"dicomweb/studies?{key}={value}", 200, 204)
    await target.refused(
        "dicomweb/studies?" + "&".join(f"PatientName={'*a' * 10}{n}" for n in range(100)), 204
    )
    assert time.monotonic() - begun < SECONDS


@attack("attributes that are bombs")
async def _(target: Target) -> None:
    await target.refused("dicomweb/studies?" + ".".join(["00081115"] * 700) + "=1")
    await target.refused("dicomweb/studies?includefield=" + ",".join(["00100010"] * 800), 200)
    await target.refused("dicomweb/studies?" + "&".join(f"0009{n:04x}=1" for n in range(500)), 204)
    await target.refused("search?" + "&".join(f"k{n}=1" for n in range(500)))


@attack("cursors that are forged")
async def _(target: Target) -> None:
    for cursor in ("AAAA", "%00", "a" * 5000, "..%2f", "e30", "eyJvZmZzZXQiOjB9", "-" * 100, "%F0%9F%92%A9"):
        await target.refused(f"dicomweb/studies?cursor={cursor}")
    status, headers, _ = await target.ask("dicomweb/instances?limit=1")
    assert status == 200
    cursor = URL(headers["link"].partition("<")[2].partition(">")[0]).query["cursor"]
    for place in range(0, len(cursor), 7):
        letter = "A" if cursor[place] != "A" else "B"
        await target.refused(
            f"dicomweb/instances?limit=1&cursor={cursor[:place]}{letter}{cursor[place + 1 :]}"
        )


@attack("requests to places of the attacker's choice")
async def _(target: Target) -> None:
    for url in (
        target.listener,
        "http://169.254.169.254/metadata/instance",
        "file:///etc/passwd",
        "gopher://127.0.0.1:1/",
    ):
        for kind in ("orthanc", "dicomweb", "study-list"):
            await _post(
                target, "imports", "application/json", json.dumps({"kind": kind, "url": url}).encode()
            )
        await _post(target, "imports", "application/json", json.dumps({"source": url}).encode())
        await target.ask(
            "dicomweb/studies", headers={"X-Upstream": url, "X-Forwarded-Host": url, "Referer": url}
        )
        await _post(target, f"deidentify/studies/{STUDY}?toContainer={url}", "text/plain", b"")
    assert target.watched == []


@attack("writing into containers of the archive's own")
async def _(target: Target) -> None:
    own = (
        "archive",
        "derived",
        "rejected",
        "quarantine",
        "audit",
        "sessions",
        "azure-webjobs-hosts",
        "$logs",
        "$web",
    )
    for container in own:
        await _post(target, f"deidentify/studies/{STUDY}?toContainer={container}", "text/plain", b"")


@attack("other languages in bodies")
async def _(target: Target) -> None:
    xml = b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'
    for content_type in (
        "application/dicom+xml",
        "text/xml",
        "application/x-www-form-urlencoded",
        "application/x-java",
    ):
        body = await _post(target, "dicomweb/studies", content_type, xml)
        assert b"root:" not in body
        await _post(target, "describe", content_type, xml)
        await _post(target, "cases/2020/S1/report", content_type, xml, method="PUT")


@attack("scripts in what pages show")
async def _(target: Target) -> None:
    broken = "%22%3E" + SCRIPT.replace("<", "%3C").replace(">", "%3E")
    for path in (
        "ui",
        f"ui?name={broken}&patient={broken}&accession={broken}&from={broken}",
        f"ui?page={broken}",
        f"cases?accept=text/html&year={broken}&id={broken}&after={broken}",
        f"cases/2020/{broken}?accept=text/html",
        f"cases/{broken}/x?accept=text/html",
        f"dicomweb/studies/{broken}",
        f"ledger/images/{broken}",
        f"search?{broken}={broken}",
    ):
        status, headers, body = await target.ask(
            path, headers={"Accept": "text/html, application/json;q=0.5"}
        )
        assert status < 500, path
        if headers["content-type"].startswith("text/html"):
            assert SCRIPT.encode() not in body, path
            assert "default-src 'none'" in headers["content-security-policy"]
        # A path with such letters may be none of the app's, and the host says so itself.
        is_plain = headers["content-type"].startswith("text/plain")
        assert is_plain or headers["x-content-type-options"] == "nosniff", (path, headers)
    shown = (await target.ask("ui"))[2]
    assert b"&lt;script&gt;" in shown  # the study that is named so is there


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """Give a running archive with two studies, one of them under a hostile name, beside a search server."""
    noida = NoidaDb(free_ports(8) + 7)
    server = running_noida(tmp_path_factory.mktemp("noida"), noida)
    await asyncio.to_thread(server.__enter__)
    try:
        async with an_archive(tmp_path_factory.mktemp("archive")) as archive:
            await archive.start(
                **noida.settings(),
                DICOM_PUBLIC_URL=PUBLIC,
                DICOM_CORS_ORIGINS="https://viewer.example",
                DICOM_DEIDENTIFY_SECRET="s" * 32,
            )
            made = Target(archive)
            await _fill(made)
            listener = await asyncio.start_server(
                lambda reader, writer: made.watched.append("asked"), "127.0.0.1", 0
            )
            made.listener = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
            async with listener:
                yield made
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


async def _fill(target: Target) -> None:
    hostile = an_instance(
        2, PatientName=SCRIPT, PatientID=SCRIPT[:30], StudyDescription='"><img src=x onerror=1>'
    )
    for data in (an_instance(1), an_instance(1, 1, 2), hostile):
        status, _, body = await target.ask(
            "dicomweb/studies", method="POST", headers={"Content-Type": "application/dicom"}, data=data
        )
        assert status == 200, body

    async def found() -> bool:
        status, _, body = await target.ask("search", method="POST", data=b'{"query":{"match_all":{}}}')
        return status == 200 and json.loads(body)["total"] == 3

    await eventually(found)


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_is_refused_and_has_no_effect(target: Target, name: str) -> None:
    """The archive holds what it held, and answers as before."""
    before = await target.held()
    assert {STUDY, uids(2)[0]} <= set(before)
    await asyncio.wait_for(ATTACKS[name](target), 2 * SECONDS)
    assert await target.held() == before
    status, _, body = await target.ask(OBJECT, headers={"Accept": "application/dicom; transfer-syntax=*"})
    assert (status, body) == (200, an_instance(1))
    assert (await target.ask("health"))[0] == 200
    assert "Traceback" not in target.archive.log(), target.archive.log()[-3000:]


def test_there_are_enough_of_them() -> None:
    """Each under a name of its own."""
    assert len(ATTACKS) >= 40
