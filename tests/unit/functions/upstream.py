"""An upstream service in memory that answers as it is told, behind the app's handlers."""

from dataclasses import replace

from shared.backends.memory.upstream_queue import MemoryUpstreamQueue
from shared.backends.upstream.body import AnswerBody
from shared.errors import AppError
from shared.ports.upstream import UpstreamAnswer, UpstreamRequest
from shared.services.services import Services
from shared.services.upstream import Upstream
from tests.unit.functions.service import Service

ROOT = "https://pacs.example/dicom"


class ToldUpstream:
    """Notes each request with its body, and gives the answer that is set."""

    root = ROOT
    instance_accept = "application/dicom; transfer-syntax=*"

    def __init__(self) -> None:
        self.requests: list[tuple[UpstreamRequest, bytes]] = []
        self.closed = 0
        self.error: AppError | None = None
        self.fails_when = ""
        self.answer(200, b"[]", "application/dicom+json")

    def answer(self, status: int, body: bytes = b"", content_type: str = "", **headers: str) -> None:
        """Set what is answered from now on."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.status = status
        self.body = body
        self.headers = named | ({"content-type": content_type} if content_type else {})

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """See DicomwebUpstream."""
        body = b"" if request.body is None else b"".join([chunk async for chunk in request.body])
        self.requests.append((request, body))
        self._fail("asked")
        return UpstreamAnswer(self.status, self.headers, self._chunks())

    def _fail(self, when: str) -> None:
        if self.error is not None and self.fails_when == when:
            raise self.error

    def _chunks(self) -> AnswerBody:
        pieces = iter([self.body[start : start + 7] for start in range(0, len(self.body), 7)])

        async def read() -> bytes:
            self._fail("read")
            return next(pieces, b"")

        def close() -> None:
            self.closed += 1

        return AnswerBody(read, close)


class UpstreamService(Service):
    """An archive in front of it."""

    def __init__(self) -> None:
        super().__init__()
        self.told = ToldUpstream()
        self.asked = MemoryUpstreamQueue()

    async def bound(self, partition: str) -> Services:
        """Return the services of a data partition."""
        return replace(await super().bound(partition), upstream=Upstream(self.told, self.asked, None))
