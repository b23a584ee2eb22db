"""Measure what waits in the queues, and for how long."""

from shared.ports.queue_gauges import QueueGauges
from shared.telemetry import metrics
from shared.telemetry.tracing import flow


@flow
async def measure_queues(queues: QueueGauges) -> None:
    """Measure every queue once.

    Raises:
        BackendUnavailableError: They did not answer.
    """
    for one in await queues.waiting():
        metrics.waiting(one.queue, one.messages, one.age_seconds)
