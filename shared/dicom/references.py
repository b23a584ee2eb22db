"""Which study, series or instance is meant. A reference says nothing about whether it exists."""

from __future__ import annotations

from dataclasses import dataclass

from shared.dicom.uids import validate_uid


@dataclass(frozen=True, slots=True, order=True)
class StudyRef:
    """A study. Making one checks its UID.

    Raises:
        InvalidUidError: The UID breaks PS3.5 §9.1.
    """

    study_instance_uid: str

    def __post_init__(self) -> None:
        validate_uid(self.study_instance_uid, "StudyInstanceUID")


@dataclass(frozen=True, slots=True, order=True)
class SeriesRef:
    """A series of a study. Making one checks both UIDs.

    Raises:
        InvalidUidError: A UID breaks PS3.5 §9.1.
    """

    study_instance_uid: str
    series_instance_uid: str

    def __post_init__(self) -> None:
        validate_uid(self.study_instance_uid, "StudyInstanceUID")
        validate_uid(self.series_instance_uid, "SeriesInstanceUID")

    @property
    def study(self) -> StudyRef:
        """Return the study of this series."""
        return StudyRef(self.study_instance_uid)


@dataclass(frozen=True, slots=True, order=True)
class InstanceRef:
    """A SOP instance of a series. Making one checks its three UIDs.

    Raises:
        InvalidUidError: A UID breaks PS3.5 §9.1.
    """

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str

    def __post_init__(self) -> None:
        validate_uid(self.study_instance_uid, "StudyInstanceUID")
        validate_uid(self.series_instance_uid, "SeriesInstanceUID")
        validate_uid(self.sop_instance_uid, "SOPInstanceUID")

    @property
    def study(self) -> StudyRef:
        """Return the study of this instance."""
        return StudyRef(self.study_instance_uid)

    @property
    def series(self) -> SeriesRef:
        """Return the series of this instance."""
        return SeriesRef(self.study_instance_uid, self.series_instance_uid)
