"""What storage events say."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions._blob_events import read_blob_events
from shared.errors import InvalidRequestError
from shared.records import ObjectKey

_SUBJECT = "/blobServices/default/containers/images/blobs/2014/S1/L__CC/a b.dcm"
_KEY = ObjectKey("images", "2014/S1/L__CC/a b.dcm")


def event_grid(kind: str, **data: str) -> dict[str, Any]:
    """Build an event in Event Grid's own schema, with the fields that Azure Storage sends."""
    return {
        "topic": "/subscriptions/x/resourceGroups/y/providers/Microsoft.Storage/storageAccounts/z",
        "subject": _SUBJECT,
        "eventType": f"Microsoft.Storage.{kind}",
        "id": "1",
        "eventTime": "2024-01-01T00:00:00Z",
        "data": {"api": "PutBlob", "eTag": "0x1", "url": "https://z.blob.core.windows.net/images/x", **data},
        "dataVersion": "",
        "metadataVersion": "1",
    }


@pytest.mark.parametrize("kind", ["BlobCreated", "BlobDeleted"])
def test_both_schemas_and_an_array_of_one_name_the_object(kind: str) -> None:
    """Event Grid's schema and CloudEvents say the same, alone or in an array."""
    grid = event_grid(kind)
    cloud = {
        "specversion": "1.0",
        "type": grid["eventType"],
        "source": grid["topic"],
        "subject": _SUBJECT,
        "id": "1",
    }
    for event in (grid, cloud, [grid], [cloud]):
        assert read_blob_events(json.dumps(event)) == [_KEY]


def test_a_renaming_names_both_objects() -> None:
    """The old name has to be looked at too: nothing is there any more."""
    event = event_grid("BlobRenamed", sourceUrl="https://z.dfs.core.windows.net/images/old/a%20%C3%A9.dcm")
    assert [_KEY, ObjectKey("images", "old/a é.dcm")] == read_blob_events(json.dumps(event))


@pytest.mark.parametrize("kind", ["DirectoryCreated", "BlobTierChanged", "BlobPropertiesUpdated"])
def test_other_events_name_nothing(kind: str) -> None:
    """An event that moves no bytes asks for nothing."""
    assert read_blob_events(json.dumps(event_grid(kind))) == []


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "1",
        "null",
        "[]",
        "[[]]",
        "{}",
        json.dumps([event_grid("BlobCreated")] * 2),
        json.dumps({"eventType": 1, "subject": _SUBJECT}),
        json.dumps({"eventType": "Microsoft.Storage.BlobCreated"}),
        json.dumps(
            {
                "eventType": "Microsoft.Storage.BlobCreated",
                "subject": "/blobServices/default/containers/images",
            }
        ),
        json.dumps(event_grid("BlobRenamed", sourceUrl="https://z/images")),
    ],
)
def test_a_message_that_is_no_event_is_refused_for_good(message: str) -> None:
    """What can never be read is a permanent error, not a crash."""
    with pytest.raises(InvalidRequestError):
        read_blob_events(message)


@given(st.binary() | st.text())
def test_no_message_raises_anything_else(message: bytes | str) -> None:
    """Arbitrary input gives objects or InvalidRequestError."""
    try:
        keys = read_blob_events(message)
    except InvalidRequestError:
        return
    assert keys == []
