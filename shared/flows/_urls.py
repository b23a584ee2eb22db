"""Make the URLs of DICOMweb resources. Nobody is asked whether they exist."""

import hashlib
from typing import Final

from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.records import InstanceRecord

_VERSION_DIGITS: Final = 32


def study_url(service_url: str, ref: StudyRef) -> str:
    """Return the URL of a study below *service_url*, the public root of the service without a trailing slash."""
    return f"{service_url}/studies/{ref.study_instance_uid}"


def series_url(service_url: str, ref: SeriesRef) -> str:
    """Return the URL of a series."""
    return f"{study_url(service_url, ref.study)}/series/{ref.series_instance_uid}"


def instance_url(service_url: str, ref: InstanceRef) -> str:
    """Return the URL of an instance."""
    return f"{series_url(service_url, ref.series)}/instances/{ref.sop_instance_uid}"


def version_name(record: InstanceRecord) -> str:
    """Return what stands for a record's object among all that hold its instance."""
    return hashlib.sha256(str(record.location.key).encode()).hexdigest()[:_VERSION_DIGITS]


def version_url(service_url: str, record: InstanceRecord) -> str:
    """Return the URL of the object of a record, whichever object serves the instance."""
    return f"{instance_url(service_url, record.ref)}/history/{version_name(record)}"
