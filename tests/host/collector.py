"""What takes telemetry on loopback: an OpenTelemetry collector over HTTP, and Application Insights' ingestion."""

import gzip
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_REQUESTS: dict[str, Any] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}


class Collector:
    """What was sent to *url*: OTLP by signal, and the envelopes of Application Insights."""

    def __init__(self) -> None:
        self.url = ""
        self.sent: dict[str, list[dict[str, Any]]] = {name: [] for name in _REQUESTS}
        self.envelopes: list[dict[str, Any]] = []
        self.raw = b""

    @property
    def connection_string(self) -> str:
        """Say how Application Insights is reached; the key is nobody's."""
        return f"InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint={self.url}/"

    def spans(self) -> dict[str, list[dict[str, Any]]]:
        """Return the spans by name."""
        found: dict[str, list[dict[str, Any]]] = {}
        for span in _inner(self.sent["traces"], "resourceSpans", "scopeSpans", "spans"):
            found.setdefault(span["name"], []).append(span)
        return found

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Return each metric as it was sent last."""
        return {
            one["name"]: one
            for one in _inner(self.sent["metrics"], "resourceMetrics", "scopeMetrics", "metrics")
        }

    def records(self) -> list[str]:
        """Return the texts of log records."""
        logs = _inner(self.sent["logs"], "resourceLogs", "scopeLogs", "logRecords")
        return [str(record["body"].get("stringValue")) for record in logs]

    async def take_otlp(self, request: web.Request) -> web.Response:
        """Take one request of an OTLP exporter."""
        data = await request.read()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        self.raw += data
        message = _REQUESTS[request.match_info["signal"]]()
        message.ParseFromString(data)
        self.sent[request.match_info["signal"]].append(MessageToDict(message))
        return web.Response(content_type="application/x-protobuf")

    async def take_envelopes(self, request: web.Request) -> web.Response:
        """Take one request of the Azure Monitor exporter."""
        data = await request.read()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        self.raw += data
        envelopes = json.loads(data)
        self.envelopes += envelopes
        count = len(envelopes)
        return web.json_response({"itemsReceived": count, "itemsAccepted": count, "errors": []})


def _inner(requests: list[dict[str, Any]], *levels: str) -> Iterator[dict[str, Any]]:
    for request in requests:
        found = [request]
        for level in levels:
            found = [inner for outer in found for inner in outer.get(level, [])]
        yield from found


@asynccontextmanager
async def a_collector() -> AsyncIterator[Collector]:
    """Take telemetry until the end."""
    collector = Collector()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/{signal}", collector.take_otlp)
    app.router.add_post("/{any:.*}track", collector.take_envelopes)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    [(_, port)] = runner.addresses
    collector.url = f"http://127.0.0.1:{port}"
    yield collector
    await runner.cleanup()
