"""Any DICOMweb server as a source of imports."""

from shared.backends.dicomweb_client.source import DicomwebSource

__all__ = ["DicomwebSource"]
