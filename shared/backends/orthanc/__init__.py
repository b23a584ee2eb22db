"""Orthanc as a source of imports, by its own REST API."""

from shared.backends.orthanc.source import OrthancSource

__all__ = ["OrthancSource"]
