"""What libraries log of requests does not reach the host, whose log goes to Application Insights."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_AS_THE_WORKER_DOES = """
import asyncio, logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s: %(message)s")
{imported}
import uvicorn
from azure.core.exceptions import AzureError
from azure.storage.blob.aio import BlobServiceClient
from elasticsearch import ApiError, AsyncElasticsearch, TransportError

async def main():
    async with BlobServiceClient("http://127.0.0.1:9/account", retry_total=0) as blobs:
        try:
            await blobs.get_blob_client("images", "Secret^Patient/1.dcm").get_blob_properties()
        except AzureError:
            print("asked for a blob")
    engine = AsyncElasticsearch("http://127.0.0.1:9", max_retries=0)
    try:
        await engine.get(index="index", id="Secret")
    except (ApiError, TransportError):
        print("asked for a document")
    await engine.close()
    uvicorn.Config(lambda: None)
    logging.getLogger("uvicorn.access").info(
        '%s - "%s %s HTTP/%s" %d', "192.0.2.1:1", "GET", "/dicomweb/studies?PatientName=Secret", "1.1", 200
    )
    logging.getLogger("dicom.audit").info("own lines come through")

asyncio.run(main())
"""


def _said(imported: str) -> str:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    ran = subprocess.run(
        [sys.executable, "-c", _AS_THE_WORKER_DOES.format(imported=imported)],
        cwd=ROOT,
        env={**environment, "DICOM_ACCESS": "anonymous", "DICOM_BLOB_EVENTS": "queue"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


def test_no_line_of_a_library_names_an_object_or_a_search() -> None:
    """Azure's clients, Elasticsearch's and the worker's server are asked to, at the worker's level, and say nothing."""
    said = _said("import function_app")

    for line in ("asked for a blob", "asked for a document", "own lines come through"):
        assert line in said
    assert "Secret" not in said


def test_they_would_without_the_app() -> None:
    """So that the test above could fail: the same lines name all three."""
    said = _said("")

    for line in ("images/Secret", "_doc/Secret", "PatientName=Secret"):
        assert line in said


def test_a_level_that_somebody_chose_is_left() -> None:
    """Who looks for a fault may listen to the libraries."""
    said = _said("logging.getLogger('azure').setLevel(logging.INFO)\nimport function_app")

    assert "images/Secret" in said
