"""JobQueue on Azure Storage queues. Makes no queues and takes no messages: the host's trigger does."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson
from azure.core.exceptions import AzureError
from azure.storage.queue.aio import QueueServiceClient

from shared.dicom.references import StudyRef
from shared.errors import BackendUnavailableError

STUDY_CHANGED = "study-changed"
"""Name of the queue."""
VISIBILITY_DELAY = 1.0
"""Seconds from sending a message to when a consumer may see it."""

_MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Sending:
    """A message on its way or sent: *begun_at* by the clock."""

    begun_at: float
    task: asyncio.Task[None]


class StorageJobQueue:
    """Sends `{"study_instance_uid", "partition"}` in base64, as the host's queue trigger reads it.

    A study that receives a thousand instances needs few refreshes, not a thousand. So a message becomes visible
    VISIBILITY_DELAY after it was sent, and until then no other is sent for its study: whoever handles that one begins
    after this change and sees it. The delay counts from before the request, so at the service it ends later, never
    sooner. Other processes send their own; a message too many costs one look at a study that is up to date.

    Args:
        service: The account's queues, by a client made in the running loop with azure_options.request_options.
        partition: The data partition that messages name.
        clock: Seconds that never go back.
    """

    def __init__(
        self, service: QueueServiceClient, partition: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._queue = service.get_queue_client(STUDY_CHANGED)
        self._partition = partition
        self._clock = clock
        self._sendings: dict[StudyRef, _Sending] = {}

    async def study_changed(self, ref: StudyRef) -> None:
        """Ask that the study's summary be refreshed; returns when a message that is not yet visible is in the queue.

        Raises:
            BackendUnavailableError: The queue did not take it.
        """
        now = self._clock()
        sending = self._sendings.get(ref)
        if sending is None or now >= sending.begun_at + VISIBILITY_DELAY:
            sending = _Sending(now, asyncio.create_task(self._send(ref)))
            self._remember(ref, sending)
        try:
            # Shielded, because others may wait for it too.
            await asyncio.shield(sending.task)
        except BackendUnavailableError:
            if self._sendings.get(ref) is sending:
                del self._sendings[ref]
            raise

    def _remember(self, ref: StudyRef, sending: _Sending) -> None:
        self._sendings.pop(ref, None)
        # What is left out too early costs a message too many, nothing else.
        while self._sendings:
            oldest = next(iter(self._sendings))
            is_over = sending.begun_at >= self._sendings[oldest].begun_at + VISIBILITY_DELAY
            if not is_over and len(self._sendings) < _MAX_REMEMBERED:
                break
            del self._sendings[oldest]
        self._sendings[ref] = sending

    async def _send(self, ref: StudyRef) -> None:
        job = {"study_instance_uid": ref.study_instance_uid, "partition": self._partition}
        message = base64.b64encode(orjson.dumps(job)).decode()
        with _translated():
            await self._queue.send_message(message, visibility_timeout=int(VISIBILITY_DELAY))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        # Not chained: the SDK's message quotes the response body.
        raise BackendUnavailableError(
            f"queue {STUDY_CHANGED} did not answer ({type(error).__name__}); make it if it is missing, check the app's "
            "role assignments, else try again later"
        ) from None
