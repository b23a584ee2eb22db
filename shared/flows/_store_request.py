"""What a store request asks for, and in which words its sender is answered. It stores nothing."""

from dataclasses import dataclass, field

from shared.dicom.references import StudyRef
from shared.dicom.store_response import (
    FailedInstance,
    FailureReason,
    StoredInstance,
    StoreOutcome,
    WarningReason,
)
from shared.flows._admission import Admission
from shared.flows._archive_writes import Present
from shared.flows._urls import instance_url
from shared.records import DuplicatePolicy, InstanceRecord


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """What a request asks for.

    Attributes:
        service_url: Public root of the service, for the URLs in the answer.
        study: The only study whose instances are to be stored, if there is one.
        duplicates: What becomes of an instance that is there already.
        warning_reason: How instances are reported that were stored although something about them is odd.
        admission: What may be stored.
        dry_run: Whether to store nothing, and only say what would become of each instance.
    """

    service_url: str
    study: StudyRef | None = None
    duplicates: DuplicatePolicy = "identical-ok"
    warning_reason: WarningReason = WarningReason.DATA_SET_MISMATCH
    admission: Admission = field(default_factory=Admission)
    dry_run: bool = False

    @property
    def replaces(self) -> bool:
        """Whether an instance takes the place of what is there."""
        return self.duplicates == "replace"

    def stored(self, record: InstanceRecord) -> StoredInstance:
        """Say that an instance is in the archive."""
        ref = record.ref
        reason = self.warning_reason if record.warnings else None
        url = instance_url(self.service_url, ref)
        return StoredInstance(record.sop_class_uid, ref.sop_instance_uid, url, reason, record.warnings)

    def judged(self, present: Present) -> StoreOutcome:
        """Say what an instance comes to that was not written because it is there."""
        record = present.record
        if present.same and self.duplicates != "reject":
            return self.stored(record)
        how = "the same bytes" if present.same else "other bytes"
        return FailedInstance(
            FailureReason.ALREADY_EXISTS,
            f"The instance is in the archive already, with {how}; delete it first, or store with PUT, to replace it.",
            record.sop_class_uid,
            record.ref.sop_instance_uid,
        )
