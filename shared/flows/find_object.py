"""Say where an object is, what became of it and why; by its name, or by the SOP instance that it holds."""

from dataclasses import dataclass
from typing import Any, Final

from shared.dicom.query import MatchKey, Query, SingleValue
from shared.dicom.references import InstanceRef
from shared.dicom.uids import validate_uid
from shared.errors import InstanceNotFoundError, ObjectNotFoundError
from shared.flows._rejected import rejected_key
from shared.ports.archive import InstanceIndex, ObjectLedger, ObjectStore, StudySearch
from shared.records import LedgerEntry, ObjectInfo, ObjectKey, ObjectState
from shared.telemetry.tracing import flow

_UNKNOWN: Final = "unknown"
"""Of an object that the ledger has no entry of: nobody has looked at it yet, or it is of a session."""
_MOST: Final = 100
"""Places of one SOP instance that are looked at."""


@dataclass(frozen=True, slots=True)
class FindPorts:
    """What is asked of one data partition."""

    objects: ObjectStore
    ledger: ObjectLedger
    index: InstanceIndex
    search: StudySearch
    rejected_container: str


@flow
async def find_object(wanted: ObjectKey | str, ports: FindPorts) -> list[dict[str, Any]]:
    """Return the facts of an object, or of every object that claims the SOP instance of a UID; what serves comes first.

    Raises:
        ObjectNotFoundError: Neither the store nor the ledger has an object of that name.
        InstanceNotFoundError: No object holds that instance.
        InvalidUidError: It is no UID.
    """
    if isinstance(wanted, ObjectKey):
        return [await _facts(wanted, ports)]
    uid = MatchKey(("00080018",), "UI", SingleValue(validate_uid(wanted, "SOPInstanceUID")))
    rows = (await ports.search.search(Query("instance", _MOST, keys=(uid,)))).rows
    refs = [
        InstanceRef(*(row[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018"))) for row in rows
    ]
    keys = dict.fromkeys([key for ref in refs async for key in ports.index.claims_of(ref)])
    if not keys:
        raise InstanceNotFoundError(f"no object holds instance {wanted}")
    return [await _facts(key, ports) for key in list(keys)[:_MOST]]


async def _facts(key: ObjectKey, ports: FindPorts) -> dict[str, Any]:
    entry, info = await ports.ledger.get(key), await _info(key, ports.objects)
    if entry is None and info is None:
        raise ObjectNotFoundError("there is no object of this name, and the ledger has none")
    facts: dict[str, Any] = {
        "container": key.container,
        "name": key.name,
        "state": _UNKNOWN if entry is None else entry.state.value,
        "reason": "" if entry is None else entry.reason,
        "etag": None if entry is None else entry.etag,
        "stored": None
        if info is None
        else {"etag": info.etag, "size": info.size, "modified_at": info.modified_at},
        "is_current": entry is not None and info is not None and entry.etag == info.etag,
        "instance": None,
        "case": None,
        "indexed": False,
        "serves": False,
        "rejection": None,
    }
    if entry is not None:
        facts |= await _of_entry(entry, ports)
    return facts


async def _of_entry(entry: LedgerEntry, ports: FindPorts) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if entry.state is ObjectState.REJECTED:
        facts["rejection"] = str(rejected_key(ports.rejected_container, entry.key))
    if (case := entry.case) is not None:
        facts["case"] = {"year": case.year, "id": case.case_id, "view": case.view}
    if (ref := entry.ref) is not None:
        keys = [key async for key in ports.index.claims_of(ref)]
        facts |= {
            "instance": {
                "study_instance_uid": ref.study_instance_uid,
                "series_instance_uid": ref.series_instance_uid,
                "sop_instance_uid": ref.sop_instance_uid,
            },
            "indexed": entry.key in keys,
            "serves": keys[:1] == [entry.key],
        }
    return facts


async def _info(key: ObjectKey, objects: ObjectStore) -> ObjectInfo | None:
    try:
        return await objects.head(key)
    except ObjectNotFoundError:
        return None
