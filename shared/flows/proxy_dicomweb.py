"""Pass a DICOMweb request on to the upstream service and its answer back, and let the index follow what it changed."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from shared.access.audit_events import Action
from shared.access.touched import touch
from shared.dicom.store_answer import StoreAnswer, read_store_answer
from shared.errors import AppError, BadUpstreamAnswerError
from shared.flows._records import Ref
from shared.flows._rewritten_urls import rewrite_urls
from shared.flows._upstream_headers import (
    check_status,
    content_type_of,
    is_json,
    returned_headers,
    sent_headers,
)
from shared.ports.upstream import DicomwebUpstream, UpstreamAnswer, UpstreamQueue, UpstreamRequest
from shared.telemetry.events import event
from shared.telemetry.tracing import flow

__all__ = ["ForwardedAnswer", "ProxyPorts", "UpstreamRequest", "proxy_dicomweb"]

_log = logging.getLogger(__name__)

_LONGEST_STORE_ANSWER: Final = 32 * 1024 * 1024
"""Bytes of what is said of a store request, that are read for the index."""
_WITHOUT_BODY: Final = (204, 304)


@dataclass(frozen=True, slots=True)
class ProxyPorts:
    """What forwarding needs; *forget* takes out of the index what the upstream service no longer holds of a ref."""

    upstream: DicomwebUpstream
    queue: UpstreamQueue
    forget: Callable[[Ref], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ForwardedAnswer:
    """What the client is answered; *content_type* is empty where there is no body."""

    status: int
    headers: dict[str, str]
    content_type: str
    chunks: AsyncGenerator[bytes]


@flow
async def proxy_dicomweb(
    request: UpstreamRequest, ports: ProxyPorts, *, service_url: str, ref: Ref | None = None
) -> ForwardedAnswer:
    """Forward *request*, of whose headers only those are sent that are no private matter.

    Body and answer are streams; of the answer to a store request so much is read as tells what was stored.

    Args:
        request: Of checked parts, with the client's headers.
        ports: The upstream service, and what follows it.
        service_url: Our own root, which takes the place of the upstream's in JSON and headers.
        ref: What the request deletes, or the study that it stores to.

    Raises:
        UpstreamUnavailableError: The service cannot be reached.
        UpstreamTimeoutError: It does not answer in time.
        BadUpstreamAnswerError: It answers what cannot be passed on.
        UpstreamLoginError: It refuses this app.
    """
    upstream = ports.upstream
    answer = await upstream.send(replace(request, headers=sent_headers(request.headers)))
    try:
        check_status(answer.status)
        bodiless = answer.status in _WITHOUT_BODY
        content_type = "" if bodiless else _content_type(answer)
        if request.method == "DELETE" and (answer.status < 300 or answer.status in (404, 410)) and ref:
            await ports.forget(ref)
    except AppError:
        await answer.chunks.aclose()
        raise
    headers = returned_headers(answer.headers, upstream.root, service_url)
    headers["X-Upstream-Status"] = str(answer.status)
    chunks = answer.chunks
    if is_json(content_type):
        headers.pop("content-length", None)
        if request.method in ("POST", "PUT") and answer.status < 300:
            chunks = await _followed(chunks, ports, of_one_study=ref is not None)
        chunks = rewrite_urls(chunks, upstream.root, service_url)
    if "content-encoding" in answer.headers:
        headers.pop("content-length", None)
    return ForwardedAnswer(answer.status, headers, content_type, chunks)


def _content_type(answer: UpstreamAnswer) -> str:
    empty = answer.headers.get("content-length") == "0"
    if empty and "content-type" not in answer.headers:
        return "application/octet-stream"
    return content_type_of(answer.status, answer.headers)


async def _followed(
    chunks: AsyncGenerator[bytes], ports: ProxyPorts, *, of_one_study: bool
) -> AsyncGenerator[bytes]:
    """Read what a store request has come to, ask that the index follow it, and return the same again."""
    import orjson

    held: list[bytes] = []
    async with aclosing(chunks):
        async for chunk in chunks:
            held.append(chunk)
            if sum(map(len, held)) > _LONGEST_STORE_ANSWER:
                raise BadUpstreamAnswerError(
                    f"the upstream service says more than {_LONGEST_STORE_ANSWER} bytes of what it stored"
                )
    try:
        said = read_store_answer(orjson.loads(b"".join(held)), of_one_study=of_one_study)
    except orjson.JSONDecodeError:
        raise BadUpstreamAnswerError(
            "the upstream service answers a store request with what is no JSON; it may have stored all the same"
        ) from None
    for ref in said.stored:
        touch(Action.CREATE, ref)
    await _ask(said, ports)
    return _again(held)


async def _ask(said: StoreAnswer, ports: ProxyPorts) -> None:
    try:
        await ports.queue.look_at(said.stored)
    except AppError as error:
        # The instances are stored. Where the service has a feed the index follows that all the same.
        event(_log, "upstream not followed", level=logging.WARNING, error=type(error).__name__)
    reasons = ",".join(f"{reason}:{count}" for reason, count in said.failures.items())
    event(_log, "stored upstream", count=len(said.stored), reason=reasons)


async def _again(held: list[bytes]) -> AsyncGenerator[bytes]:
    for chunk in held:
        yield chunk
