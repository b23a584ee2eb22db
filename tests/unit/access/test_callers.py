"""Roles, and the data partitions that they are good in."""

import pytest

from shared.access.callers import EVERYTHING, NOBODY, SYSTEM, Caller, Grant, Role, read_grant


@pytest.mark.parametrize(
    ("name", "grant"),
    [
        ("reader", Grant(Role.READER)),
        ("Writer", Grant(Role.WRITER)),
        ("admin", Grant(Role.ADMIN)),
        ("DICOM Data Reader", Grant(Role.READER)),
        ("DICOM Data Owner", Grant(Role.ADMIN)),
        ("DICOM.Data.Owner", Grant(Role.ADMIN)),
        ("DicomDataReader", Grant(Role.READER)),
        ("reader:partition-a", Grant(Role.READER, "partition-a")),
        ("writer:a.b_c", Grant(Role.WRITER, "a.b_c")),
    ],
)
def test_a_role_has_a_name_and_perhaps_a_partition(name: str, grant: Grant) -> None:
    """The Azure DICOM service's names mean the same."""
    assert read_grant(name) == grant


@pytest.mark.parametrize(
    "name",
    [
        "",
        ":",
        "reader:",
        ":a",
        "reader:a/b",
        "reader:..",
        "reader:a:b",
        "reader: a",
        "reader:*",
        "admin:a",
        "DICOM Data Owner:a",
        "root",
        "readers",
        "r.e.a.d.e.r",
        "reader\x00",
        " reader",
    ],
)
def test_a_name_that_means_nothing_grants_nothing(name: str) -> None:
    """Least of all the whole archive, where the partition is misspelt."""
    assert read_grant(name) is None


def test_a_role_includes_those_before_it() -> None:
    """An administrator may write, a writer read, and no reader write."""
    writer = Caller("user", grants=frozenset({Grant(Role.WRITER)}))
    assert [writer.may(role, "a") for role in Role] == [True, True, False]
    assert [writer.may(role, None) for role in Role] == [True, True, False]


def test_a_role_in_a_partition_is_good_there_only() -> None:
    """Nor is it one in the whole archive."""
    caller = Caller("user", grants=frozenset({Grant(Role.WRITER, "a"), Grant(Role.READER, "b")}))
    assert caller.may(Role.WRITER, "a")
    assert caller.may(Role.READER, "b")
    assert not caller.may(Role.WRITER, "b")
    assert not caller.may(Role.READER, "c")
    assert not caller.may(Role.READER, "A")
    assert not caller.may(Role.READER, None)
    assert caller.may_somewhere(Role.WRITER)
    assert not caller.may_somewhere(Role.ADMIN)


def test_nobody_may_nothing_and_the_app_everything() -> None:
    """The two ends."""
    assert not NOBODY.may_somewhere(Role.READER)
    assert SYSTEM.grants == EVERYTHING
    assert SYSTEM.may(Role.ADMIN, None)
