"""How an endpoint speaks: the same handlers serve several roots, and this is all in which these differ."""

from dataclasses import dataclass
from typing import Final

from shared.dicom import query
from shared.dicom.query import QueryOptions
from shared.dicom.store_response import WarningReason
from shared.records import DuplicatePolicy


@dataclass(frozen=True, slots=True)
class Dialect:
    """The habits of one root.

    Attributes:
        root: Path of the root, without slashes around it.
        query: Limits of searches, and what becomes of parameters that are unknown.
        duplicates: What becomes of an instance that is stored again; None for what the setting says.
        warning_reason: How a stored instance is reported about which something is odd.
        partition_must_exist: Whether reading a data partition that is unknown is a bad request, rather than not found.
        default_changes: Entries in a page of the change feed, if the client does not say.
        max_changes: Most entries in a page of the change feed.
        pages_by_sequence: Whether a page of the change feed is a span of sequences, of which those entries are left
            out that were not asked for, so that it may be empty; else it is a number of entries.
    """

    root: str
    query: QueryOptions
    duplicates: DuplicatePolicy | None
    warning_reason: WarningReason
    partition_must_exist: bool = False
    default_changes: int = 100
    max_changes: int = 200
    pages_by_sequence: bool = False


STANDARD: Final = Dialect(
    root="dicomweb",
    query=query.STANDARD,
    duplicates=None,
    warning_reason=WarningReason.DATA_SET_MISMATCH,
)
AZURE_V1: Final = Dialect(
    root="v1",
    query=query.AZURE,
    duplicates="reject",
    warning_reason=WarningReason.AZURE_VALIDATION,
    partition_must_exist=True,
    default_changes=10,
    max_changes=100,
    pages_by_sequence=True,
)
AZURE_V2: Final = Dialect(
    root="v2",
    query=query.AZURE,
    duplicates="reject",
    warning_reason=WarningReason.AZURE_VALIDATION,
    partition_must_exist=True,
)
DIALECTS: Final = (STANDARD, AZURE_V1, AZURE_V2)
