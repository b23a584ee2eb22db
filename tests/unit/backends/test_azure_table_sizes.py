"""What a transaction takes on the wire."""

import pytest

from shared.backends.azure_table.transactions import Change, in_transactions, transaction

MOST_BYTES = 4 * 1024 * 1024
"""Of a transaction's body. Source: "Performing entity group transactions", Azure Storage REST reference."""
ENDPOINT = "https://account-with-a-long-name.table.core.windows.net"


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
    assert all(len(transaction(ENDPOINT, "instances", group)[1]) <= MOST_BYTES for group in groups)
