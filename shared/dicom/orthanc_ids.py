"""How Orthanc names resources: a digest of what identifies them. Asks no Orthanc."""

import hashlib
import re
from typing import Final

from shared.dicom.references import InstanceRef

_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{8}){4}")
_GROUP: Final = 8


def is_orthanc_id(text: str) -> bool:
    """Tell whether *text* may be the id of a resource in Orthanc: five groups of eight hexadecimal digits."""
    return _ID.fullmatch(text) is not None


def orthanc_id(ref: InstanceRef, patient_id: str) -> str:
    """Return the id that Orthanc gives an instance: SHA-1 of PatientID and the three UIDs, joined by "|".

    Args:
        ref: Of the instance.
        patient_id: Without the padding around it; empty where there is none.
    """
    parts = (patient_id, ref.study_instance_uid, ref.series_instance_uid, ref.sop_instance_uid)
    digest = hashlib.sha1("|".join(parts).encode(), usedforsecurity=False).hexdigest()
    return "-".join(digest[start : start + _GROUP] for start in range(0, len(digest), _GROUP))
