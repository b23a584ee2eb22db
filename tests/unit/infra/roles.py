"""What who may do, and by which of Azure's built-in roles: a grant that is missing here is one too many.

Source: built-in roles of Azure as listed in https://github.com/Azure/bicep-registry-modules, commit 9f9ea1a1.
"""

from dataclasses import dataclass
from typing import Final

ROLES: Final = {
    "DICOM Data Owner": "58a3b984-7adf-4c20-983a-32417c86fbc8",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Delegator": "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """Who (the beginning of an identity's name) may do what, and where (the end of a resource's id without its token)."""

    capability: str
    who: str
    where: str
    role: str


_HOST = "storageAccounts/sthost"
_DATA = "storageAccounts/stdata"

ALWAYS: Final = (
    Grant("leases of timers, locks, the app's package", "id-", _HOST, "Storage Blob Data Owner"),
    Grant("the host's diagnostic events", "id-", _HOST, "Storage Table Data Contributor"),
    Grant("objects", "id-", _DATA, "Storage Blob Data Contributor"),
    Grant("signed addresses without account keys", "id-", _DATA, "Storage Blob Delegator"),
    Grant("queue triggers, sending, poison queues", "id-", _DATA, "Storage Queue Data Contributor"),
    Grant("the index", "id-", _DATA, "Storage Table Data Contributor"),
    Grant("telemetry without a key", "id-", "components/appi-", "Monitoring Metrics Publisher"),
    Grant(
        "delivery of events",
        "id-events-",
        f"{_DATA}/queueServices/default/queues/blob-events",
        "Storage Queue Data Message Sender",
    ),
    Grant(
        "dead letters",
        "id-events-",
        f"{_DATA}/blobServices/default/containers/dead-letters",
        "Storage Blob Data Contributor",
    ),
)
WITH_SECRETS: Final = Grant("secrets", "id-", "vaults/kv-", "Key Vault Secrets User")
WITH_DICOM_SERVICE: Final = Grant(
    "Azure's DICOM service", "id-", "workspaces/ahds/dicomservices/dicom", "DICOM Data Owner"
)
