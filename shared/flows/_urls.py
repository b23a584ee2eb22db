"""Make the URLs of DICOMweb resources. Nobody is asked whether they exist."""

from shared.dicom.references import InstanceRef, SeriesRef, StudyRef


def study_url(service_url: str, ref: StudyRef) -> str:
    """Return the URL of a study below *service_url*, the public root of the service without a trailing slash."""
    return f"{service_url}/studies/{ref.study_instance_uid}"


def series_url(service_url: str, ref: SeriesRef) -> str:
    """Return the URL of a series."""
    return f"{study_url(service_url, ref.study)}/series/{ref.series_instance_uid}"


def instance_url(service_url: str, ref: InstanceRef) -> str:
    """Return the URL of an instance."""
    return f"{series_url(service_url, ref.series)}/instances/{ref.sop_instance_uid}"
