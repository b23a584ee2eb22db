"""Who calls, and what they may do where. It checks no token."""

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Literal

from shared.dicom.partition_names import validate_partition_name
from shared.errors import InvalidRequestError

type CallerKind = Literal["user", "application", "function-key", "nobody", "system"]


class Role(IntEnum):
    """What somebody may do; each role may do what those before it may."""

    READER = 1
    """Search, retrieve, describe."""
    WRITER = 2
    """Also store, replace, delete, de-identify, and start jobs."""
    ADMIN = 3
    """Also reconcile, rebuild, migrate, and read their reports."""


_NAMES: Final = {"reader": Role.READER, "writer": Role.WRITER, "admin": Role.ADMIN}
_OF_AZURE: Final = {"dicomdatareader": Role.READER, "dicomdataowner": Role.ADMIN}
"""The roles of the Azure DICOM service, without blanks: the value of an app role cannot hold any."""
_PASSED_OVER: Final = re.compile(r"[ ._-]")


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, in one data partition or, where *partition* is None, in the whole archive."""

    role: Role
    partition: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, by ids only: names and addresses are nobody's business here.

    Attributes:
        kind: What they showed.
        user_id: Object id (oid) of a user or service principal.
        app_id: Id of the application that the token was given to.
        tenant_id: Of the directory.
        grants: What they may do.
    """

    kind: CallerKind
    user_id: str = ""
    app_id: str = ""
    tenant_id: str = ""
    grants: frozenset[Grant] = field(default_factory=frozenset)

    def may(self, role: Role, partition: str | None) -> bool:
        """Tell whether they have *role* in a data partition, or where that is None, in the whole archive."""
        return any(
            grant.role >= role and (grant.partition is None or grant.partition == partition)
            for grant in self.grants
        )

    def may_somewhere(self, role: Role) -> bool:
        """Tell whether they have *role* in any data partition at all."""
        return any(grant.role >= role for grant in self.grants)


EVERYTHING: Final = frozenset({Grant(Role.ADMIN)})
NOBODY: Final = Caller("nobody")
"""Who has shown nothing, and may do nothing."""
SYSTEM: Final = Caller("system", grants=EVERYTHING)
"""The app itself, where a queue or a timer sets it to work."""


def read_grant(name: str) -> Grant | None:
    """Read the name of a role, such as "reader" or "writer:partition-a"; None of one that means nothing here.

    A role with a data partition is good there only. `admin` has none: what it does concerns the whole archive.
    """
    title, separator, partition = name.partition(":")
    role = _NAMES.get(title.lower()) or _OF_AZURE.get(_PASSED_OVER.sub("", title).lower())
    if role is None:
        return None
    if not separator:
        return Grant(role)
    if role is Role.ADMIN:
        return None
    try:
        return Grant(role, validate_partition_name(partition))
    except InvalidRequestError:
        return None
