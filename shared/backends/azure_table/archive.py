"""Composition of one data partition's adapters on tables. Makes no client."""

import base64
import hmac
import secrets
from dataclasses import dataclass

from shared.backends.azure_table.case_sessions import AzureTableCaseSessions
from shared.backends.azure_table.cases import AzureTableCases
from shared.backends.azure_table.changes import AzureTableChanges
from shared.backends.azure_table.checkpoints import AzureTableCheckpoints
from shared.backends.azure_table.dirty import Dirty
from shared.backends.azure_table.fates import Fates
from shared.backends.azure_table.instances import AzureTableInstances
from shared.backends.azure_table.ledger import AzureTableLedger
from shared.backends.azure_table.lookups import LookupKeys
from shared.backends.azure_table.risks import AzureTableRisks
from shared.backends.azure_table.rows import RecordRows
from shared.backends.azure_table.search import AzureTableSearch
from shared.backends.azure_table.staged import AzureTableSessions
from shared.backends.azure_table.summaries import AzureTableSummaries
from shared.backends.azure_table.tables import Tables
from shared.errors import BackendUnavailableError
from shared.ports.archive import ObjectStore

TABLES = (
    "objects",
    "instances",
    "series",
    "studies",
    "lookups",
    "instancelookups",
    "cases",
    "changes",
    "checkpoints",
    "jobs",
)
"""What must exist before the app runs, the report table apart."""

_CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class TableArchive:
    """The adapters of one data partition."""

    instances: AzureTableInstances
    sessions: AzureTableSessions
    summaries: AzureTableSummaries
    search: AzureTableSearch
    changes: AzureTableChanges
    ledger: AzureTableLedger
    cases: AzureTableCases
    case_sessions: AzureTableCaseSessions
    checkpoints: AzureTableCheckpoints
    risks: AzureTableRisks
    cursor_key: bytes
    """Of this partition, for sealing where searches go on; every process has the same."""


async def build_archive(
    tables: Tables,
    objects: ObjectStore,
    *,
    partition: str,
    derived_container: str,
    search_budget_rows: int,
    search_count_rows: int,
    changes: AzureTableChanges | None = None,
) -> TableArchive:
    """Make the adapters of *partition*; those of several partitions share *changes*, for there is one feed.

    Raises:
        BackendUnavailableError: The tables do not answer.
    """
    secret = await _lookup_secret(tables)
    lookup_keys = LookupKeys(partition, secret)
    rows = RecordRows(objects, derived_container, partition)
    dirty = Dirty(tables, partition)
    changes = changes or AzureTableChanges(tables)
    fates = Fates(tables)
    instances = AzureTableInstances(tables, rows, dirty, partition, fates)
    summaries = AzureTableSummaries(tables, rows, dirty, changes, lookup_keys, fates=fates)
    search = AzureTableSearch(
        tables,
        rows,
        summaries,
        lookup_keys,
        budget_rows=search_budget_rows,
        count_rows=search_count_rows,
        fates=fates,
    )
    return TableArchive(
        instances=instances,
        sessions=instances.sessions,
        summaries=summaries,
        search=search,
        changes=changes,
        ledger=AzureTableLedger(tables, partition),
        cases=AzureTableCases(tables, partition),
        case_sessions=AzureTableCaseSessions(tables, partition),
        checkpoints=AzureTableCheckpoints(tables, partition),
        risks=AzureTableRisks(tables, partition),
        cursor_key=hmac.digest(secret, f"cursor!{partition}".encode(), "sha256"),
    )


async def _lookup_secret(tables: Tables) -> bytes:
    """Return the key that patients' data is hashed with in lookup keys; made once an account, and kept beside them.

    It keeps values out of URLs and logs. It does not hide them from who can read the tables: their rows hold them.
    """
    row_keys = "lookups", "secret"
    row = await tables.get(_CHECKPOINTS, *row_keys)
    if row is None:
        made = base64.b64encode(secrets.token_bytes(32)).decode()
        # Another process may be first; what is there afterwards counts.
        await tables.insert(
            _CHECKPOINTS, {"PartitionKey": row_keys[0], "RowKey": row_keys[1], "secret": made}
        )
        row = await tables.get(_CHECKPOINTS, *row_keys)
    if row is None:
        raise BackendUnavailableError("table checkpoints does not keep what is written to it")
    return base64.b64decode(row["secret"])
