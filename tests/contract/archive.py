"""What the suites of an archive's index stand on. Holds no tests itself."""

from __future__ import annotations

import pytest

from tests.contract.records import Archive, OpenArchive, fresh_name


class ArchiveContract:
    """Base of InstanceIndexContract, StudySummariesContract, StudySearchContract and ChangeFeedContract.

    An adapter's test file overrides one fixture:

        class TestAzureTableIndex(InstanceIndexContract):
            @pytest.fixture
            def open_archive(self, ...) -> OpenArchive:
                async def open_archive(partition: str) -> Archive: ...
                return open_archive

    Partitions are named `p-1`, `p-2` and so on, each new to the session, so tables may live as long as the session.
    The feed may be shared by all partitions: the suites look only at what comes after they began, and expect no other
    writer meanwhile.
    """

    @pytest.fixture
    def open_archive(self) -> OpenArchive:
        raise NotImplementedError

    @pytest.fixture
    async def archive(self, open_archive: OpenArchive) -> Archive:
        return await open_archive(fresh_name("p"))
