"""What an audit message says, in the words of PS3.15 §A.5."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.access.audit_events import Action, AuditEvent, AuditType, Outcome
from shared.access.audit_message import AuditMessage, written
from shared.access.callers import NOBODY, SYSTEM, Caller, Grant, Role
from shared.access.client_address import AddressDetail, client_address
from shared.access.touched import MAX_TOUCHED, gathering, touch
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef

AT = datetime(2024, 2, 29, 10, 15, tzinfo=UTC)


def message(**changes: Any) -> dict[str, Any]:
    """Write a message and read it."""
    facts: dict[str, Any] = {
        "event": AuditEvent.INSTANCES_TRANSFERRED,
        "action": Action.READ,
        "outcome": Outcome.SUCCESS,
        "at": AT,
        "caller": Caller("application", "oid", "appid", "tid", frozenset({Grant(Role.READER, "a")})),
        "operation": "dicomweb_retrieve",
        "operation_id": "0b1c",
        **changes,
    }
    line = written(AuditMessage(**facts))
    assert "\n" not in line
    said: dict[str, Any] = json.loads(line)
    return said


def test_it_says_who_did_what_to_whose_data_when() -> None:
    """With the codes of the standard, and nothing that is not known."""
    refs = (InstanceRef("1.2", "1.3", "1.4"), InstanceRef("1.2", "1.3", "1.5"), StudyRef("9.9"))
    assert message(refs=refs, status=200, size=7, address="192.0.2.0/24", partition="a", site="site") == {
        "EventID": {
            "csd-code": "110104",
            "codeSystemName": "DCM",
            "originalText": "DICOM Instances Transferred",
        },
        "EventActionCode": "R",
        "EventDateTime": "2024-02-29T10:15:00+00:00",
        "EventOutcomeIndicator": 0,
        "ActiveParticipant": [
            {
                "UserID": "oid",
                "AlternativeUserID": "appid",
                "UserIsRequestor": True,
                "RoleIDCode": ["reader:a"],
                "Kind": "application",
                "NetworkAccessPointID": "192.0.2.0/24",
                "NetworkAccessPointTypeCode": "2",
            }
        ],
        "AuditSourceIdentification": {"AuditSourceID": "dicom-functions", "AuditEnterpriseSiteID": "site"},
        "ParticipantObjectIdentification": [
            {
                "ParticipantObjectTypeCode": "2",
                "ParticipantObjectTypeCodeRole": "3",
                "ParticipantObjectIDTypeCode": {
                    "csd-code": "110180",
                    "codeSystemName": "DCM",
                    "originalText": "Study Instance UID",
                },
                "ParticipantObjectID": "1.2",
                "SeriesInstanceUID": ["1.3"],
                "SOPInstanceUID": ["1.4", "1.5"],
                "NumberOfInstances": 2,
            },
            {
                "ParticipantObjectTypeCode": "2",
                "ParticipantObjectTypeCodeRole": "3",
                "ParticipantObjectIDTypeCode": {
                    "csd-code": "110180",
                    "codeSystemName": "DCM",
                    "originalText": "Study Instance UID",
                },
                "ParticipantObjectID": "9.9",
            },
        ],
        "Operation": "dicomweb_retrieve",
        "OperationID": "0b1c",
        "Status": 200,
        "BytesSent": 7,
        "DataPartition": "a",
    }


def test_who_has_no_id_is_named_by_kind() -> None:
    """A function key, nobody, or the app itself; roles are those of tokens only."""
    assert message(caller=SYSTEM)["ActiveParticipant"] == [
        {"UserID": "system", "UserIsRequestor": True, "Kind": "system"}
    ]
    assert message(caller=NOBODY, kind=AuditType.LOGIN)["EventTypeCode"]["csd-code"] == "110122"


@pytest.mark.parametrize(
    ("forwarded", "peer", "detail", "kept"),
    [
        ("", "192.0.2.77", "truncated", "192.0.2.0/24"),
        ("", "192.0.2.77", "whole", "192.0.2.77"),
        ("", "192.0.2.77", "omitted", ""),
        ("10.0.0.1, 198.51.100.9:50123", "127.0.0.1", "whole", "198.51.100.9"),
        ("[2001:db8:1:2::3]:443", "", "truncated", "2001:db8:1::/48"),
        ("2001:db8:1:2::3", "", "whole", "2001:db8:1:2::3"),
        ("DOE^JANE", "192.0.2.77", "whole", ""),
        ("1.2.3.4, \r\nx", "", "whole", ""),
        ("", "", "whole", ""),
    ],
)
def test_of_an_address_as_much_is_kept_as_is_set(
    forwarded: str, peer: str, detail: AddressDetail, kept: str
) -> None:
    """And only what the proxy in front says, or nothing: the rest a client can write as it likes."""
    assert client_address(forwarded, peer, detail) == kept


def test_what_is_touched_is_gathered_once_and_within_bounds() -> None:
    """By what was done; beyond the bound it is counted, and outside nothing happens."""
    touch(Action.READ, StudyRef("1.2"))
    with gathering() as touched:
        touch(Action.CREATE, SeriesRef("1.2", "1.3"))
        touch(Action.CREATE, SeriesRef("1.2", "1.3"))
        with gathering() as inner:
            touch(Action.DELETE, StudyRef("1.2"))
        for number in range(MAX_TOUCHED + 5):
            touch(Action.READ, StudyRef(f"1.{number}"))
    assert list(touched.refs[Action.CREATE]) == [SeriesRef("1.2", "1.3")]
    assert Action.DELETE not in touched.refs
    assert list(inner.refs[Action.DELETE]) == [StudyRef("1.2")]
    assert len(touched.refs[Action.READ]) == MAX_TOUCHED - 1
    assert touched.further == 6
