"""What a transaction takes on the wire."""

import base64
import json
from typing import Any

import pytest

from shared.backends.azure_table.tables import Change, in_transactions

MOST_BYTES = 4 * 1024 * 1024
"""Of a transaction's body. Source: "Performing entity group transactions", Azure Storage REST reference."""
OVERHEAD = 600
"""Bytes of MIME and HTTP headers around each row, about."""


def on_the_wire(row: dict[str, Any]) -> int:
    """Return how long a row is as the SDK writes it: binary in base64, text in JSON's ASCII."""
    plain = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in row.items()
    }
    return len(json.dumps(plain)) + OVERHEAD


@pytest.mark.parametrize(
    "value",
    [bytes(48_000), "x" * 24_000, "\u6c34" * 24_000, '"\\' * 12_000],
    ids=["binary", "ASCII", "kanji", "quotes"],
)
def test_no_transaction_is_longer_than_azure_takes(value: bytes | str) -> None:
    """Not even of rows that JSON and base64 make longer."""
    changes = [
        Change("upsert", {"PartitionKey": "p", "RowKey": str(number), "a": value, "b": value})
        for number in range(100)
    ]

    groups = in_transactions(changes)

    assert changes == [change for group in groups for change in group]
    assert all(sum(on_the_wire(dict(change.row)) for change in group) <= MOST_BYTES for group in groups)
