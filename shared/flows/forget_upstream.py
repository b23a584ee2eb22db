"""Take out of the index what the upstream service no longer holds."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from shared.dicom.references import InstanceRef
from shared.errors import TransientError
from shared.flows._in_parallel import in_parallel
from shared.flows._records import Ref
from shared.ports.archive import InstanceIndex
from shared.ports.upstream import UPSTREAM_CONTAINER, UpstreamQueue
from shared.records import ObjectKey
from shared.telemetry.events import event
from shared.telemetry.tracing import flow
from shared.upstream_keys import upstream_key

_log = logging.getLogger(__name__)

_AT_A_TIME: Final = 8


@dataclass(frozen=True, slots=True)
class ForgetPorts:
    """What it needs; *look* brings the index up to what one object is now."""

    index: InstanceIndex
    queue: UpstreamQueue
    look: Callable[[ObjectKey], Awaitable[None]]


@flow
async def forget_upstream(ref: Ref, ports: ForgetPorts) -> None:
    """Look at every instance of *ref* that the index has of the upstream service; those that are gone leave it.

    An instance that cannot be looked at now is left to the queue.

    Raises:
        BackendUnavailableError: Neither the index nor the queue answers.
    """
    if isinstance(ref, InstanceRef):
        own = upstream_key(ref)
        held = [ref] if own in [key async for key in ports.index.claims_of(ref)] else []
    else:
        claims = [claim async for claim in ports.index.claims_in(ref)]
        held = [claim.ref for claim in claims if claim.key.container == UPSTREAM_CONTAINER]

    async def look(one: InstanceRef) -> None:
        try:
            await ports.look(upstream_key(one))
        except TransientError as error:
            event(
                _log,
                "upstream not looked at",
                level=logging.WARNING,
                error=type(error).__name__,
                sop_instance_uid=one.sop_instance_uid,
            )
            await ports.queue.look_at([one])

    await in_parallel(look, sorted(held), limit=_AT_A_TIME)
