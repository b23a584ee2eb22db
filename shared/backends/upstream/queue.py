"""UpstreamQueue on an Azure Storage queue. Makes no queue and takes no messages: the host's trigger does."""

import base64
from collections.abc import Sequence
from itertools import batched
from typing import Final

import orjson
from azure.core.exceptions import AzureError
from azure.storage.queue.aio import QueueServiceClient

from shared.dicom.references import InstanceRef
from shared.errors import BackendUnavailableError

UPSTREAM_EVENTS: Final = "upstream-events"
"""Name of the queue."""
_BATCH: Final = 20
"""Instances in a message: they are looked at one after the other, while its lease lasts."""


class StorageUpstreamQueue:
    """Sends `{"instances": [[study, series, instance], …]}` in base64, as the host's queue trigger reads it.

    Args:
        service: The account's queues, by a client made in the running loop with azure_options.request_options.
    """

    def __init__(self, service: QueueServiceClient) -> None:
        self._queue = service.get_queue_client(UPSTREAM_EVENTS)

    async def look_at(self, refs: Sequence[InstanceRef]) -> None:
        """Ask that instances be looked at; see UpstreamQueue."""
        for batch in batched(refs, _BATCH, strict=False):
            uids = [[ref.study_instance_uid, ref.series_instance_uid, ref.sop_instance_uid] for ref in batch]
            message = base64.b64encode(orjson.dumps({"instances": uids})).decode()
            try:
                await self._queue.send_message(message)
            except AzureError as error:
                raise BackendUnavailableError(
                    f"queue {UPSTREAM_EVENTS} did not answer ({type(error).__name__}); make it if it is missing, check"
                    " the app's role assignments, else try again later"
                ) from None
