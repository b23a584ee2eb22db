"""Decide whether an instance may be stored, by its header alone. It stores nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from shared.dicom.header import Header
from shared.dicom.references import StudyRef
from shared.dicom.store_response import FailedInstance, FailureReason
from shared.dicom.uids import validate_uid
from shared.errors import InvalidUidError, MissingAttributeError
from shared.flows._instance_record import Identity

_SOP_CLASS_UID: Final = 0x0008_0016
_SOP_INSTANCE_UID: Final = 0x0008_0018
_PATIENT_ID: Final = 0x0010_0020


@dataclass(frozen=True, slots=True)
class Admission:
    """What may be stored: UIDs of SOP classes and of transfer syntaxes; where there are none, every one.

    An instance without PatientID is taken only where *needs_patient_id* is False.
    """

    sop_classes: Collection[str] = ()
    transfer_syntaxes: Collection[str] = ()
    needs_patient_id: bool = True

    def check_attributes(self, header: Header) -> None:
        """Raise MissingAttributeError if an attribute is absent that has to be there."""
        if self.needs_patient_id:
            check_patient_id(header)

    def refusal(self, header: Header, identity: Identity, study: StudyRef | None) -> FailedInstance | None:
        """Return why an instance is not stored, or None; *study* is the only one to store to, if there is one."""
        if study not in (None, identity.ref.study):
            text = f"(0020,000D) StudyInstanceUID {identity.ref.study_instance_uid} is not the study of the request"
            return _failed(FailureReason.STUDY_MISMATCH, text, identity)
        if self.sop_classes and identity.sop_class_uid not in self.sop_classes:
            text = f"(0008,0016) SOPClassUID {identity.sop_class_uid} is not one that this archive takes"
            return _failed(FailureReason.SOP_CLASS_NOT_SUPPORTED, text, identity)
        if self.transfer_syntaxes and header.transfer_syntax_uid not in self.transfer_syntaxes:
            text = f"transfer syntax {header.transfer_syntax_uid} is not one that this archive takes"
            return _failed(FailureReason.TRANSFER_SYNTAX_NOT_SUPPORTED, text, identity)
        return None


def check_patient_id(header: Header) -> None:
    """Raise MissingAttributeError if there is no PatientID, not even an empty one."""
    if not header.has(_PATIENT_ID):
        raise MissingAttributeError("(0010,0020) PatientID is absent; it may be empty, but it must be there")


def said_uids(header: Header | None) -> tuple[str | None, str | None]:
    """Return SOP class and SOP instance UID of an instance that was refused, where they can be read."""
    if header is None:
        return None, None
    return _uid(header, _SOP_CLASS_UID), _uid(header, _SOP_INSTANCE_UID)


def _uid(header: Header, tag: int) -> str | None:
    try:
        return validate_uid(header.text(tag) or "")
    except InvalidUidError:
        return None


def _failed(reason: FailureReason, text: str, identity: Identity) -> FailedInstance:
    return FailedInstance(reason, text, identity.sop_class_uid, identity.ref.sop_instance_uid)
