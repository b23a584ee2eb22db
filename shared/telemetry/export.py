"""Send spans, metrics and the product's own log to Application Insights or to an OpenTelemetry collector.

Exporters are imported when there is somewhere to send to; they would double a cold start. Sampling, attributes of the
resource and limits are OpenTelemetry's own settings (OTEL_TRACES_SAMPLER, OTEL_RESOURCE_ATTRIBUTES, …).
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from shared.settings.telemetry import TelemetrySettings
from shared.telemetry import metrics, tracing

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

OWN_LOGGERS: Final = ("functions", "shared", "dicom")
"""Whose records are sent. Those of libraries are not: they hold URLs, and with them names of objects."""

_LOG_LEVEL: Final = logging.INFO

type _Exporters = tuple["SpanExporter", "MetricExporter", "LogRecordExporter"]


def start_telemetry(settings: TelemetrySettings) -> Callable[[], None]:
    """Begin to send what is measured from now on, if *settings* say where to; return what sends the rest and stops.

    Call it once a process.
    """
    if not settings.sends_telemetry:
        return _nothing
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({SERVICE_NAME: tracing.NAME}).merge(OTELResourceDetector().detect())
    interval = settings.metric_interval_seconds * 1000
    spans = TracerProvider(resource=resource)
    exporters = _exporters(settings, spans)
    records = LoggerProvider(resource=resource)
    for span_exporter, _, log_exporter in exporters:
        spans.add_span_processor(BatchSpanProcessor(span_exporter))
        records.add_log_record_processor(BatchLogRecordProcessor(log_exporter))
    measured = MeterProvider(
        [PeriodicExportingMetricReader(one, export_interval_millis=interval) for _, one, _ in exporters],
        resource=resource,
    )
    handler = _handler(records)
    for name in OWN_LOGGERS:
        logging.getLogger(name).addHandler(handler)
    tracing.activate(spans.get_tracer(tracing.NAME))
    metrics.activate(measured.get_meter(tracing.NAME))

    def stop() -> None:
        tracing.activate(None)
        metrics.activate(None)
        for name in OWN_LOGGERS:
            logging.getLogger(name).removeHandler(handler)
        for provider in (spans, measured, records):
            provider.shutdown()

    return stop


def _nothing() -> None:
    return


def _exporters(settings: TelemetrySettings, spans: "TracerProvider") -> list[_Exporters]:
    made = []
    if settings.application_insights:
        made.append(_application_insights(settings, spans))
    if settings.otlp_endpoint:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        root = settings.otlp_endpoint.rstrip("/")
        made.append(
            (
                OTLPSpanExporter(endpoint=f"{root}/v1/traces"),
                OTLPMetricExporter(endpoint=f"{root}/v1/metrics"),
                OTLPLogExporter(endpoint=f"{root}/v1/logs"),
            )
        )
    return made


def _application_insights(settings: TelemetrySettings, spans: "TracerProvider") -> _Exporters:
    from azure.monitor.opentelemetry.exporter import (
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    connection = settings.application_insights
    options: dict[str, Any] = {
        "connection_string": "" if connection is None else connection.get_secret_value(),
        # What cannot be sent is not kept on the disk of a worker that may be gone tomorrow.
        "disable_offline_storage": True,
    }
    parts = dict(
        part.split("=", 1) for part in settings.application_insights_authentication.split(";") if "=" in part
    )
    if parts.get("Authorization") == "AAD":
        from azure.identity import ManagedIdentityCredential

        options["credential"] = ManagedIdentityCredential(client_id=parts.get("ClientId"))
    return (
        AzureMonitorTraceExporter(tracer_provider=spans, **options),
        AzureMonitorMetricExporter(**options),
        AzureMonitorLogExporter(**options),
    )


def _handler(records: Any) -> logging.Handler:
    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    return LoggingHandler(level=_LOG_LEVEL, logger_provider=records)
