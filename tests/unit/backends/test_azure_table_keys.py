"""Keys of table rows: in the order of names, and such as Azure accepts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.backends.azure_table import keys
from shared.backends.azure_table.transactions import Change, in_transactions, row_bytes
from shared.dicom.references import SeriesRef, StudyRef
from shared.dicom.search_order import NO_DAY, inverted_day
from shared.errors import SettingsError, UnsupportedObjectError

NAMES = st.text(
    st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF)
    | st.sampled_from(' !"#$%./>?[\\~\x00\x7f\x9f'),
    max_size=60,
)
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f/\\\\#?]")


@given(NAMES, NAMES)
def test_rows_sort_as_names_do(one: str, other: str) -> None:
    """The keys of two names compare as the names do, so a listing can be merged with the ledger."""
    assert (keys.object_row(one) < keys.object_row(other)) == (one < other)
    assert (keys.object_row(one) == keys.object_row(other)) == (one == other)


@given(NAMES)
def test_no_key_has_a_forbidden_character(name: str) -> None:
    """Whatever characters a name has, its key has none that Azure refuses."""
    assert FORBIDDEN.search(keys.object_row(name)) is None


def test_longest_names_have_short_distinct_keys() -> None:
    """Names of 1,024 characters that differ in their last one get keys of their own, within the limit."""
    found = {keys.object_row("a" * 1023 + last) for last in "xyz"}

    assert len(found) == 3
    assert max(map(len, found)) <= keys.MAX_KEY_LENGTH


def test_longest_uids_fit() -> None:
    """Three UIDs of 64 characters and a partition of 64 make keys within the limit."""
    uid = "1." + "2" * 62

    assert len(keys.series_key("p" * 64, SeriesRef(uid, uid))) <= keys.MAX_KEY_LENGTH


def test_a_study_is_one_range_of_keys() -> None:
    """All series of a study lie between two keys, and those of a study whose UID is longer do not."""
    partition = "default"
    study = keys.study_key(partition, StudyRef("1.2"))
    inside = keys.series_key(partition, SeriesRef("1.2", "9.9"))

    assert study + "!" < inside < study + keys.AFTER_JOIN


@pytest.mark.parametrize("name", ["", "a b", "a!b", "a/b", "p" * 65, "ä"])
def test_partition_names_that_cannot_stand_in_a_key_are_refused(name: str) -> None:
    """A partition's name is letters, digits, dots, dashes and underscores, 64 at most."""
    with pytest.raises(SettingsError):
        keys.partition_name(name)


@given(st.dates(), st.dates())
def test_newer_dates_sort_first(one: object, other: object) -> None:
    """Inverted dates sort newest first, and what is no date last."""
    first, second = (str(date).replace("-", "") for date in (one, other))

    assert (inverted_day(first) < inverted_day(second)) == (first > second)
    assert inverted_day(first) < inverted_day("2024-01-01") == NO_DAY


def test_tokens_hide_values_and_ignore_case_and_padding() -> None:
    """A token tells nothing of its value without the secret, and is one for what a search takes for one."""
    token = keys.token(b"secret", " MRN/12  34 ")

    assert token == keys.token(b"secret", "mrn/12 34")
    assert token != keys.token(b"other", "mrn/12 34")
    assert re.fullmatch("[0-9a-f]{32}", token)


def test_rows_that_azure_would_refuse_are_refused() -> None:
    """A property of over 64 KiB, a key with a slash: Azurite takes them, Azure does not."""
    with pytest.raises(UnsupportedObjectError, match="property text"):
        row_bytes({"PartitionKey": "a", "RowKey": "b", "text": "x" * 32769})
    with pytest.raises(UnsupportedObjectError, match="property data"):
        row_bytes({"PartitionKey": "a", "RowKey": "b", "data": b"x" * 65537})
    with pytest.raises(UnsupportedObjectError, match="key"):
        row_bytes({"PartitionKey": "a/b", "RowKey": "b"})


def test_transactions_are_split_by_rows_and_by_bytes() -> None:
    """No transaction has more than a hundred rows, nor more bytes than Azure takes; their order stays."""
    small = [Change("insert", {"PartitionKey": "a", "RowKey": str(number)}) for number in range(250)]
    large = [
        Change("insert", {"PartitionKey": "a", "RowKey": str(number), "data": bytes(64 * 1024)})
        for number in range(100)
    ]

    assert [len(group) for group in in_transactions(small)] == [100, 100, 50]
    assert [change for group in in_transactions(large) for change in group] == large
    assert all(
        sum(row_bytes(change.row) for change in group) <= 3 * 1024 * 1024 for group in in_transactions(large)
    )
