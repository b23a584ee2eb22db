"""Spans, metrics and logs leave the running app, to a collector and to Application Insights; no patient's data does."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.host.archive import Archive, eventually
from tests.host.collector import a_collector
from tests.host.imports import begin, ended
from tests.instances import an_instance, uids
from tests.orthanc import an_orthanc
from tests.partner_server import A_KEY, MD_KEY, U_KEY, a_partner

pytestmark = [pytest.mark.host]

TRACE = "0123456789abcdef0123456789abcdef"
NAME = "Secret^Patient"
AUDIT = Path(__file__).parents[2] / "docs" / "audit.md"


async def _work(archive: Archive) -> None:
    """Drop a file, store one below a trace of the client's, read it, ask for what is not there, and reconcile."""
    images = archive.container("images")
    await images.upload_blob(f"{NAME}/1.dcm", an_instance(1, PatientName=NAME, PatientID=NAME))
    await images.upload_blob(f"{NAME}.txt", b"no DICOM")
    headers = {"Content-Type": "application/dicom", "traceparent": f"00-{TRACE}-0123456789abcdef-01"}
    stored = an_instance(2, PatientName=NAME, PatientID=NAME)
    async with archive.session.post(f"{archive.dicomweb}/studies", data=stored, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
    study = uids(2)[0]
    async with archive.session.get(f"{archive.dicomweb}/studies/{study}") as answer:
        assert answer.status == 200
        await answer.read()
    async with archive.session.get(f"{archive.dicomweb}/studies/1.2.3/metadata?PatientName={NAME}") as answer:
        assert answer.status == 404
    await eventually(lambda: archive.search("studies", PatientID=NAME))
    async with archive.session.post(f"{archive.app.url}/ledger/reindex") as answer:
        assert answer.status == 200


async def test_a_collector_gets_what_was_done_and_no_patient(stopped_archive: Archive) -> None:
    """Spans of trigger, flow and port below the client's own trace; figures; the product's log."""
    archive = stopped_archive
    async with a_collector() as collector:
        await archive.start(
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="200",
            OTEL_BLRP_SCHEDULE_DELAY="200",
            DICOM_METRIC_INTERVAL_SECONDS="0.5",
        )
        await _work(archive)
        await eventually(lambda: _has(collector.metrics().get("dicom.objects.rejected")))
        for name in ("blob_created", "summarise_study"):
            await eventually(lambda name=name: _has(collector.spans().get(name)))
        await asyncio.to_thread(archive.stop, signal.SIGTERM)

    spans = collector.spans()
    [stored] = [span for span in spans["dicomweb_store"] if _attribute(span, "dicom.status") == "200"]
    by_id = {span["spanId"]: span for some in spans.values() for span in some}
    put = next(one for one in spans["objects.put"] if one["traceId"] == stored["traceId"])
    above = [put["name"]]
    while put.get("parentSpanId") in by_id:
        put = by_id[put["parentSpanId"]]
        above.append(put["name"])
    assert above == ["objects.put", "flow store_instances", "dicomweb_store"]
    assert _hex(stored["traceId"]) == TRACE
    assert {"flow index_instance", "flow summarise_study", "index.put", "ledger.get"} <= spans.keys()
    [missed] = [span for span in spans["dicomweb_retrieve"] if _attribute(span, "dicom.status") == "404"]
    assert missed["kind"] == "SPAN_KIND_SERVER"

    metrics = collector.metrics()
    assert {"dicom.ingest.lag", "dicom.storage.bytes", "dicom.drift"} <= metrics.keys()
    assert metrics["dicom.ingest.lag"]["unit"] == "s"
    assert any("instance indexed" in text for text in collector.records())
    assert b"Secret" not in collector.raw
    assert b"127.0.0.1" not in collector.raw


async def test_application_insights_gets_the_same(stopped_archive: Archive) -> None:
    """As requests, dependencies, metrics and traces, under the key of the connection string."""
    archive = stopped_archive
    async with a_collector() as collector:
        await archive.start(
            APPLICATIONINSIGHTS_CONNECTION_STRING=collector.connection_string,
            APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL="true",
            OTEL_BSP_SCHEDULE_DELAY="200",
            OTEL_BLRP_SCHEDULE_DELAY="200",
            DICOM_METRIC_INTERVAL_SECONDS="0.5",
        )
        await _work(archive)

        def kinds() -> set[str]:
            return {envelope["data"]["baseType"] for envelope in collector.envelopes}

        wanted = {"RequestData", "RemoteDependencyData", "MetricData", "MessageData"}
        await eventually(lambda: _has(wanted <= kinds()))
        await asyncio.to_thread(archive.stop, signal.SIGTERM)

    requests = [one for one in collector.envelopes if one["data"]["baseType"] == "RequestData"]
    assert any(
        one["data"]["baseData"]["name"] == "dicomweb_store" and one["tags"]["ai.operation.id"] == TRACE
        for one in requests
    )
    figures = {
        metric["name"]
        for one in collector.envelopes
        if one["data"]["baseType"] == "MetricData"
        for metric in one["data"]["baseData"]["metrics"]
    }
    assert {"dicom.ingest.lag", "dicom.storage.bytes"} <= figures
    # As the queries of the alerts ask for labels: Properties['dicom.queue'], Properties['dicom.outcome'].
    labels = [one["data"]["baseData"]["properties"] for one in collector.envelopes if _measures_bytes(one)]
    assert labels
    assert {name for some in labels for name in some} == {"dicom.direction"}
    trail = [one for one in collector.envelopes if _logger_of(one) == "dicom.audit"]
    assert "dicomweb_store" in {json.loads(one["data"]["baseData"]["message"])["Operation"] for one in trail}
    assert 'customDimensions.logger_name == "dicom.audit"' in AUDIT.read_text()
    assert b"Secret" not in collector.raw


async def test_what_goes_to_and_from_others_is_told_without_a_patient(
    stopped_archive: Archive, tmp_path: Path
) -> None:
    """An import, a session and a run for a partner: a span of each call, no name, no address, no credentials."""
    archive = stopped_archive
    async with a_collector() as collector, an_orthanc(tmp_path / "orthanc") as orthanc:
        with a_partner() as partner:
            root = f"http://127.0.0.1:{orthanc.port}"
            source = {"kind": "orthanc", "url": root, "username": "importer", "password": "hidden-password"}
            await archive.start(
                OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
                OTEL_BSP_SCHEDULE_DELAY="200",
                OTEL_BLRP_SCHEDULE_DELAY="200",
                DICOM_METRIC_INTERVAL_SECONDS="0.5",
                PYTHON_ENABLE_OPENTELEMETRY="true",  # as infra/ sets it
                DICOM_IMPORT_SOURCES=json.dumps({"old": source}),
                DICOM_IMPORT_LOOPBACK="true",
                **partner.environment(),
            )
            imported = an_instance(1, PatientName=NAME, PatientID="SecretId")
            async with archive.session.post(f"{root}/instances", data=imported) as answer:
                assert answer.status == 200
            told = await ended(archive, await begin(archive, source="old", patient="SecretId"))
            assert told["instances"]["stored"] == 1, told
            await _session(archive, "Secret-Patient.dcm", an_instance(2, PatientName=NAME))
            run = {"sample_id": "SecretSample", "study": uids(1)[0]}
            async with archive.session.post(f"{archive.app.url}/uploads", json=run) as answer:
                url = (await answer.json())["url"]
            assert (await ended(archive, url))["status"] == "done"
            await asyncio.to_thread(archive.stop, signal.SIGTERM)

    wanted = {
        "import_source.discover",
        "sending.partner.metadata",
        "sending.partner.upload",
        "sending.partner.analytics",
        "sessions.commit",
    }
    assert wanted <= collector.spans().keys()
    for secret in ("Secret", "Canary", "hidden-password", "importer", "127.0.0.1", MD_KEY, U_KEY, A_KEY):
        assert secret.encode() not in collector.raw, secret
        assert secret == "127.0.0.1" or secret not in archive.log(), secret


async def _session(archive: Archive, name: str, data: bytes) -> None:
    async with archive.session.post(f"{archive.app.url}/sessions", json={"files": [name]}) as answer:
        told = await answer.json()
    [target] = told["targets"]
    async with archive.session.put(target["url"], data=data, headers=target["headers"]) as sent:
        assert sent.status == 201
    async with archive.session.post(f"{told['url']}/commit", json={"files": [name]}) as answer:
        assert answer.status in (200, 202)
    assert (await ended(archive, told["url"]))["status"] == "done"


async def test_a_collector_that_is_away_stops_nothing(stopped_archive: Archive) -> None:
    """What cannot be sent is dropped; requests are answered as ever, and the app ends when it is told to."""
    archive = stopped_archive
    await archive.start(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", DICOM_METRIC_INTERVAL_SECONDS="0.2")
    await _work(archive)
    await asyncio.to_thread(archive.stop, signal.SIGTERM)
    assert NAME not in archive.log()


def _measures_bytes(envelope: dict[str, Any]) -> bool:
    measured = envelope["data"]["baseData"].get("metrics", [])
    return any(metric["name"] == "dicom.storage.bytes" for metric in measured)


def _logger_of(envelope: dict[str, Any]) -> str:
    """Return which logger an envelope's record is of, as Application Insights is asked for it; "" of what is none."""
    if envelope["data"]["baseType"] != "MessageData":
        return ""
    return str(envelope["data"]["baseData"]["properties"].get("logger_name", ""))


async def _has(found: object) -> bool:
    return bool(found)


def _attribute(span: dict[str, object], name: str) -> str | None:
    attributes = span.get("attributes", [])
    assert isinstance(attributes, list)
    for attribute in attributes:
        if attribute["key"] == name:
            return str(next(iter(attribute["value"].values())))
    return None


def _hex(base64_text: str) -> str:
    import base64

    return base64.b64decode(base64_text).hex()
