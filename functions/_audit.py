"""Write an audit message of each request that touches patients' data, of each refusal, and of what triggers do by themselves.

What is known of whose data it was comes from the path, from the flows (shared/access/touched.py) and from the handler. A
search is described by the names of what it was narrowed by; no value of an attribute enters a message.
"""

import hmac
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from functions import _wiring
from functions._access import caller_of, partition_found
from functions._streaming import ClosingResponse
from functions._surface import SURFACES, Reach
from shared.access.audit_events import Action, AuditEvent, AuditType, Outcome
from shared.access.audit_message import AuditMessage, written
from shared.access.callers import SYSTEM
from shared.access.client_address import client_address
from shared.access.touched import Touched, gathering
from shared.dicom.partition_names import validate_partition_name
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import (
    ForbiddenError,
    InvalidRequestError,
    InvalidUidError,
    PermanentError,
    UnauthenticatedError,
)
from shared.services.services import Services

_SAID: Final = "dicom_functions.audit"
_KEY: Final = re.compile(r"[A-Za-z0-9_().,]{1,64}")
_MAX_KEYS: Final = 64
_OF_SYSTEM: Final[Mapping[Action, tuple[AuditEvent, Action]]] = {
    Action.CREATE: (AuditEvent.IMPORT, Action.CREATE),
    Action.UPDATE: (AuditEvent.IMPORT, Action.UPDATE),
    Action.DELETE: (AuditEvent.STUDY_DELETED, Action.DELETE),
    Action.READ: (AuditEvent.EXPORT, Action.READ),
}
"""As what is audited what a queue, a blob or a timer makes the app do."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a handler says of its request, beside what everybody can see."""

    event: AuditEvent | None = None
    refs: tuple[StudyRef | SeriesRef | InstanceRef, ...] = ()
    keys: tuple[str, ...] | None = None
    found: int | None = None
    case: str = ""


def say(req: Request, **facts: Any) -> None:
    """Let the audit message of *req* say *facts*, which are those of `Said`."""
    req.scope[_SAID] = replace(req.scope.get(_SAID, Said()), **facts)


def say_case(req: Request, services: Services, year: str, case_id: str) -> None:
    """Let it tell this clinical case from others without naming it, for its id may be the patient's."""
    name = f"audit case\n{year}\n{case_id}".encode()
    say(req, case=hmac.digest(services.cursor_key, name, "sha256").hex()[:32])


def audit_request(
    req: Request,
    function: str,
    response: Response,
    *,
    error: BaseException | None,
    touched: Touched,
    operation_id: str,
) -> None:
    """Write the audit message of a request once its answer is out; of one that breaks off, that it did."""
    surface = SURFACES.get(function)
    kind: AuditType | None = None
    if isinstance(error, UnauthenticatedError):
        event, action, kind = AuditEvent.USER_AUTHENTICATION, Action.EXECUTE, AuditType.LOGIN
    elif isinstance(error, ForbiddenError):
        event, action = AuditEvent.SECURITY_ALERT, Action.EXECUTE
        kind = AuditType.USE_OF_RESTRICTED_FUNCTION
    elif surface is not None and surface.event is not None:
        event, action = surface.event, surface.action
    else:
        return
    said: Said = req.scope.get(_SAID, Said())
    settings = _wiring.settings()
    peer = req.client.host if req.client else ""
    message = AuditMessage(
        event=event if kind is not None else said.event or event,
        action=action,
        outcome=_outcome(response.status_code),
        at=datetime.now(UTC),
        caller=caller_of(req),
        operation=function,
        operation_id=operation_id,
        kind=kind,
        reason="" if error is None else type(error).__name__,
        status=response.status_code,
        address=client_address(
            ",".join(req.headers.getlist("x-forwarded-for")), peer, settings.audit_client_address
        ),
        site=os.environ.get("WEBSITE_SITE_NAME", ""),
        partition=_partition(req, surface.reach if surface else Reach.NOTHING, settings.partition),
        refs=tuple(dict.fromkeys([*_of_path(req), *said.refs, *_all(touched)])),
        further=touched.further,
        case=said.case,
        keys=_keys(req, said, event, is_understood=response.status_code < 400),
        found=said.found,
    )
    _write_when_done(response, message)


