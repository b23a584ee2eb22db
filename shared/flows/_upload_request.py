"""What a run of uploads was asked for, as its job keeps it. It sends nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.dicom.tagging.legal_text import why_illegal
from shared.dicom.tagging.mapping import MAX_ATTEMPT, TagRule, TagValue, patient_id, tag_values
from shared.errors import InvalidRequestError
from shared.ports.archive import InstanceIndex, ObjectStore
from shared.ports.jobs import Job, Jobs, WorkQueue
from shared.ports.partner import PartnerApi

KIND: Final = "upload"
QUEUED: Final = "queued"
PREPARING: Final = "preparing"
"""The one message that the facts name as starter asks for metadata, and finds the files."""
UPLOADING: Final = "uploading"
ANALYTICS: Final = "analytics"
"""Every file is with the partner; the analysis is to be asked for."""
TRIGGERING: Final = "triggering"
"""The one message that its facts name is asking for it."""
CLOSING: Final = "closing"
"""All is decided; the log is being kept, and sent."""
MAX_RETRY: Final = 20


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """How files are sent.

    Attributes:
        sample_id: under which the partner knows the sample; PatientID becomes it with the attempt.
        attempt: from 1 to 999.
        max_retry: how often each request is made again.
        atomic: whether all files go in one ZIP, or nothing goes.
        dry_run: whether files are only checked.
        bump_attempt: whether a run goes on as the next attempt when the partner has a file already; else that counts
            as sent.
        container: of the objects to be sent, where these are named by a prefix.
        prefix: their names begin with it.
        any_name: whether objects whose names do not end in .dcm count too, if they begin as DICOM files do.
        several_patients: whether files whose PatientIDs differ may become files of the one sample.
    """

    sample_id: str
    attempt: int = 1
    max_retry: int = 3
    atomic: bool = False
    dry_run: bool = False
    bump_attempt: bool = False
    container: str = ""
    prefix: str = ""
    any_name: bool = False
    several_patients: bool = False

    def check(self) -> None:
        """Refuse what could never be sent.

        Raises:
            InvalidRequestError: It is out of its bounds.
        """
        if not 1 <= self.attempt <= MAX_ATTEMPT:
            raise InvalidRequestError(f"attempt_number is 1 to {MAX_ATTEMPT}")
        if not 0 <= self.max_retry <= MAX_RETRY:
            raise InvalidRequestError(f"max_retry is 0 to {MAX_RETRY}")
        if self.sample_id != self.sample_id.strip() or not self.sample_id:
            raise InvalidRequestError("sample_id is missing, or has spaces around it")
        if reason := why_illegal("LO", patient_id(self.sample_id, self.attempt)):
            raise InvalidRequestError(f"sample_id cannot stand in PatientID: {reason}")

    def as_parameters(self) -> tuple[tuple[str, str], ...]:
        """Return it as a job keeps it."""
        return (
            ("sample_id", self.sample_id),
            ("attempt_number", str(self.attempt)),
            ("max_retry", str(self.max_retry)),
            ("atomic", str(self.atomic)),
            ("dry_run", str(self.dry_run)),
            ("bump_attempt", str(self.bump_attempt)),
            ("container", self.container),
            ("prefix", self.prefix),
            ("any_name", str(self.any_name)),
            ("several_patients", str(self.several_patients)),
        )


def request_of(job: Job) -> UploadRequest:
    """Return what *job* was asked for."""
    told = dict(job.parameters)
    return UploadRequest(
        sample_id=told["sample_id"],
        attempt=int(told["attempt_number"]),
        max_retry=int(told["max_retry"]),
        atomic=told["atomic"] == "True",
        dry_run=told["dry_run"] == "True",
        bump_attempt=told["bump_attempt"] == "True",
        container=told["container"],
        prefix=told["prefix"],
        any_name=told["any_name"] == "True",
        several_patients=told.get("several_patients") == "True",
    )


@dataclass(frozen=True, slots=True)
class UploadPorts:
    """What a run needs: where files lie, who takes them, where jobs and records are kept.

    Attributes:
        derived_container: where metadata, confirmations and logs are kept.
        target: tells partners apart.
        rules: which attributes are set.
        log_level: of the lines that the log of a run has.
        sends_log: whether the log of a run that failed has a receiver.
    """

    objects: ObjectStore
    index: InstanceIndex
    jobs: Jobs
    uploads: WorkQueue
    analytics: WorkQueue
    partner: PartnerApi
    derived_container: str
    target: str
    rules: tuple[TagRule, ...]
    log_level: str = "INFO"
    sends_log: bool = False

    def values(self, request: UploadRequest, metadata: Mapping[str, Any]) -> tuple[TagValue, ...]:
        """Return what each attribute is to be; errors as of tag_values."""
        return tag_values(self.rules, metadata, sample_id=request.sample_id, attempt=request.attempt)
