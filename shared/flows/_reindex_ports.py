"""What reconciling needs, bound to one data partition. Does nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.flows._case_commit import CaseStorePorts
from shared.flows.index_instance import IndexPorts
from shared.flows.update_search import SearchUpdatePorts
from shared.ports.archive import StudyRisks, StudySearch, StudySummaries
from shared.records import ObjectInfo

BATCH: Final = 200
"""What is done between two looks at the clock."""
_IN_FLIGHT: Final = timedelta(minutes=15)
"""Longer than any invocation may run: who wrote an object before that and has not indexed it is gone."""


@dataclass(frozen=True, slots=True)
class PartitionPorts:
    """The ports of a data partition; *watched* are the containers whose objects are its own, of any name."""

    name: str
    watched: tuple[str, ...]
    indexing: IndexPorts
    storing: CaseStorePorts
    summaries: StudySummaries
    search: StudySearch
    studies: StudyRisks
    searching: SearchUpdatePorts | None = None
    """None where there is no search index."""

    @property
    def archive(self) -> str:
        """The container in which objects of this partition are named after it."""
        return self.storing.container

    def is_in_flight(self, info: ObjectInfo) -> bool:
        """Tell whether a request may just be about to index what it has written."""
        return info.key.container == self.archive and info.modified_at > datetime.now(UTC) - _IN_FLIGHT
