"""A partner in memory, who answers as he was told to. It runs none."""

import hashlib
from collections import defaultdict, deque

from shared.errors import NotConfiguredError
from shared.ports.partner import PartnerAnswer, PartnerError, SentFile, Try

type Cue = int | str
"""The status of an answer, or what goes wrong instead."""

_AGAIN = frozenset({408, 425, 429})


class MemoryPartnerApi:
    """A PartnerApi. *cues* of a service (metadata, upload, analytics, log) are used up first; then it does as asked.

    Args:
        metadata: by sample.
        takes_logs: whether logs of failures have a receiver.
    """

    def __init__(self, metadata: dict[str, dict[str, object]], *, takes_logs: bool = True) -> None:
        self.known = metadata
        self.takes_logs = takes_logs
        self.cues: dict[str, deque[Cue]] = defaultdict(deque)
        self.stored: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.analysed: list[tuple[str, str]] = []
        self.logs: list[bytes] = []
        self.claims_all = False
        """Whether it says of every file that it has it."""

    async def metadata(self, sample_id: str, *, max_retry: int) -> PartnerAnswer:
        """Ask what is known of a sample."""
        tries = self._tried("metadata", max_retry)
        if sample_id not in self.known:
            raise PartnerError("the partner's metadata service answered 404", "404", tries)
        return PartnerAnswer(200, tries, self.known[sample_id])

    async def upload(self, file: SentFile, *, max_retry: int) -> PartnerAnswer:
        """Take one file."""
        tries = self._tried("upload", max_retry)
        content = b"".join([chunk async for chunk in file.stream()])
        digest = hashlib.sha256(content).hexdigest()
        if self.claims_all or digest in self.stored:
            return PartnerAnswer(409, tries, None, b"Already Stored", already_stored=True)
        self.stored[digest] = content
        return PartnerAnswer(200, tries, "Success", b'"Success"')

    async def upload_zip(self, file: SentFile, *, max_retry: int) -> PartnerAnswer:
        """Take a ZIP of files."""
        return await self.upload(file, max_retry=max_retry)

    async def analytics(self, sample_id: str, request_type: str, *, max_retry: int) -> PartnerAnswer:
        """Take note of what is to be analysed."""
        tries = self._tried("analytics", max_retry)
        self.analysed.append((sample_id, request_type))
        return PartnerAnswer(200, tries, "Success", b'"Success"')

    async def report_failure(self, log: bytes, *, max_retry: int) -> PartnerAnswer:
        """Take a log."""
        if not self.takes_logs:
            raise NotConfiguredError("set DICOM_PARTNER_LOG_URL")
        tries = self._tried("log", max_retry)
        self.logs.append(log)
        return PartnerAnswer(200, tries)

    def _tried(self, service: str, max_retry: int) -> tuple[Try, ...]:
        """Return the tries that it took until one is answered with success."""
        tries: list[Try] = []
        while True:
            self.asked.append(service)
            cue = self.cues[service].popleft() if self.cues[service] else 200
            tries.append(Try(len(tries) + 1, str(cue), 0))
            if isinstance(cue, int) and 200 <= cue < 300:
                return tuple(tries)
            again = isinstance(cue, str) or cue in _AGAIN or cue >= 500
            if not again or len(tries) > max_retry:
                message = f"the partner's {service} service answered {cue}, after {len(tries)} tries"
                raise PartnerError(message, str(cue), tuple(tries))
