"""The keys spread as docs/scale.md says, and the check of that finds out keys which do not."""

import pytest

from bench.partition_math import DEVICES, ceilings, measure, study_uids


def test_the_products_keys_spread() -> None:
    """Over prefixes, ranges, shards and accounts, also in a burst of few devices."""
    shares = measure(30_000, accounts=4)
    assert [share.name for share in shares if not share.is_borne] == []


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (
            lambda uid: uid,
            {"rows of a study: 256 hash prefixes", "rows of a study: busiest of 256 ranges in a burst"},
        ),
        (
            lambda _: "00!one",
            {"rows of a study: 256 hash prefixes", "rows of a study: busiest of 256 ranges in a burst"},
        ),
    ],
    ids=["the UID itself", "one for all"],
)
def test_keys_that_do_not_spread_are_found_out(key: object, found: set[str]) -> None:
    """The UID as it is makes a hot range of the busiest device; a constant is the worst there is."""
    shares = measure(20_000, accounts=4, key=key)  # type: ignore[arg-type]
    assert found <= {share.name for share in shares if not share.is_borne}


def test_uids_are_as_devices_make_them() -> None:
    """Valid, distinct, of few roots; the same at each call."""
    uids = list(study_uids(5_000))
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 64 for uid in uids)
    assert len({uid.rsplit(".", 2)[0] for uid in uids}) <= DEVICES
    assert uids == list(study_uids(5_000))


def test_the_lowest_ceiling_is_the_one_that_is_told() -> None:
    """A series by itself, then the change feed, are what holds first; more accounts help neither."""
    few, many = ceilings(1, 500), ceilings(16, 500)
    assert sorted(rate for _, rate in few)[:2] == [1000, 2000]
    assert sorted(rate for _, rate in many)[:2] == [1000, 2000]
