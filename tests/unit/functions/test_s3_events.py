"""What event notifications of S3 say."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions._blob_events import read_blob_events
from shared.errors import InvalidRequestError
from shared.records import ObjectKey


def record(kind: str = "ObjectCreated:Put", bucket: str = "images", key: str = "a.dcm") -> dict[str, Any]:
    """Build one record with the fields that Amazon sends."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2024-01-01T00:00:00.000Z",
        "eventName": kind,
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {"key": key, "size": 4, "eTag": "0", "sequencer": "0"},
        },
    }


def read(*records: Any, prefix: str = "") -> list[ObjectKey]:
    """Read a message of these records."""
    return read_blob_events(json.dumps({"Records": records}), bucket_prefix=prefix)


@pytest.mark.parametrize(
    "kind",
    [
        "ObjectCreated:Put",
        "ObjectCreated:CompleteMultipartUpload",
        "s3:ObjectCreated:Put",
        "ObjectRemoved:Delete",
        "LifecycleExpiration:Delete",
    ],
)
def test_what_was_created_or_removed_is_looked_at(kind: str) -> None:
    """Every record of a message, whatever brought the object there or took it away."""
    assert read(record(kind), record(kind, key="b")) == [
        ObjectKey("images", "a.dcm"),
        ObjectKey("images", "b"),
    ]


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("in/a.dcm", "in/a.dcm"),
        ("in%2Fa.dcm", "in/a.dcm"),
        ("in/a+b.dcm", "in/a b.dcm"),
        ("a%2Bb", "a+b"),
        ("%C3%A9%25", "é%"),
        ("in/a b+c", "in/a b+c"),
    ],
)
def test_names_are_decoded_and_not_corrupted(sent: str, name: str) -> None:
    """A `+` is a blank for Amazon and itself for Ceph: where both may be meant, both are looked at."""
    keys = read(record(key=sent))
    assert ObjectKey("images", name) in keys
    assert len(keys) <= 2


def test_buckets_are_containers_without_their_prefix() -> None:
    """A bucket with another prefix is none of ours."""
    assert read(record(bucket="site-images"), record(bucket="images"), prefix="site-") == [
        ObjectKey("images", "a.dcm")
    ]


def test_a_test_event_and_other_kinds_ask_for_nothing() -> None:
    """S3 sends the former when notifications are set up."""
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "images", "HostId": "x"}
    assert read_blob_events(json.dumps(test)) == []
    assert read(record("ObjectRestore:Post"), record("ReducedRedundancyLostObject")) == []
    assert read() == []


@pytest.mark.parametrize(
    "records",
    [
        None,
        {},
        [1],
        ["text"],
        [{}],
        [{"eventName": "ObjectCreated:Put", "s3": "text"}],
        [{"eventName": "ObjectCreated:Put", "s3": {"bucket": [], "object": {}}}],
        [record(key="")],
        [{**record(), "eventName": 7}],
    ],
)
def test_a_message_that_is_no_notification_is_refused_for_good(records: Any) -> None:
    """What can never be read is a permanent error, not a crash."""
    with pytest.raises(InvalidRequestError):
        read_blob_events(json.dumps({"Records": records}))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["eventName", "s3"]), inner),
)


@given(_JSON)
def test_no_records_raise_anything_else(records: Any) -> None:
    """Arbitrary records give objects or InvalidRequestError."""
    try:
        assert read_blob_events(json.dumps({"Records": records})) == []
    except InvalidRequestError:
        return
