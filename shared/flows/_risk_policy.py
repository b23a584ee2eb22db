"""Keep out what identifies its patient too plainly, where the archive's owner has set a limit."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from shared.dicom.header import Header
from shared.dicom.risk.rules import RiskLevel
from shared.errors import RiskTooHighError
from shared.ports.archive import ObjectStore
from shared.records import ObjectKey

_CATEGORIES_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class RiskPolicy:
    """From which level on an instance is kept out, None for none, and where what was sent is held instead of refused."""

    limit: RiskLevel | None = None
    quarantine: str | None = None
    """A container that nothing watches; None: what is kept out is not kept at all."""


def check_risk(header: Header, policy: RiskPolicy) -> None:
    """Do nothing for an instance below the limit.

    Raises:
        RiskTooHighError: It is not; the message has the level and the kinds of identifiers, no value.
    """
    if policy.limit is None:
        return
    from shared.dicom.risk.assessment import assess
    from shared.dicom.risk.report import level_name

    found = assess(header)
    if found.level < policy.limit:
        return
    kinds = sorted({rule.category for rule in found.rules() if rule.level >= policy.limit})
    named = ", ".join(kinds[:_CATEGORIES_NAMED]) + (" and more" if len(kinds) > _CATEGORIES_NAMED else "")
    raise RiskTooHighError(
        f"It identifies its patient at level {level_name(found.level)} ({named}), and instances of level"
        f" {level_name(policy.limit)} and above are kept out. De-identify it first."
    )


async def hold_in_quarantine(
    policy: RiskPolicy, key: ObjectKey, data: bytes | AsyncIterator[bytes], objects: ObjectStore
) -> None:
    """Keep the bytes of an instance that was kept out, under the name it would have had, if there is a place for it."""
    if policy.quarantine is not None:
        await objects.put(ObjectKey(policy.quarantine, key.name), data)
