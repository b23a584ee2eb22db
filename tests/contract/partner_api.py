"""What every PartnerApi does, whatever the partner answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import pytest

from shared.errors import ObjectChangedError
from shared.ports.partner import PartnerApi, PartnerError


@dataclass(frozen=True, slots=True)
class AFile:
    """A file in hand, which may break off."""

    data: bytes
    breaks: bool = False

    @property
    def size(self) -> int:
        return len(self.data)

    async def stream(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self.data), 1000):
            yield self.data[at : at + 1000]
            if self.breaks:
                raise ObjectChangedError("it was replaced meanwhile")


class Partner(Protocol):
    """The other side: what it is told to answer, and what came."""

    def cue(self, service: str, *answers: int | str) -> None:
        """Answer the next requests so: a status; or `drop`, in the middle; or `stored`, that it has the file."""
        ...

    def taken(self) -> list[bytes]:
        """Return the files that it took."""
        ...

    def requests(self, service: str) -> int:
        """Return how many there were."""
        ...


class PartnerApiContract:
    """An adapter's test file overrides two fixtures."""

    @pytest.fixture
    def partner(self) -> Partner:
        raise NotImplementedError

    @pytest.fixture
    def api(self, partner: Partner) -> PartnerApi:
        raise NotImplementedError

    async def test_metadata_are_an_object(self, api: PartnerApi) -> None:
        """As the partner has them."""
        answer = await api.metadata("S1", max_retry=0)
        assert isinstance(answer.content, dict)
        assert answer.content["test_type"] == "cbc"

    async def test_a_file_arrives_as_it_is(self, api: PartnerApi, partner: Partner) -> None:
        """By itself or as a ZIP."""
        assert (await api.upload(AFile(b"a" * 2500), max_retry=0)).status == 200
        assert (await api.upload_zip(AFile(b"PK" * 1500), max_retry=0)).status == 200
        assert partner.taken() == [b"a" * 2500, b"PK" * 1500]

    @pytest.mark.parametrize("failure", [408, 425, 429, 500, 502, 503, "drop"])
    async def test_what_may_pass_is_tried_again(
        self, api: PartnerApi, partner: Partner, failure: int | str
    ) -> None:
        """From the file's first byte; each try is told with what came of it."""
        partner.cue("upload", failure, failure)
        answer = await api.upload(AFile(b"b" * 2500), max_retry=2)

        assert partner.taken() == [b"b" * 2500]
        assert partner.requests("upload") == 3
        assert [one.number for one in answer.tries] == [1, 2, 3]
        assert answer.tries[-1].outcome == "200"
        if isinstance(failure, int):
            assert [one.outcome for one in answer.tries[:2]] == [str(failure)] * 2

    async def test_there_is_one_request_more_than_tries_again(
        self, api: PartnerApi, partner: Partner
    ) -> None:
        """After these the last status is told."""
        partner.cue("metadata", *[500] * 9)
        with pytest.raises(PartnerError, match="metadata service answered 500") as failed:
            await api.metadata("S1", max_retry=3)
        assert partner.requests("metadata") == 4
        assert (failed.value.status, len(failed.value.tries)) == ("500", 4)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
    async def test_what_stays_refused_is_asked_once(
        self, api: PartnerApi, partner: Partner, status: int
    ) -> None:
        """And the status is told."""
        partner.cue("analytics", status)
        with pytest.raises(PartnerError, match=f"analytics service answered {status}"):
            await api.analytics("S1", "cbc", max_retry=5)
        assert partner.requests("analytics") == 1

    @pytest.mark.parametrize("status", [201, 202, 204])
    async def test_any_success_is_one(self, api: PartnerApi, partner: Partner, status: int) -> None:
        """Whatever it is called."""
        partner.cue("analytics", status)
        await api.analytics("S1", "cbc", max_retry=0)
        assert partner.requests("analytics") == 1

    async def test_a_file_that_is_there_counts_as_stored(self, api: PartnerApi, partner: Partner) -> None:
        """Whichever status says so."""
        partner.cue("upload", "stored")
        answer = await api.upload(AFile(b"c"), max_retry=0)
        assert answer.already_stored

    async def test_what_reading_a_file_raises_is_raised(self, api: PartnerApi, partner: Partner) -> None:
        """And nothing counts as taken."""
        with pytest.raises(ObjectChangedError, match="replaced"):
            await api.upload(AFile(b"d" * 5000, breaks=True), max_retry=3)
        assert partner.taken() == []

    async def test_the_log_of_a_failure_arrives(self, api: PartnerApi, partner: Partner) -> None:
        """After a failure of its own, too."""
        partner.cue("log", 503)
        await api.report_failure(b"it failed", max_retry=1)
        assert partner.requests("log") == 2
