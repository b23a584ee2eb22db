"""Walk a container's listing beside the ledger, both in the order of names. It decides nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.ports.archive import ObjectLedger, ObjectStore
from shared.records import LedgerEntry, ObjectInfo, ObjectKey, ObjectState


@dataclass(frozen=True, slots=True)
class Met:
    """A name that the store or the ledger has, with what each says of it."""

    key: ObjectKey
    info: ObjectInfo | None
    entry: LedgerEntry | None

    @property
    def is_settled(self) -> bool:
        """Whether both say the same, and its handling was not cut off."""
        return (
            self.info is not None
            and self.entry is not None
            and self.info.etag == self.entry.etag
            and self.entry.state is not ObjectState.PENDING
        )


async def beside_ledger(
    container: str, after: str, objects: ObjectStore, ledger: ObjectLedger, *, prefix: str = ""
) -> AsyncIterator[Met]:
    """Yield every name after *after* that the listing or the ledger has, in their order.

    Args:
        container: To list.
        after: Where to begin.
        objects: What there is.
        ledger: What is known.
        prefix: Which objects to list; entries are the ledger's, whatever their names.

    Raises:
        ObjectNotFoundError: There is no such container.
    """
    listing = objects.scan(container, prefix=prefix, after=after)
    entries = ledger.scan(container, after=after)
    info, entry = await anext(listing, None), await anext(entries, None)
    while info is not None or entry is not None:
        key = min(known.key for known in (info, entry) if known is not None)
        listed = info if info is not None and info.key == key else None
        noted = entry if entry is not None and entry.key == key else None
        yield Met(key, listed, noted)
        if listed is not None:
            info = await anext(listing, None)
        if noted is not None:
            entry = await anext(entries, None)
