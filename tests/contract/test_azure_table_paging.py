"""Searching on Azure tables page by page costs what a page holds, not what lies before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from shared.backends.azure_http.signed_http import SignedHttp
from shared.backends.azure_table.tables import Tables
from shared.dicom.query import Level, Query
from shared.dicom.references import InstanceRef
from shared.errors import QueryTooBroadError
from tests.contract.records import a_record, fresh_name
from tests.contract.table_archive import bound, table_service

pytestmark = pytest.mark.azurite

STUDIES, SERIES, INSTANCES = 4, 2, 6
BUDGET = 12
"""Rows: enough for a page of three and the rows above it, far from enough for what lies before."""


@pytest.fixture
async def service(azurite: str) -> AsyncIterator[SignedHttp]:
    """Give the account's tables, made where they are missing."""
    async with table_service(azurite) as client:
        yield client


@pytest.mark.parametrize(("level", "rows"), [("study", 4), ("series", 8), ("instance", 48)])
async def test_the_last_page_costs_what_the_first_does(service: SignedHttp, level: Level, rows: int) -> None:
    """A walk by positions comes to the end within a budget that offsets soon exceed."""
    archive = await bound(Tables(service), fresh_name("paging"), search_rows=BUDGET)
    for study in range(1, STUDIES + 1):
        for series in range(1, SERIES + 1):
            refs = [
                InstanceRef(f"1.{study}", f"1.{study}.{series}", f"1.{study}.{series}.{number}")
                for number in range(1, INSTANCES + 1)
            ]
            await archive.instances.put([a_record(ref) for ref in refs])
        await archive.summaries.refresh(refs[0].study)

    found, query = 0, Query(level, 3)
    for _ in range(rows):
        page = await archive.search.search(query)
        found += len(page.rows)
        if page.last is None:
            break
        query = replace(query, after=page.last)

    assert found == rows
    if rows > BUDGET:
        with pytest.raises(QueryTooBroadError):
            await archive.search.search(Query(level, 3, offset=rows - 3))
