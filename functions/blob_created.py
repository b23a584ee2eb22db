"""Blob trigger: the host's container scan has found a new or changed blob. Only its name is taken from the event."""

import azure.functions as func
from azurefunctions.extensions.bindings.blob import BlobClient

from functions._events import acknowledges_permanent_errors
from functions._index import look_at
from shared.records import ObjectKey


def make_blueprint(containers: tuple[str, ...]) -> func.Blueprint:
    """Return a blueprint with one function for each of the watched *containers*, named after it.

    The binding is a client, not bytes: a blob may be larger than the worker's memory.
    """
    bp = func.Blueprint()
    for container in containers:
        name = f"blob_created_{container.replace('-', '_')}"
        trigger = bp.blob_trigger(arg_name="blob", path=f"{container}/{{name}}", connection="DicomStorage")
        bp.function_name(name)(trigger(blob_created))
    return bp


@acknowledges_permanent_errors
async def blob_created(blob: BlobClient) -> None:
    """Index the blob as it is now."""
    await look_at(ObjectKey(blob.container_name, blob.blob_name))
