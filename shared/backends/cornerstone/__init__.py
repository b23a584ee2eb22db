"""The study list of the CornerstoneJS prototype, whose files lie in an Orthanc, as a source of imports."""

from shared.backends.cornerstone.source import StudyListSource

__all__ = ["StudyListSource"]
