"""A ZIP is as long as was said before its first byte, and any reader opens it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.flows import _stored_zip
from shared.flows._stored_zip import StoredZip, ZippedFile, zip_length


def zipped(name: str, data: bytes) -> ZippedFile:
    """Return a file whose content comes in pieces."""

    async def stream() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 7):
            yield data[at : at + 7]

    return ZippedFile(name, len(data), stream)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=12))
async def test_its_length_is_known_beforehand(contents: list[bytes]) -> None:
    """Each time it is read it is the same, and its files are as they were."""
    made = StoredZip([zipped(f"{number}.dcm", data) for number, data in enumerate(contents)])
    data = b"".join([chunk async for chunk in made.stream()])
    assert len(data) == made.size
    assert data == b"".join([chunk async for chunk in made.stream()])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert [archive.read(name) for name in archive.namelist()] == contents


async def test_so_it_is_where_sizes_and_places_need_wide_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the limit of the format set low, so that no gigabytes are needed to pass it."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 500)
    monkeypatch.setattr(_stored_zip, "_WIDE", 500)
    made = StoredZip(
        [zipped(f"{number:08d}.dcm", bytes(size)) for number, size in enumerate((10, 600, 3, 900))]
    )
    data = b"".join([chunk async for chunk in made.stream()])
    assert len(data) == made.size


@pytest.mark.slow
async def test_so_it_is_of_more_files_than_narrow_fields_can_count() -> None:
    """65,536 of them."""
    made = StoredZip([zipped(f"{number:08d}.dcm", b"") for number in range(65_536)])
    length = 0
    async for chunk in made.stream():
        length += len(chunk)
    assert length == made.size == zip_length([(12, 0)] * 65_536)
