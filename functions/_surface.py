"""Each HTTP function, by name: the role that it needs, of which data partition, and as what it is audited.

This is the one place that says so. With tokens of Entra ID a function that is not here is refused to everybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from functions._dialect import DIALECTS
from shared.access.audit_events import Action, AuditEvent
from shared.access.callers import Role


class Reach(Enum):
    """Whose data a function gives or takes, and so where its caller must have the role."""

    NOTHING = auto()
    """No data of the archive: the role in any data partition will do."""
    WHOLE = auto()
    """All data partitions, so that a role in some of them is not enough."""
    DEFAULT = auto()
    """The default data partition."""
    PATH = auto()
    """The one of the route parameter `partition`, or the default one."""
    QUERY = auto()
    """The one of the query parameter `partition`, or the default one; and those of `toPartition`."""
    HANDLER = auto()
    """One that the handler must find first: it calls `check_partition`."""


@dataclass(frozen=True, slots=True)
class Surface:
    """What is declared of one function.

    Attributes:
        role: None for who shows no token.
        reach: Where the role is needed.
        event: As what a request is audited; None where it touches no patient's data.
        action: What it does to that data.
    """

    role: Role | None
    reach: Reach
    event: AuditEvent | None = None
    action: Action = Action.READ


_R, _W, _A = Role.READER, Role.WRITER, Role.ADMIN
_ACCESSED, _TRANSFERRED = AuditEvent.INSTANCES_ACCESSED, AuditEvent.INSTANCES_TRANSFERRED
_QUERY, _EXPORT, _IMPORT = AuditEvent.QUERY, AuditEvent.EXPORT, AuditEvent.IMPORT
_RECORD, _ACTIVITY = AuditEvent.PATIENT_RECORD, AuditEvent.APPLICATION_ACTIVITY

_DICOMWEB: Final[Mapping[str, Surface]] = {
    "search": Surface(_R, Reach.PATH, _QUERY, Action.EXECUTE),
    "search_series": Surface(_R, Reach.PATH, _QUERY, Action.EXECUTE),
    "search_instances": Surface(_R, Reach.PATH, _QUERY, Action.EXECUTE),
    "search_series_instances": Surface(_R, Reach.PATH, _QUERY, Action.EXECUTE),
    "retrieve": Surface(_R, Reach.PATH, _TRANSFERRED),
    "store": Surface(_W, Reach.PATH, _TRANSFERRED, Action.CREATE),
    "delete": Surface(_W, Reach.PATH, AuditEvent.STUDY_DELETED, Action.DELETE),
    "changes": Surface(_R, Reach.WHOLE, _QUERY, Action.EXECUTE),
    "partitions": Surface(_R, Reach.WHOLE),
}
"""Of every root, and of its data partitions."""

_OTHERS: Final[Mapping[str, Surface]] = {
    # Cases lie in the default data partition.
    "get_case": Surface(_R, Reach.DEFAULT, _ACCESSED),
    "get_case_view": Surface(_R, Reach.DEFAULT, _ACCESSED),
    "list_cases": Surface(_R, Reach.DEFAULT, _QUERY, Action.EXECUTE),
    "put_case": Surface(_W, Reach.DEFAULT, _TRANSFERRED, Action.CREATE),
    "get_report": Surface(_R, Reach.DEFAULT, _RECORD),
    "put_report": Surface(_W, Reach.DEFAULT, _RECORD, Action.UPDATE),
    "index_cases": Surface(_A, Reach.WHOLE, _IMPORT, Action.CREATE),
    "migrate_reports": Surface(_A, Reach.WHOLE, _RECORD, Action.UPDATE),
    # Who may have any file de-identified could find out, by trying, whose pseudonym is whose: no reader may.
    "deidentify": Surface(_W, Reach.NOTHING, _EXPORT),
    "deidentify_study": Surface(_W, Reach.QUERY, _EXPORT),
    "deidentify_series": Surface(_W, Reach.QUERY, _EXPORT),
    "deidentify_instance": Surface(_W, Reach.QUERY, _EXPORT),
    "deidentify_case": Surface(_W, Reach.QUERY, _EXPORT),
    "deidentify_status": Surface(_R, Reach.HANDLER, _ACCESSED),
    "deidentify_report": Surface(_R, Reach.HANDLER, _ACCESSED),
    # What is sent to the partner leaves the archive.
    "begin_upload": Surface(_W, Reach.QUERY, _EXPORT),
    "upload_status": Surface(_R, Reach.HANDLER, _ACCESSED),
    "upload_log": Surface(_R, Reach.HANDLER, _ACCESSED),
    "describe_instance": Surface(_R, Reach.QUERY, _ACCESSED),
    "describe_file": Surface(_R, Reach.QUERY, _ACCESSED),
    "risk_of_instance": Surface(_R, Reach.QUERY, _ACCESSED),
    "risk_of_file": Surface(_R, Reach.QUERY, _ACCESSED),
    "risk_of_study": Surface(_R, Reach.QUERY, _ACCESSED),
    "list_risks": Surface(_R, Reach.QUERY, _QUERY, Action.EXECUTE),
    "search": Surface(_R, Reach.QUERY, _QUERY, Action.EXECUTE),
    "search_by_query": Surface(_R, Reach.QUERY, _QUERY, Action.EXECUTE),
    "search_file": Surface(_R, Reach.QUERY, _TRANSFERRED),
    "search_file_by_query": Surface(_R, Reach.QUERY, _TRANSFERRED),
    # Watched containers belong to the default data partition.
    "store_search_file": Surface(_W, Reach.DEFAULT, _TRANSFERRED, Action.CREATE),
    "delete_search_file": Surface(_W, Reach.DEFAULT, AuditEvent.STUDY_DELETED, Action.DELETE),
    "rebuild_search": Surface(_A, Reach.WHOLE, _ACTIVITY, Action.EXECUTE),
    "drift_report": Surface(_A, Reach.WHOLE, _QUERY, Action.EXECUTE),
    "reindex_now": Surface(_A, Reach.WHOLE, _IMPORT, Action.UPDATE),
    "ledger_of_instance": Surface(_R, Reach.QUERY, _QUERY, Action.EXECUTE),
    # It looks at the object itself, which may be anybody's.
    "ledger_of_object": Surface(_R, Reach.WHOLE, _QUERY, Action.EXECUTE),
    # The data partition stands in the body, or in the job.
    "start_import": Surface(_W, Reach.HANDLER, _IMPORT, Action.CREATE),
    "resume_import": Surface(_W, Reach.HANDLER, _IMPORT, Action.CREATE),
    "import_status": Surface(_R, Reach.HANDLER, _QUERY),
    "import_manifest": Surface(_R, Reach.HANDLER, _QUERY),
    "list_imports": Surface(_R, Reach.WHOLE, _QUERY),
    "poison_list": Surface(_A, Reach.WHOLE, _QUERY, Action.EXECUTE),
    "poison_replay": Surface(_A, Reach.WHOLE, _ACTIVITY, Action.EXECUTE),
    "poison_replay_all": Surface(_A, Reach.WHOLE, _ACTIVITY, Action.EXECUTE),
    "list_jobs": Surface(_R, Reach.WHOLE, _QUERY, Action.EXECUTE),
    "jobs_page": Surface(_R, Reach.WHOLE, _QUERY, Action.EXECUTE),
    "start_session": Surface(_W, Reach.QUERY, _TRANSFERRED, Action.CREATE),
    "session_targets": Surface(_W, Reach.HANDLER, _TRANSFERRED, Action.CREATE),
    "commit_session": Surface(_W, Reach.HANDLER, _TRANSFERRED, Action.CREATE),
    "abandon_session": Surface(_W, Reach.HANDLER, _ACTIVITY, Action.EXECUTE),
    "session_status": Surface(_R, Reach.HANDLER, _ACCESSED),
    "start_page": Surface(_R, Reach.DEFAULT, _QUERY, Action.EXECUTE),
    "health_check": Surface(_R, Reach.NOTHING),
    # A load balancer has no token, and is told no more than that all is well or not.
    "health": Surface(None, Reach.NOTHING),
    "openapi": Surface(None, Reach.NOTHING),
    "page_asset": Surface(None, Reach.NOTHING),
    # A browser sends no token with this question.
    "preflight": Surface(None, Reach.NOTHING),
}

SURFACES: Final[Mapping[str, Surface]] = {
    **_OTHERS,
    **{
        f"{dialect.root}{within}_{operation}": surface
        for dialect in DIALECTS
        for operation, surface in _DICOMWEB.items()
        for within in ("", "_partition")
    },
}
