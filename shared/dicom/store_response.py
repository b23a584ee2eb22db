"""The answer to a store request: what became of each instance, as status and DICOM JSON. It stores nothing.

Source: PS3.18 2024e §10.5.3, Annex I
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from shared.errors import (
    BackendUnavailableError,
    ConcurrentChangeError,
    DamagedDicomError,
    InvalidAttributeError,
    InvalidUidError,
    MissingAttributeError,
    ObjectChangedError,
    ObjectExistsError,
    PayloadTooLargeError,
    UnsupportedObjectError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.errors import AppError


class FailureReason(IntEnum):
    """Why an instance was not stored, for (0008,1197).

    STUDY_MISMATCH, ALREADY_EXISTS and BEING_CREATED are those of the Azure DICOM service; PS3.18 allows codes of
    one's own. Source: PS3.18 2024e §I.2.2
    """

    PROCESSING_FAILURE = 272
    SOP_CLASS_NOT_SUPPORTED = 290
    OUT_OF_RESOURCES = 42752
    VALIDATION_FAILED = 43264
    STUDY_MISMATCH = 43265
    ALREADY_EXISTS = 45070
    BEING_CREATED = 45071
    CANNOT_UNDERSTAND = 49152
    TRANSFER_SYNTAX_NOT_SUPPORTED = 49442


class WarningReason(IntEnum):
    """What was amiss with an instance that was stored, for (0008,1196). Source: PS3.18 2024e §I.2.2."""

    AZURE_VALIDATION = 1
    """As the Azure DICOM service says of attributes that it could not validate."""
    COERCED = 45056
    ELEMENTS_DISCARDED = 45062
    DATA_SET_MISMATCH = 45063


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """An instance that is in the archive. *warnings* are texts for its sender, and are sent with a reason only."""

    sop_class_uid: str
    sop_instance_uid: str
    retrieve_url: str
    warning_reason: WarningReason | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FailedInstance:
    """An instance that was not stored. UIDs are None where they could not be read; *text* says what to do."""

    reason: FailureReason
    text: str = ""
    sop_class_uid: str | None = None
    sop_instance_uid: str | None = None


type StoreOutcome = StoredInstance | FailedInstance

_REASONS: tuple[tuple[type[AppError], FailureReason], ...] = (
    (MissingAttributeError, FailureReason.VALIDATION_FAILED),
    (InvalidAttributeError, FailureReason.VALIDATION_FAILED),
    (InvalidUidError, FailureReason.VALIDATION_FAILED),
    (UnsupportedObjectError, FailureReason.SOP_CLASS_NOT_SUPPORTED),
    (DamagedDicomError, FailureReason.CANNOT_UNDERSTAND),
    (ObjectExistsError, FailureReason.ALREADY_EXISTS),
    (ConcurrentChangeError, FailureReason.BEING_CREATED),
    (ObjectChangedError, FailureReason.BEING_CREATED),
    (PayloadTooLargeError, FailureReason.OUT_OF_RESOURCES),
    (BackendUnavailableError, FailureReason.OUT_OF_RESOURCES),
)


def failure_reason(error: AppError) -> FailureReason:
    """Return the reason to give for an error; bytes that are no DICOM at all are a processing failure."""
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return FailureReason.PROCESSING_FAILURE


def store_response(
    outcomes: Sequence[StoreOutcome], *, study_url: str | None = None
) -> tuple[int, dict[str, Any] | None]:
    """Return the HTTP status and the DICOM JSON data set of the answer.

    The status is 200 if all were stored without a warning, 202 if some were stored or with warnings, 409 if none
    was, and 204 without a data set if there was nothing to store.

    Args:
        outcomes: What became of each instance, in the order sent.
        study_url: Where the study can be retrieved, if the request was for one; told if anything was stored.

    Source: PS3.18 2024e §10.5.3.1, Table I.2-1
    """
    if not outcomes:
        return 204, None
    stored = [outcome for outcome in outcomes if isinstance(outcome, StoredInstance)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, FailedInstance)]
    answer: dict[str, Any] = {}
    if stored and study_url is not None:
        answer["00081190"] = {"vr": "UR", "Value": [study_url]}
    if failed:
        answer["00081198"] = {"vr": "SQ", "Value": [_failed_item(instance) for instance in failed]}
    if stored:
        answer["00081199"] = {"vr": "SQ", "Value": [_stored_item(instance) for instance in stored]}
    return _status(stored, failed), answer


def _status(stored: list[StoredInstance], failed: list[FailedInstance]) -> int:
    if not stored:
        return 409
    return 202 if failed or any(instance.warning_reason is not None for instance in stored) else 200


def _stored_item(instance: StoredInstance) -> dict[str, Any]:
    item = _reference(instance)
    item["00081190"] = {"vr": "UR", "Value": [instance.retrieve_url]}
    if instance.warning_reason is not None:
        item["00081196"] = {"vr": "US", "Value": [int(instance.warning_reason)]}
        item |= _comments(instance.warnings)
    return item


def _failed_item(instance: FailedInstance) -> dict[str, Any]:
    item = _reference(instance)
    item["00081197"] = {"vr": "US", "Value": [int(instance.reason)]}
    return item | _comments([instance.text] if instance.text else [])


def _reference(instance: StoreOutcome) -> dict[str, Any]:
    uids = {"00081150": instance.sop_class_uid, "00081155": instance.sop_instance_uid}
    return {tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids.items() if uid}


def _comments(texts: Iterable[str]) -> dict[str, Any]:
    """Return (0074,1048) with an Error Comment per text, as the Azure DICOM service words its reasons.

    Texts are sent whole, although an Error Comment (LO) is to have 64 characters: half a reason helps nobody.
    """
    items = [{"00000902": {"vr": "LO", "Value": [text]}} for text in texts]
    return {"00741048": {"vr": "SQ", "Value": items}} if items else {}
