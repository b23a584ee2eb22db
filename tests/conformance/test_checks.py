"""Every check of `python -m client conformance` against the running app, at a root of either dialect."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from client.conformance.command import run_check
from client.conformance.server import Server
from client.conformance.verdict import CHECKS, Verdict
from tests.host.archive import Archive, an_archive

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]

NOT_BY_HTTP_ALONE = {"S22", "F04", "A01", "H01", "E01", "E02"}
SOP_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.104.1",
    "1.2.840.10008.5.1.4.1.1.77.1.1.1",
)
TRANSFER_SYNTAXES = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.102",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def archive(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Archive]:
    """Give a running archive that takes only the SOP classes and transfer syntaxes that the checks store."""
    async with an_archive(tmp_path_factory.mktemp("archive")) as running:
        await running.start(
            DICOM_STORE_SOP_CLASSES=",".join(SOP_CLASSES),
            DICOM_STORE_TRANSFER_SYNTAXES=",".join(TRANSFER_SYNTAXES),
        )
        yield running


@pytest.mark.parametrize("root", ["dicomweb", "v2"])
@pytest.mark.parametrize("check_id", sorted(CHECKS))
async def test_check(archive: Archive, root: str, check_id: str) -> None:
    """It passes, or cannot be made by HTTP alone."""
    outcome = await asyncio.to_thread(run_check, Server(f"{archive.app.url}/{root}"), check_id)
    expected = Verdict.NOT_APPLICABLE if check_id in NOT_BY_HTTP_ALONE else Verdict.PASS
    assert (outcome.verdict, outcome.seen) == (expected, outcome.seen)


async def test_a_service_that_is_none_fails(archive: Archive) -> None:
    """The command can fail: nothing answers at this path as DICOMweb does."""
    server = Server(f"{archive.app.url}/nothing")
    outcomes = [await asyncio.to_thread(run_check, server, check_id) for check_id in sorted(CHECKS)]
    passed = {outcome.check_id for outcome in outcomes if outcome.verdict is Verdict.PASS}
    assert passed == set()
