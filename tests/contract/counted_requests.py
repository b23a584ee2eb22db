"""A storage account whose requests are counted where they leave the process. Holds no tests itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import BlobServiceClient

from shared.backends.azure_blob import AzureBlobStore
from shared.backends.azure_http import account
from shared.backends.azure_http.account import by_connection_string
from shared.backends.azure_http.answer import Answer
from shared.backends.azure_http.signed_http import SignedHttp
from shared.backends.azure_options import blob_options
from shared.backends.azure_table.archive import TableArchive
from shared.backends.azure_table.reports import AzureTableReports
from shared.backends.azure_table.tables import Tables
from shared.flows.index_instance import IndexPorts
from tests.contract.table_archive import REPORT, bound, table_service


@dataclass
class CountedArchive:
    """The adapters of a data partition on a real account, and the requests of them all as "METHOD service table"."""

    tables: Tables
    archive: TableArchive
    objects: AzureBlobStore
    reports: AzureTableReports
    requests: list[str] = field(default_factory=list)

    def taken(self) -> list[str]:
        """Return the requests since this was asked last, in order of their text."""
        taken = sorted(self.requests)
        self.requests.clear()
        return taken

    def index_ports(self, queue: Any) -> IndexPorts:
        """Return what index_instance takes."""
        archive = self.archive
        return IndexPorts(
            self.objects,
            archive.instances,
            archive.ledger,
            archive.cases,
            queue,
            rejected_container="rejected",
        )


@asynccontextmanager
async def counted_archive(
    connection: str, partition: str, patch: pytest.MonkeyPatch
) -> AsyncIterator[CountedArchive]:
    """Open the adapters of a partition, with the containers they need."""
    requests: list[str] = []

    class Counting(SignedHttp):
        async def send(self, method: str, path: str, headers: Mapping[str, str], **options: Any) -> Answer:
            service = "table" if "dataserviceversion" in headers else "blob"
            named = unquote(path).lstrip("/").partition("(")[0].partition("/")[0]
            requests.append(f"{method} {service} {named}")
            return await super().send(method, path, headers, **options)

    def noted(answer: Any) -> None:
        requests.append(f"{answer.http_request.method} blob by the SDK")

    def noted_report(answer: Any) -> None:
        requests.append(f"{answer.http_request.method} table {REPORT}")

    async with BlobServiceClient.from_connection_string(connection) as making:
        for name in ("images", "archive", "derived", "rejected"):
            try:
                await making.create_container(name)
            except ResourceExistsError:
                continue
    with patch.context() as patched:
        patched.setattr(account, "SignedHttp", Counting)
        options = {**blob_options(30), "raw_response_hook": noted}
        async with (
            table_service(connection) as table_http,
            by_connection_string(connection, "blob", 30) as blob_http,
            BlobServiceClient.from_connection_string(connection, **options) as blobs,
            TableClient.from_connection_string(connection, REPORT, raw_response_hook=noted_report) as client,
        ):
            tables = Tables(table_http)
            archive = await bound(tables, partition)
            reports = AzureTableReports(client, tables)
            yield CountedArchive(tables, archive, AzureBlobStore(blobs, blob_http), reports, requests)
