"""Tell what an import has done so far, instance by instance."""

from collections.abc import AsyncIterator

import orjson

from shared.flows._import_manifest import Manifest
from shared.ports.archive import ObjectStore
from shared.ports.jobs import Job
from shared.telemetry.tracing import flow


@flow
async def list_imported(job: Job, *, objects: ObjectStore, container: str) -> AsyncIterator[bytes]:
    """Yield the manifest of a job, a JSON object a line, study by study, files in their order.

    Args:
        job: The import.
        objects: Where manifests are kept.
        container: The one of what is derived.
    """
    for number in range(1, job.item_count + 1):
        manifest = Manifest(objects, container, job.job_id, number)
        last = {entry.source_id: entry async for entry in manifest.entries()}
        entries = sorted(last.values(), key=lambda entry: entry.file)
        if entries:
            yield b"".join(orjson.dumps({"study": number, **entry.told()}) + b"\n" for entry in entries)
