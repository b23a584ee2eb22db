"""Store a clinical case: four images and a report, all or nothing.

The images are written under names of a session. One transaction then makes them the case's, with the one row that
commits it; the case is hidden until what follows is done. Killed before that row, nothing of it is visible, and the
sweep removes it; killed after it, the next request for the case, or the sweep, finishes it.
"""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.errors import (
    CaseExistsError,
    ConcurrentChangeError,
    InstanceNotFoundError,
    PreconditionFailedError,
    TransientError,
)
from shared.flows._admission import Admission
from shared.flows._case_commit import (
    CaseStorePorts,
    clear_session,
    images_of_session,
    session_prefix,
    settle_commit,
)
from shared.flows._case_ids import check_case
from shared.flows._case_parts import TakenCase, take_case
from shared.flows._incoming import IncomingPart
from shared.flows._same_bytes import same_bytes
from shared.flows.put_report import Condition
from shared.records import CaseCommit, CaseImage, CaseSession, InstanceRecord
from shared.telemetry.tracing import flow

__all__ = ["Admission", "CaseStorePorts", "Condition", "StoredCase", "store_case"]


@dataclass(frozen=True, slots=True)
class StoredCase:
    """What became of a request: its images, the ETag (without quotes) of the case, and whether it was there before."""

    images: Sequence[CaseImage]
    etag: str
    created: bool


@dataclass(frozen=True, slots=True)
class _There:
    """What there is of a case already."""

    commit: CaseCommit | None
    images: Sequence[CaseImage]
    own: Sequence[CaseImage]
    """Those of the commit."""
    report: str | None

    @property
    def exists(self) -> bool:
        return bool(self.images) or self.report is not None

    def is_same(self, taken: TakenCase) -> bool:
        """Tell whether all that was sent is there, and nothing else."""
        return (
            self.commit is not None
            and self.commit.fingerprint == taken.fingerprint
            and len(self.images) == len(self.own) == len(taken.records)
            and self.report == taken.report
        )


@flow
async def store_case(
    year: int | str,
    case_id: str,
    parts: AsyncIterator[IncomingPart],
    *,
    ports: CaseStorePorts,
    condition: Condition | None = None,
) -> StoredCase:
    """Store a case of four views and a report, or nothing of it.

    A case that is there is left as it is: with the same contents that is success, with others an error. To replace
    what was stored this way, ask for it by the condition; images of watched containers are never replaced.

    Args:
        year: Four digits.
        case_id: Such as "S0000001".
        parts: Named L__CC, L__MLO, R__CC, R__MLO and report by Content-Disposition.
        ports: Where to.
        condition: On which to store.

    Raises:
        InvalidRequestError: Year, id or parts are not those of a case.
        RejectedInstanceError: An image cannot be stored, or shows another view by its attributes.
        CaseExistsError: The case, or an instance of it, is there with other contents.
        PreconditionFailedError: The condition does not hold.
        ConcurrentChangeError: Another request stored the case meanwhile.
    """
    condition = condition or Condition()
    check_case(str(year), case_id)
    there = await _look(str(year), case_id, ports)
    _check_condition(there, condition)
    session = CaseSession(uuid.uuid4().hex, str(year), case_id, datetime.now(UTC))
    await ports.sessions.begin(session)
    committed = False
    try:
        taken = await take_case(parts, session, ports)
        if there.commit is not None and there.is_same(taken):
            return StoredCase(there.images, there.commit.session.key, created=False)
        _check_contents(there, taken, condition)
        for view, record in taken.records.items():
            await _check_instance(view, record, there, ports)
        images = [
            CaseImage(str(year), case_id, view, record.location.key, record.ref)
            for view, record in taken.records.items()
        ]
        commit = await _commit(session, taken, images, there, ports)
        committed = True
    finally:
        if not committed:
            with suppress(TransientError):  # the sweep comes by
                await clear_session(session, ports)
    await settle_commit(commit, images, ports, list(taken.records.values()))
    return StoredCase(images, session.key, created=not there.exists)


async def _look(year: str, case_id: str, ports: CaseStorePorts) -> _There:
    commit, images = await ports.sessions.case_of(year, case_id)
    if commit is not None and not commit.done:
        await settle_commit(commit, images_of_session(ports, commit.session.key, images), ports)
        commit, images = await ports.sessions.case_of(year, case_id)
    own = [] if commit is None else images_of_session(ports, commit.session.key, images)
    return _There(commit, images, own, await ports.reports.get(year, case_id))


def _check_condition(there: _There, condition: Condition) -> None:
    if condition.if_absent and there.exists:
        raise PreconditionFailedError("the case is there already")
    wanted = condition.if_match
    if wanted is None:
        return
    is_that = there.commit is not None and wanted == there.commit.session.key
    if not there.exists or not (wanted == "*" or is_that):
        raise PreconditionFailedError("the case is not there with this ETag")


def _check_contents(there: _There, taken: TakenCase, condition: Condition) -> None:
    if len(there.images) > len(there.own):
        raise CaseExistsError(
            "the case has images outside of what was stored by PUT, such as those of watched containers; remove those first"
        )
    if condition.if_match is None and (there.images or there.report not in (None, taken.report)):
        raise CaseExistsError("the case is there with other contents; send If-Match to replace it")


async def _check_instance(view: str, record: InstanceRecord, there: _There, ports: CaseStorePorts) -> None:
    """Refuse an instance that the archive holds with other bytes, which it would go on to serve."""
    try:
        serving = await ports.index.get(record.ref)
    except InstanceNotFoundError:
        return
    one, other = serving.location, record.location
    replaced = there.commit is not None and one.key.name.startswith(
        session_prefix(ports, there.commit.session.key)
    )
    if replaced and one.key.container == ports.container:
        return
    is_same = await same_bytes(
        ports.objects.stream(one.key, one.offset, one.offset + one.length, if_match=one.etag),
        ports.objects.stream(other.key, if_match=other.etag),
    )
    if not is_same:
        raise CaseExistsError(
            f"{view}: instance {record.ref.sop_instance_uid} is in the archive with other bytes"
        )


async def _commit(
    session: CaseSession,
    taken: TakenCase,
    images: Sequence[CaseImage],
    there: _There,
    ports: CaseStorePorts,
) -> CaseCommit:
    previous = "" if there.commit is None else there.commit.session.key
    commit = CaseCommit(session, taken.report, taken.fingerprint, previous)
    try:
        return await ports.sessions.commit(commit, images, seen=there.commit, replaced=there.own)
    except ConcurrentChangeError:
        # A first try may have come through though its answer did not.
        found, _ = await ports.sessions.case_of(session.year, session.case_id)
        if found is not None and found.session.key == session.key:
            return found
        raise
