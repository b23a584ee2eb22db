"""Tell what reconciling has found: the pass that is on its way, and the last that came to its end."""

from typing import Any

from shared.flows._reindex_state import CHECKPOINT, LAST_REPORT, unpack
from shared.ports.cases import Checkpoints
from shared.telemetry.tracing import flow


@flow
async def report_drift(checkpoints: Checkpoints) -> dict[str, Any]:
    """Return both reports, None where there is none; they hold names of objects."""
    found = {"running": CHECKPOINT, "last": LAST_REPORT}
    kept = {name: await checkpoints.get(key) for name, key in found.items()}
    return {name: None if one is None else unpack(one.value).report() for name, one in kept.items()}
