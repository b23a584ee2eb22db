"""Instances of an upstream service as objects: any range of them, one request for many, and no stale byte."""

import pytest

from shared.backends.memory.object_store import MemoryObjectStore
from shared.backends.upstream.body import AnswerBody
from shared.backends.upstream.kept import KeptInstances
from shared.backends.upstream.objects import UpstreamObjects
from shared.backends.upstream.placed_objects import PlacedObjects
from shared.dicom.references import InstanceRef
from shared.errors import (
    BadUpstreamAnswerError,
    ObjectChangedError,
    ObjectNotFoundError,
    ReadOnlyError,
    UpstreamLoginError,
    UpstreamUnavailableError,
)
from shared.ports.upstream import UpstreamAnswer, UpstreamRequest
from shared.records import ObjectKey
from shared.upstream_keys import upstream_key

KEY = upstream_key(InstanceRef("1.2", "1.3", "1.4"))
DATA = bytes(range(256)) * 1024
PARTS = 'multipart/related; type="application/dicom"; boundary=b'
FORMS = ("single", "single of no length", "parts", "parts with length")


class Holder:
    """A service that holds one instance, sent in one of several forms."""

    root = "https://pacs.example"
    instance_accept = "*/*"

    def __init__(self, form: str = "single", data: bytes = DATA) -> None:
        self.form = form
        self.data = data
        self.status = 200
        self.cut = 0
        self.requests: list[UpstreamRequest] = []
        self.sent = 0
        self.closed = 0

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """See DicomwebUpstream."""
        self.requests.append(request)
        headers, body = {"content-type": "application/dicom"}, self.data
        if self.form == "single":
            headers["content-length"] = str(len(self.data))
        if self.form.startswith("parts"):
            length = f"Content-Length: {len(self.data)}\r\n" if "length" in self.form else ""
            head = f"--b\r\nContent-Type: application/dicom\r\n{length}\r\n".encode()
            headers, body = {"content-type": PARTS}, head + self.data + b"\r\n--b--"
        return UpstreamAnswer(self.status, headers, self._chunks(body[: len(body) - self.cut]))

    def _chunks(self, body: bytes) -> AnswerBody:
        pieces = iter([body[start : start + 10_000] for start in range(0, len(body), 10_000)])

        async def read() -> bytes:
            self.sent += 1
            return next(pieces, b"")

        def close() -> None:
            self.closed += 1

        return AnswerBody(read, close)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [0, 1, 1000, 65535, 65536, 65537, 262_144])
async def test_every_range_is_that_of_the_file(form: str, size: int) -> None:
    """In each form that services send, whether or not they say how long it is."""
    service = Holder(form, DATA[:size])
    objects = UpstreamObjects(service)
    info = await objects.head(KEY)
    assert (info.key, info.size) == (KEY, size)
    for start, end in ((0, 10), (0, size), (70_000, 70_010), (size, size + 5), (65_530, 65_540)):
        found = await objects.read_range(KEY, start, end, if_match=info.etag)
        assert (found.info, found.data) == (info, DATA[:size][start:end])
        streamed = objects.stream(KEY, start, end, if_match=info.etag)
        assert b"".join([piece async for piece in streamed]) == DATA[:size][start:end]
    assert b"".join([piece async for piece in objects.stream(KEY)]) == DATA[:size]
    assert service.closed == len(service.requests)


async def test_the_beginning_is_all_that_is_fetched_of_it() -> None:
    """As much as a header takes, not the pixels: the connection is let go."""
    service = Holder("single", DATA * 10)
    await UpstreamObjects(service).read_range(KEY, 0, 65536)
    assert (service.sent, service.closed) == (7, 1)


async def test_many_ranges_are_one_request() -> None:
    """What is read in pieces is fetched once; and again when it has been kept for long."""
    now = 0.0
    service = Holder()
    objects = UpstreamObjects(service, KeptInstances(clock=lambda: now))
    etag = (await objects.head(KEY)).etag
    before = len(service.requests)
    for start in range(70_000, 90_000, 1000):
        await objects.read_range(KEY, start, start + 1000, if_match=etag)
    assert len(service.requests) == before + 1
    now = 31.0
    await objects.read_range(KEY, 70_000, 70_001, if_match=etag)
    assert len(service.requests) == before + 2