@contextmanager
def auditing(function: str) -> Iterator[None]:
    """Audit what a queue, a blob or a timer makes the app do inside: a message for each kind of it, none of nothing."""
    with gathering() as touched:
        try:
            yield
        except BaseException as error:
            _audit_trigger(function, touched, error)
            raise
        _audit_trigger(function, touched, None)


def _audit_trigger(function: str, touched: Touched, error: BaseException | None) -> None:
    outcome = Outcome.SUCCESS
    if error is not None:
        outcome = Outcome.MINOR_FAILURE if isinstance(error, PermanentError) else Outcome.SERIOUS_FAILURE
    operation = uuid.uuid4().hex
    for done, refs in touched.refs.items():
        event, action = _OF_SYSTEM[done]
        message = AuditMessage(
            event=event,
            action=action,
            outcome=outcome,
            at=datetime.now(UTC),
            caller=SYSTEM,
            operation=function,
            operation_id=operation,
            reason="" if error is None else type(error).__name__,
            site=os.environ.get("WEBSITE_SITE_NAME", ""),
            refs=tuple(refs),
            further=touched.further,
        )
        _wiring.audit_trail().write(written(message))


def _write_when_done(response: Response, message: AuditMessage) -> None:
    trail = _wiring.audit_trail()
    if not isinstance(response, ClosingResponse):
        trail.write(written(replace(message, size=len(getattr(response, "body", b"")))))
        return

    def write(size: int, *, is_whole: bool) -> None:
        outcome = message.outcome if is_whole else Outcome.SERIOUS_FAILURE
        reason = message.reason if is_whole else "the answer broke off"
        trail.write(written(replace(message, size=size, outcome=outcome, reason=reason)))

    response.when_done = write


def _outcome(status: int) -> Outcome:
    if status < 400:
        return Outcome.SUCCESS
    if status < 500:
        return Outcome.MINOR_FAILURE
    return Outcome.MAJOR_FAILURE if status == 500 else Outcome.SERIOUS_FAILURE


def _partition(req: Request, reach: Reach, default: str) -> str:
    """Return the data partition that a request names, if one can be called so."""
    named = {
        Reach.PATH: req.path_params.get("partition"),
        Reach.QUERY: req.query_params.get("partition"),
        Reach.HANDLER: partition_found(req),
    }
    try:
        return validate_partition_name(named.get(reach) or default)
    except InvalidRequestError:
        return ""


def _all(touched: Touched) -> Iterator[StudyRef | SeriesRef | InstanceRef]:
    for refs in touched.refs.values():
        yield from refs


def _of_path(req: Request) -> Iterable[StudyRef | SeriesRef | InstanceRef]:
    """Return the study, series or instance that the path names; nothing where it is none, for it may be anything."""
    named = dict(req.path_params)
    below = [part for part in str(named.get("path") or "").split("/") if part]
    if below[:1] == ["series"] and len(below) > 1:
        named["series"] = below[1]
        if below[2:3] == ["instances"] and len(below) > 3:
            named["instance"] = below[3]
    study, series, instance = (str(named.get(name) or "") for name in ("study", "series", "instance"))
    try:
        if study and series and instance:
            return [InstanceRef(study, series, instance)]
        if study and series:
            return [SeriesRef(study, series)]
        return [StudyRef(study)] if study else []
    except InvalidUidError:
        return []


def _keys(req: Request, said: Said, event: AuditEvent, *, is_understood: bool) -> tuple[str, ...]:
    """Return the names by which a search was narrowed; of one that was not understood none, as they may be values."""
    if event is not AuditEvent.QUERY or not is_understood:
        return ()
    names = req.query_params.keys() if said.keys is None else said.keys
    return tuple(sorted({name for name in names if _KEY.fullmatch(name)} - {"code"}))[:_MAX_KEYS]
