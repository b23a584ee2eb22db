"""Say of a file of a run what became of it, and what it was that was sent. It sends nothing."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from shared.access.audit_events import Action
from shared.access.touched import touch
from shared.dicom.tags import tag_text
from shared.flows._tagged_file import TaggedFile
from shared.flows._upload_records import Confirmation
from shared.ports.jobs import ItemState, JobItem
from shared.ports.partner import PartnerAnswer, SentFile
from shared.progress import BYTES

BUMPED: Final = "the partner has a file under this attempt already"
"""Why a run goes on as the next attempt, where it was asked to."""


def leaves(tagged: TaggedFile) -> None:
    """Let the audit trail know that a file is about to leave the archive; whose, if it says so."""
    if tagged.ref is not None:
        touch(Action.READ, tagged.ref)


class HashedFile:
    """A file whose digest is taken as it passes; the one of the last time that it was read to its end counts."""

    def __init__(self, file: SentFile) -> None:
        self._file = file
        self.sha256 = ""

    @property
    def size(self) -> int:
        """Of the file in bytes."""
        return self._file.size

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield its bytes, from the first one, each time it is asked."""
        digest = hashlib.sha256()
        async for chunk in self._file.stream():
            digest.update(chunk)
            # Whoever sends it knows its size, and asks for no more than that.
            self.sha256 = digest.hexdigest()
            yield chunk


def confirmation_of(answer: PartnerAnswer, sent: HashedFile) -> Confirmation:
    """Return what is kept of an answer."""
    text = answer.text.decode(errors="replace")
    return Confirmation(sent.sha256, sent.size, answer.status, text, answer.already_stored)


def with_tags(item: JobItem, tagged: TaggedFile) -> JobItem:
    """Return *item* with what was done to its attributes."""
    told = [f"{tag_text(tag)} {change.value}" for tag, change in sorted(tagged.report.items())]
    if tagged.charset_changed:
        told.append("(0008,0005) changed")
    counts = Counter(change.value for change in tagged.report.values())
    return replace(item, facts={**item.facts, "tags": ", ".join(told)}, counts=dict(counts))


def done_item(item: JobItem, told: Confirmation, how: str) -> JobItem:
    """Return *item* as one that is with the partner, or was checked."""
    facts = {**item.facts, "how": how}
    if told.status:
        facts |= {"status": str(told.status), "sha256": told.sha256}
    return replace(
        item, state=ItemState.DONE, error="", facts=facts, counts={**item.counts, BYTES: told.size}
    )
