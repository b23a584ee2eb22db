"""What was decided of upload sessions: a row each, inserted once, that makes all of a session seen or none of it."""

from collections.abc import Mapping
from typing import Any, Final

from shared.backends.azure_table import keys
from shared.backends.azure_table.tables import Tables
from shared.errors import BackendUnavailableError
from shared.ports.sessions import Fate

TABLE: Final = "jobs"
_ROW: Final = "fate"
_MOST: Final = 4096

SESSION: Final = "session"
"""Property of an instance's row: the session that hides it until it is committed. Rows of no session have none."""
SESSION_BEFORE: Final = "was"
"""Property of a row that was published: the session of which it was."""


class Fates:
    """Reads and decides; what is decided never changes, so it is remembered."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._decided: dict[str, Fate] = {}

    async def of(self, session: str) -> Fate:
        """Return what was decided of a session."""
        if (known := self._decided.get(session)) is not None:
            return known
        row = await self._tables.get(TABLE, keys.checked(session), _ROW)
        return Fate.OPEN if row is None else self._remember(session, Fate(row["fate"]))

    async def decide(self, session: str, fate: Fate) -> Fate:
        """Decide if nothing was decided yet; return what is."""
        row = {"PartitionKey": keys.checked(session), "RowKey": _ROW, "fate": fate.value}
        if await self._tables.insert(TABLE, row):
            return self._remember(session, fate)
        found = await self.of(session)
        if found is Fate.OPEN:
            raise BackendUnavailableError(f"table {TABLE} does not keep what is written to it")
        return found

    def _remember(self, session: str, fate: Fate) -> Fate:
        self._decided[session] = fate
        if len(self._decided) > _MOST:
            del self._decided[next(iter(self._decided))]
        return fate


class View:
    """Which rows one answer shows. It keeps to what it has once left out, so that it never shows half a session.

    A row without a session costs nothing. One of a session that is not published yet costs a request, once an answer,
    and none once the session is known to be committed.
    """

    def __init__(self, fates: Fates) -> None:
        self._fates = fates
        self.hidden: set[str] = set()
        self.shown: set[str] = set()

    async def shows(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row of an instance is to be seen."""
        session = row.get(SESSION)
        if session is None:
            return row.get(SESSION_BEFORE) not in self.hidden
        if session in self.hidden:
            return False
        if session in self.shown or await self._fates.of(session) is Fate.COMMITTED:
            self.shown.add(session)
            return True
        self.hidden.add(session)
        return False
