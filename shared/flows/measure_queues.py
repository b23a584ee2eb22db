"""Measure what waits in the queues, and for how long."""

from shared import metrics
from shared.telemetry_ports import QueueGauges
from shared.tracing import flow


@flow
async def measure_queues(queues: QueueGauges) -> None:
    """Measure every queue once.

    Raises:
        BackendUnavailableError: They did not answer.
    """
    for one in await queues.waiting():
        metrics.waiting(one.queue, one.messages, one.age_seconds)
