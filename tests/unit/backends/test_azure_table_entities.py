"""Rows on the wire, and what a transaction's answer says."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from shared.backends.azure_table.entities import decoded, encoded, filter_text, path_of
from shared.backends.azure_table.transactions import Outcome, read_outcome

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(st.from_regex(r"[A-Za-z_]{1,8}", fullmatch=True), TEXT | st.binary() | st.booleans()))
def test_a_row_comes_back_as_it_was_sent(row: dict[str, object]) -> None:
    """Text, bytes and booleans survive, whatever is in them."""
    row.pop("Timestamp", None)

    assert row == decoded(orjson.loads(encoded(row)))


def test_types_that_json_lacks_are_kept() -> None:
    """A row of a table that others wrote is written again with the types it had."""
    said = {
        "many@odata.type": "Edm.Int64",
        "many": "5000000000",
        "when@odata.type": "Edm.DateTime",
        "when": "2026-11-21T13:21:21Z",
        "share@odata.type": "Edm.Double",
        "share": 0.5,
        "text@odata.type": "Edm.String",
        "text": "a",
    }
    row = decoded(said)

    assert dict(row) == {"many": "5000000000", "when": "2026-11-21T13:21:21Z", "share": 0.5, "text": "a"}
    assert decoded(orjson.loads(encoded(row))) == row
    assert (
        orjson.loads(encoded(row)).items()
        >= {name: said[name] for name in said if name[:4] in ("many", "when")}.items()
    )


def test_a_row_without_an_etag_has_that_of_its_time() -> None:
    """Azure leaves etags out of lists with minimal metadata; properties that a row lacks come as null."""
    row = decoded(
        {"odata.metadata": "m", "RowKey": "r", "lacking": None, "Timestamp": "2026-11-21T13:21:21.5Z"}
    )

    assert (dict(row), row.etag) == ({"RowKey": "r"}, "W/\"datetime'2026-11-21T13%3A21%3A21.5Z'\"")
    assert decoded({"odata.etag": 'W/"1"', "Timestamp": "t"}).etag == 'W/"1"'


@given(TEXT)
def test_values_never_become_syntax(value: str) -> None:
    """Whatever a parameter holds is one quoted text of the filter, and one key of a path."""
    text = filter_text("a eq @a and b lt @bc", {"a": value, "bc": "@a"})
    middle = text.removeprefix("a eq '").removesuffix("' and b lt '@a'")
    assert middle.replace("''", "'") == value
    assert "'" not in middle.replace("''", "")

    path = path_of("t", {"PartitionKey": value, "RowKey": ""})
    assert path.count("'") == 4
    assert not set("/?# ") & set(path.removeprefix("/"))


def _answer(*answers: bytes) -> bytes:
    parts = [
        b"--changesetresponse_1\r\nContent-Type: application/http\r\n\r\n" + answer + b"\r\n"
        for answer in answers
    ]
    return (
        b"--batchresponse_1\r\n\r\n" + b"".join(parts) + b"--changesetresponse_1--\r\n--batchresponse_1--\r\n"
    )


def test_a_transaction_that_was_made_tells_the_first_etag() -> None:
    """Each change has its answer; of the first one the etag counts, and a deleted row has none."""
    made = b'HTTP/1.1 204 No Content\r\nETag: W/"1"\r\n\r\n'
    other = b'HTTP/1.1 204 No Content\r\nETag: W/"2"\r\n\r\n'
    gone = b"HTTP/1.1 204 No Content\r\n\r\n"

    assert read_outcome(_answer(made, other)) == Outcome(204, "", 'W/"1"')
    assert read_outcome(_answer(gone, other)) == Outcome(204, "", "")


def test_a_transaction_that_failed_tells_why() -> None:
    """The only answer is that of the change which failed."""
    error = b'{"odata.error":{"code":"EntityAlreadyExists","message":{"lang":"en-US","value":"1:{}"}}}'
    failed = b"HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\n\r\n" + error

    assert read_outcome(_answer(failed)) == Outcome(409, "EntityAlreadyExists", "")
    assert read_outcome(b"<html>") == Outcome(500, "", "")
