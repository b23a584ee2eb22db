"""What is counted and measured of the archive's work. No figure is labelled with a value of a patient or a UID."""

from datetime import UTC, datetime

from opentelemetry.metrics import Meter, NoOpMeter


class _Instruments:
    def __init__(self, meter: Meter) -> None:
        self.lag = meter.create_histogram(
            "dicom.ingest.lag",
            unit="s",
            description="From when an object was written to when it was indexed",
            explicit_bucket_boundaries_advisory=[0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400],
        )
        self.rejected = meter.create_counter(
            "dicom.objects.rejected",
            unit="{object}",
            description="Objects that can never be indexed, by reason",
        )
        self.drift = meter.create_gauge(
            "dicom.drift",
            unit="{object}",
            description="What the last pass of reconciling found to differ, by kind",
        )
        self.bytes = meter.create_counter(
            "dicom.storage.bytes", unit="By", description="Read from and written to the object store"
        )
        self.messages = meter.create_gauge(
            "dicom.queue.messages", unit="{message}", description="Waiting in a queue, about"
        )
        self.age = meter.create_gauge(
            "dicom.queue.age", unit="s", description="How long the first message of a queue has waited"
        )
        self.poison = meter.create_counter(
            "dicom.poison",
            unit="{message}",
            description="Messages given up that were done after all, or kept",
        )


class _Switch:
    to = _Instruments(NoOpMeter("nobody"))


def activate(meter: Meter | None) -> None:
    """Measure by *meter* from now on, or not at all."""
    _Switch.to = _Instruments(meter or NoOpMeter("nobody"))


def indexed(modified_at: datetime, *, source: str) -> None:
    """Measure how long an object waited that was written at *modified_at*."""
    _Switch.to.lag.record(max((datetime.now(UTC) - modified_at).total_seconds(), 0), {"dicom.source": source})


def rejected(reason: str) -> None:
    """Count an object that can never be indexed; *reason* is the type of the error."""
    _Switch.to.rejected.add(1, {"dicom.reason": reason})


def drift(kind: str, count: int) -> None:
    """Say how many objects of a *kind* differed."""
    _Switch.to.drift.set(count, {"dicom.kind": kind})


def read(count: int) -> None:
    """Count bytes read from the object store."""
    _Switch.to.bytes.add(count, {"dicom.direction": "read"})


def written(count: int) -> None:
    """Count bytes written to the object store."""
    _Switch.to.bytes.add(count, {"dicom.direction": "written"})


def waiting(queue: str, messages: int, age_seconds: float) -> None:
    """Say how many messages wait in *queue*, and how long the first has."""
    _Switch.to.messages.set(messages, {"dicom.queue": queue})
    _Switch.to.age.set(age_seconds, {"dicom.queue": queue})


def poison(outcome: str, count: int) -> None:
    """Count messages that were given up."""
    _Switch.to.poison.add(count, {"dicom.outcome": outcome})


def job_given_up() -> None:
    """Count a message about a job that was given up, so that what it was about is failed."""
    poison("failed", 1)