async def test_what_is_too_large_is_not_kept() -> None:
    """A range is cut out of it as it comes."""
    service = Holder()
    kept = KeptInstances(largest=100_000)
    objects = UpstreamObjects(service, kept)
    info = await objects.head(KEY)
    for _ in range(2):
        found = await objects.read_range(KEY, 100_000, 100_010, if_match=info.etag)
        assert found.data == DATA[100_000:100_010]
    assert len(service.requests) == 3
    assert kept.get(KEY, info.etag) is None


async def test_only_so_much_is_kept() -> None:
    """The oldest goes first."""
    kept = KeptInstances(most=2 * len(DATA))
    objects = UpstreamObjects(Holder(), kept)
    keys = [upstream_key(InstanceRef("1.2", "1.3", f"1.4.{number}")) for number in range(3)]
    infos = [(await objects.read_range(key, 0, len(DATA))).info for key in keys]
    assert [kept.get(info.key, info.etag) is not None for info in infos] == [False, True, True]
    await objects.close()
    assert kept.get(keys[2], infos[2].etag) is None


async def test_what_was_replaced_is_never_read_as_what_it_was() -> None:
    """By another header or another length; nothing that is kept of the old one serves the new."""
    service = Holder()
    objects = UpstreamObjects(service)
    etag = (await objects.head(KEY)).etag
    await objects.read_range(KEY, 0, len(DATA), if_match=etag)
    for other in (b"x" + DATA[1:], DATA + b"x"):
        service.data = other
        changed = (await objects.head(KEY)).etag
        assert changed != etag
        with pytest.raises(ObjectChangedError):
            await anext(objects.stream(KEY, if_match=etag))
        found = await objects.read_range(KEY, 0, len(other), if_match=changed)
        assert found.data == other
    with pytest.raises(ObjectChangedError):
        await objects.delete(KEY, if_match=etag)
    assert all(request.method == "GET" for request in service.requests)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, ObjectNotFoundError),
        (410, ObjectNotFoundError),
        (401, UpstreamLoginError),
        (403, UpstreamLoginError),
        (302, UpstreamUnavailableError),
        (406, UpstreamUnavailableError),
        (500, UpstreamUnavailableError),
    ],
)
async def test_a_refusal_is_told_by_its_kind(status: int, error: type[Exception]) -> None:
    """Only what is gone counts as gone: nothing is forgotten because a service fails."""
    service = Holder()
    service.status = status
    with pytest.raises(error):
        await UpstreamObjects(service).head(KEY)
    assert service.closed == 1


@pytest.mark.parametrize("form", FORMS)
async def test_what_is_cut_off_is_an_error(form: str) -> None:
    """Where a length or a delimiter tells so; a body without either cannot."""
    service = Holder(form)
    service.cut = 50_000
    objects = UpstreamObjects(service)
    if form == "single of no length":
        assert (await objects.head(KEY)).size == len(DATA) - 50_000
        return
    with pytest.raises(BadUpstreamAnswerError):
        [piece async for piece in objects.stream(KEY)]


async def test_nothing_is_written_or_listed() -> None:
    """What is stored upstream goes there by DICOMweb; other names are no instances; a deletion is passed on."""
    service = Holder()
    objects = PlacedObjects(MemoryObjectStore(["images"]), UpstreamObjects(service))
    with pytest.raises(ReadOnlyError):
        await objects.put(KEY, b"")
    with pytest.raises(ObjectNotFoundError):
        [info async for info in objects.scan("upstream")]
    with pytest.raises(ObjectNotFoundError):
        await objects.head(ObjectKey("upstream", "../studies"))
    assert service.requests == []
    service.status = 204
    await objects.delete(KEY)
    assert (service.requests[0].method, service.requests[0].path[1::2]) == ("DELETE", ("1.2", "1.3", "1.4"))
    service.status = 500
    with pytest.raises(UpstreamUnavailableError):
        await objects.delete(KEY)

    own = ObjectKey("images", "a")
    await objects.put(own, b"own", if_absent=True)
    assert (await objects.read_range(own, 0, 9)).data == b"own"
    assert b"".join([piece async for piece in objects.stream(own)]) == b"own"
    assert [info.key async for info in objects.scan("images")] == [own]
    await objects.delete(own)
