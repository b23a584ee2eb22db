"""PartnerApi over HTTP: the requests that the forerunner made, each tried as often as it may help."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, Literal

import orjson
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from shared.backends.partner_api.body import StreamedBody
from shared.backends.partner_api.exchange import Exchange, Heard, Request
from shared.backends.partner_api.waiting import Backoff, is_worth_another_try
from shared.errors import NotConfiguredError
from shared.ports.partner import PartnerAnswer, PartnerError, SentFile, Try
from shared.telemetry.events import event

_log = logging.getLogger(__name__)

_KEPT: Final = 4096
"""Bytes of an answer that are kept."""
_ALREADY_STORED: Final = b"already stored"


@dataclass(frozen=True, slots=True)
class PartnerOptions:
    """Where the services are, and how they are asked. Keys are sent as they are."""

    metadata_url: str
    metadata_key: str = field(repr=False)
    upload_url: str
    upload_key: str = field(repr=False)
    analytics_url: str
    analytics_key: str = field(repr=False)
    log_url: str = ""
    log_key: str = field(default="", repr=False)
    requests: Literal["get-body", "get-query", "post"] = "get-body"
    priority: int = 2
    connections: int = 4
    connect_timeout: float = 10
    read_timeout: float = 480
    backoff: Backoff = field(default_factory=lambda: Backoff(3, 120))


class _AgainError(Exception):
    """This try failed in a way that another one may not."""

    def __init__(self, heard: Heard) -> None:
        super().__init__(heard.outcome)
        self.heard = heard


class HttpPartnerApi:
    """A PartnerApi. Each request waits in a thread of its own pool; between tries none is held."""

    def __init__(self, options: PartnerOptions) -> None:
        self._options = options
        self._exchange = Exchange(options.connections, (options.connect_timeout, options.read_timeout))
        self._threads = ThreadPoolExecutor(options.connections, thread_name_prefix="partner")

    async def metadata(self, sample_id: str, *, max_retry: int) -> PartnerAnswer:
        """Ask what is known of a sample."""
        options = self._options
        asked: dict[str, str | int] = {"sample_id": sample_id, "priority": options.priority}
        request = self._question(options.metadata_url, options.metadata_key, asked)
        return await self._asked("metadata", request, max_retry)

    async def upload(self, file: SentFile, *, max_retry: int) -> PartnerAnswer:
        """Send one file."""
        return await self._asked("upload", self._delivery("application/binary"), max_retry, file)

    async def upload_zip(self, file: SentFile, *, max_retry: int) -> PartnerAnswer:
        """Send a ZIP of files in one request."""
        return await self._asked("upload", self._delivery("application/zip"), max_retry, file)

    async def analytics(self, sample_id: str, request_type: str, *, max_retry: int) -> PartnerAnswer:
        """Ask for the analysis of a sample."""
        options = self._options
        asked: dict[str, str | int] = {"sample_id": sample_id, "request_type": request_type}
        request = self._question(options.analytics_url, options.analytics_key, asked)
        return await self._asked("analytics", request, max_retry)

    async def report_failure(self, log: bytes, *, max_retry: int) -> PartnerAnswer:
        """Send the log of a run that failed.

        Raises:
            NotConfiguredError: Nobody is set who would take it.
        """
        options = self._options
        if not options.log_url:
            raise NotConfiguredError("set DICOM_PARTNER_LOG_URL")
        headers = {"content-type": "text/plain; charset=utf-8"}
        if options.log_key:
            headers["x-api-key"] = options.log_key
        return await self._asked("log", Request("POST", options.log_url, headers, log), max_retry)

    async def close(self) -> None:
        """Close the connections; requests under way end by themselves, at the latest by their timeouts."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._exchange.close()

    def _question(self, url: str, key: str, asked: dict[str, str | int]) -> Request:
        headers = {"content-type": "application/json", "x-api-key": key}
        if self._options.requests == "get-query":
            return Request(
                "GET", url, headers, parameters={name: str(value) for name, value in asked.items()}
            )
        method = "POST" if self._options.requests == "post" else "GET"
        return Request(method, url, headers, orjson.dumps(asked))

    def _delivery(self, content_type: str) -> Request:
        headers = {"content-type": content_type, "Authorization": self._options.upload_key}
        return Request("POST", self._options.upload_url, headers)

    async def _asked(
        self, phase: str, request: Request, max_retry: int, file: SentFile | None = None
    ) -> PartnerAnswer:
        tries: list[Try] = []
        retrying = AsyncRetrying(
            stop=stop_after_attempt(max_retry + 1),
            retry=retry_if_exception_type(_AgainError),
            wait=self._wait,
            sleep=asyncio.sleep,
            reraise=True,
        )
        try:
            return await retrying(self._one_try, phase, request, file, tries)
        except _AgainError as error:
            raise _failed(phase, error.heard, tries) from None

    async def _one_try(
        self, phase: str, request: Request, file: SentFile | None, tries: list[Try]
    ) -> PartnerAnswer:
        begun = time.monotonic()
        heard = await self._in_thread(request, file)
        took = round((time.monotonic() - begun) * 1000)
        tries.append(Try(len(tries) + 1, heard.outcome, took))
        event(_log, "partner asked", action=phase, status=heard.outcome, count=len(tries), duration_ms=took)
        already_stored = file is not None and _ALREADY_STORED in heard.text[:_KEPT].lower()
        if heard.is_success or (already_stored and heard.status in range(400, 500)):
            return PartnerAnswer(
                heard.status, tuple(tries), _json(heard.text), heard.text[:_KEPT], already_stored
            )
        asks_too_much = (heard.retry_after or 0) > self._options.backoff.longest
        if asks_too_much or (heard.status and not is_worth_another_try(heard.status)):
            raise _failed(phase, heard, tries)
        raise _AgainError(heard)

    async def _in_thread(self, request: Request, file: SentFile | None) -> Heard:
        loop = asyncio.get_running_loop()
        if file is None:
            return await loop.run_in_executor(self._threads, self._exchange.ask, request)
        body = StreamedBody(file, loop)
        try:
            heard = await loop.run_in_executor(self._threads, self._exchange.ask, request, body)
        finally:
            await body.close()
        if body.error is not None:
            raise body.error
        return heard

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        retry_after = error.heard.retry_after if isinstance(error, _AgainError) else None
        return self._options.backoff.before(state.attempt_number + 1, retry_after)


def _failed(phase: str, heard: Heard, tries: list[Try]) -> PartnerError:
    why = f"the partner's {phase} service answered {heard.outcome}"
    if not heard.status:
        why = f"the partner's {phase} service was not reached ({heard.outcome})"
    elif 300 <= heard.status < 400:
        why += ", a redirect, which is not followed as the key would go with it: set the URL it leads to"
    elif heard.retry_after:
        why += f" and asks to wait {heard.retry_after:.0f} seconds"
    return PartnerError(f"{why}, after {len(tries)} tries", heard.outcome, tuple(tries))


def _json(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
