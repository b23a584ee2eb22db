"""Write one audit message: who did what to whose data, when, and with what outcome. It holds UIDs and no other value.

Source: PS3.15 2024e §A.5.2, its names of elements and attributes, as JSON
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from shared.access.audit_events import Action, AuditEvent, AuditType, Outcome
from shared.access.callers import Caller
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef

_STUDY: Final = ("110180", "Study Instance UID")
_SOURCE: Final = "dicom-functions"


@dataclass(frozen=True, slots=True)
class AuditMessage:
    """What happened.

    Attributes:
        event: EventID.
        action: EventActionCode.
        outcome: EventOutcomeIndicator.
        at: EventDateTime, with a time zone.
        caller: Who asked for it.
        operation: Name of the function.
        operation_id: As problem documents and traces have it.
        kind: EventTypeCode, if there is one.
        reason: Why it failed: the name of an error.
        status: Of the answer; 0 where nobody was answered.
        size: Bytes of the answer's body.
        address: Of the client, as far as it is kept.
        site: Where this runs.
        partition: Data partition.
        refs: Whose data.
        further: How many more than *refs*.
        case: What stands for a clinical case.
        keys: What a search was narrowed by: names, never values.
        found: How many a search found.
    """

    event: AuditEvent
    action: Action
    outcome: Outcome
    at: datetime
    caller: Caller
    operation: str
    operation_id: str
    kind: AuditType | None = None
    reason: str = ""
    status: int = 0
    size: int | None = None
    address: str = ""
    site: str = ""
    partition: str = ""
    refs: tuple[StudyRef | SeriesRef | InstanceRef, ...] = ()
    further: int = 0
    case: str = ""
    keys: tuple[str, ...] = field(default=())
    found: int | None = None


def written(message: AuditMessage) -> str:
    """Return *message* as one line of JSON; what is not known is left out."""
    import orjson

    said: dict[str, Any] = {
        "EventID": _code(message.event.value),
        "EventActionCode": message.action.value,
        "EventDateTime": message.at.isoformat(),
        "EventOutcomeIndicator": message.outcome.value,
        "EventTypeCode": None if message.kind is None else _code(message.kind.value),
        "EventOutcomeDescription": message.reason,
        "ActiveParticipant": [_requestor(message)],
        "AuditSourceIdentification": _without_gaps(
            {"AuditSourceID": _SOURCE, "AuditEnterpriseSiteID": message.site}
        ),
        "ParticipantObjectIdentification": _studies(message.refs),
        "FurtherObjects": message.further or None,
        "Operation": message.operation,
        "OperationID": message.operation_id,
        "Status": message.status or None,
        "BytesSent": message.size,
        "DataPartition": message.partition,
        "Case": message.case,
        "QueryKeys": list(message.keys),
        "Found": message.found,
    }
    return orjson.dumps(_without_gaps(said)).decode()


def _requestor(message: AuditMessage) -> dict[str, Any]:
    caller = message.caller
    roles = sorted(
        f"{grant.role.name.lower()}:{grant.partition}" if grant.partition else grant.role.name.lower()
        for grant in caller.grants
    )
    return _without_gaps(
        {
            "UserID": caller.user_id or caller.kind,
            "AlternativeUserID": caller.app_id,
            "UserIsRequestor": True,
            "RoleIDCode": roles if caller.user_id else [],
            "Kind": caller.kind,
            "NetworkAccessPointID": message.address,
            "NetworkAccessPointTypeCode": "2" if message.address else "",
        }
    )


def _studies(refs: Iterable[StudyRef | SeriesRef | InstanceRef]) -> list[dict[str, Any]]:
    """Return a participant object a study, with the series and instances of it that are known."""
    studies: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for ref in refs:
        series, instances = studies.setdefault(ref.study_instance_uid, ({}, {}))
        if isinstance(ref, SeriesRef | InstanceRef):
            series[ref.series_instance_uid] = None
        if isinstance(ref, InstanceRef):
            instances[ref.sop_instance_uid] = None
    return [
        _without_gaps(
            {
                "ParticipantObjectTypeCode": "2",
                "ParticipantObjectTypeCodeRole": "3",
                "ParticipantObjectIDTypeCode": _code(_STUDY),
                "ParticipantObjectID": study,
                "SeriesInstanceUID": list(series),
                "SOPInstanceUID": list(instances),
                "NumberOfInstances": len(instances) or None,
            }
        )
        for study, (series, instances) in studies.items()
    ]


def _code(code: tuple[str, str]) -> dict[str, str]:
    return {"csd-code": code[0], "codeSystemName": "DCM", "originalText": code[1]}


def _without_gaps(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value not in ("", [])}
