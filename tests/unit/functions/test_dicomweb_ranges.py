"""Ranges and ETags of single instances, and compressed metadata, as a client sees them."""

import gzip

import pytest

from tests.unit.flows.builders import SERIES, STUDY, make_file
from tests.unit.functions.service import Service

FILE = make_file(1)
INSTANCE = f"{STUDY}/series/{SERIES}/instances/{SERIES}.1"
AS_STORED = "application/dicom; transfer-syntax=*"
LENGTH = len(FILE)


@pytest.mark.parametrize(
    ("named", "start", "end"),
    [
        ("0-99", 0, 100),
        ("128-131", 128, 132),
        (f"{LENGTH - 1}-{LENGTH + 50}", LENGTH - 1, LENGTH),
        ("100-", 100, LENGTH),
        ("-7", LENGTH - 7, LENGTH),
        (f"-{LENGTH + 9}", 0, LENGTH),
    ],
)
async def test_a_range_is_sent_alone(service: Service, named: str, start: int, end: int) -> None:
    """W29: 206 with Content-Range; closed, open and suffix ranges."""
    await service.store(FILE)
    answer = await service.retrieve(INSTANCE, AS_STORED, range=f"bytes={named}")

    assert (answer.status, answer.body) == (206, FILE[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{LENGTH}"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("named", [f"{LENGTH}-", f"{LENGTH}-{LENGTH + 5}", "-0"])
async def test_a_range_past_the_end_is_not_satisfiable(service: Service, named: str) -> None:
    """416 tells the length."""
    await service.store(FILE)
    answer = await service.retrieve(INSTANCE, AS_STORED, range=f"bytes={named}")

    assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{LENGTH}")


@pytest.mark.parametrize("header", ["bytes=5-2", "bytes=0-1,5-6", "bytes=-", "lines=0-1", "bytes=a-b", "0-1"])
async def test_a_range_that_is_none_is_ignored(service: Service, header: str) -> None:
    """The whole instance comes, and says that ranges may be asked for."""
    await service.store(FILE)
    answer = await service.retrieve(INSTANCE, AS_STORED, range=header)

    assert (answer.status, answer.body, answer.headers["accept-ranges"]) == (200, FILE, "bytes")


async def test_if_range_holds_the_instance_to_its_etag(service: Service) -> None:
    """Of another one the whole comes."""
    await service.store(FILE)
    etag = (await service.retrieve(INSTANCE, AS_STORED)).headers["etag"]

    same = await service.retrieve(INSTANCE, AS_STORED, range="bytes=0-1", if_range=etag)
    other = await service.retrieve(INSTANCE, AS_STORED, range="bytes=0-1", if_range='"another"')

    assert (same.status, same.body) == (206, FILE[:2])
    assert (other.status, other.body) == (200, FILE)


async def test_who_has_an_instance_is_told_so(service: Service) -> None:
    """304 to its ETag, which changes with the object."""
    await service.store(FILE)
    etag = (await service.retrieve(INSTANCE, AS_STORED)).headers["etag"]

    again = await service.retrieve(INSTANCE, AS_STORED, if_none_match=etag)
    other = await service.retrieve(INSTANCE, AS_STORED, if_none_match='"another"')

    assert (again.status, again.body) == (304, b"")
    assert other.status == 200
    assert not etag.startswith("W/")


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br, *;q=0.5", True),
        ("gzip;q=0", False),
        ("identity, gzip;q=0.0", False),
        ("*;q=0", False),
        ("br", False),
        ("gzip;q=...", False),
        ("", False),
    ],
)
async def test_metadata_is_compressed_for_who_takes_it(
    service: Service, accepted: str, *, compressed: bool
) -> None:
    """The ETags of the two forms differ, and caches are told why."""
    await service.store(FILE)
    plain = await service.retrieve(f"{INSTANCE}/metadata")
    answer = await service.retrieve(f"{INSTANCE}/metadata", accept_encoding=accepted)

    assert answer.headers.get("content-encoding") == ("gzip" if compressed else None)
    assert (gzip.decompress(answer.body) if compressed else answer.body) == plain.body
    assert (answer.headers["etag"] != plain.headers["etag"]) == compressed
    assert answer.headers["vary"] == "Accept-Encoding"
    again = await service.retrieve(
        f"{INSTANCE}/metadata", accept_encoding=accepted, if_none_match=answer.headers["etag"]
    )
    assert again.status == 304
