"""The words of audit messages. It writes none.

Source: PS3.15 2024e §A.5.1 and §A.5.3; codes of PS3.16 CID 400, CID 401 and CID 403
"""

from enum import Enum, IntEnum, StrEnum


class AuditEvent(Enum):
    """EventID: a code of DCM and its meaning."""

    APPLICATION_ACTIVITY = ("110100", "Application Activity")
    INSTANCES_ACCESSED = ("110103", "DICOM Instances Accessed")
    INSTANCES_TRANSFERRED = ("110104", "DICOM Instances Transferred")
    STUDY_DELETED = ("110105", "DICOM Study Deleted")
    EXPORT = ("110106", "Export")
    IMPORT = ("110107", "Import")
    PATIENT_RECORD = ("110110", "Patient Record")
    QUERY = ("110112", "Query")
    SECURITY_ALERT = ("110113", "Security Alert")
    USER_AUTHENTICATION = ("110114", "User Authentication")


class AuditType(Enum):
    """EventTypeCode, where an event has one."""

    LOGIN = ("110122", "Login")
    USE_OF_RESTRICTED_FUNCTION = ("110132", "Use of Restricted Function")


class Action(StrEnum):
    """EventActionCode."""

    CREATE = "C"
    READ = "R"
    UPDATE = "U"
    DELETE = "D"
    EXECUTE = "E"


class Outcome(IntEnum):
    """EventOutcomeIndicator."""

    SUCCESS = 0
    MINOR_FAILURE = 4
    SERIOUS_FAILURE = 8
    MAJOR_FAILURE = 12
