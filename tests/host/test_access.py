"""Tokens of an issuer on loopback, over HTTP, through the running app."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from yarl import URL

from tests.host.archive import Archive, an_archive
from tests.token_issuer import Issuer, rsa_key, serving, settings_of
from tests.unit.flows.builders import STUDY, make_file
from tests.unit.functions.service import MULTIPART, multipart

pytestmark = [pytest.mark.host, pytest.mark.asyncio(loop_scope="module")]


class Guarded:
    """An archive whose callers need tokens, and who issues those."""

    def __init__(self, archive: Archive, issuer: Issuer) -> None:
        self.archive = archive
        self.issuer = issuer

    async def ask(
        self, path: str, token: str | None = None, *, method: str = "GET", **more: Any
    ) -> tuple[int, dict[str, str], str]:
        """Send a request and return status, headers and body of its answer."""
        headers = more.pop("headers", {})
        if token is not None:
            headers = headers | {"Authorization": f"Bearer {token}"}
        url = f"{self.archive.app.url}/{path}"
        async with self.archive.session.request(method, url, headers=headers, **more) as answer:
            text = await answer.text()
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, text

    async def store(self, token: str | None, root: str = "dicomweb") -> int:
        """Store an instance and return the status."""
        given = {"Content-Type": MULTIPART, "Accept": "application/dicom+json"}
        status, _, _ = await self.ask(
            f"{root}/studies", token, method="POST", headers=given, data=multipart(make_file(1))
        )
        return status


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    """Give a running archive that takes the tokens of an issuer."""
    issuer = Issuer()
    async with serving(issuer) as url, an_archive(tmp_path_factory.mktemp("archive")) as archive:
        await archive.start(**settings_of(url), DICOM_CORS_ORIGINS="https://viewer.example")
        yield Guarded(archive, issuer)


async def test_a01_no_token_is_401_and_a_reader_does_not_write(guarded: Guarded) -> None:
    """A01: 401 with how to get in, and 403 for a role that does not reach so far; a writer stores, a reader finds it."""
    assert await guarded.store(None) == 401
    status, headers, _ = await guarded.ask("dicomweb/studies")
    assert status == 401
    assert headers["www-authenticate"].startswith("Bearer ")
    assert headers["content-type"] == "application/problem+json"
    assert await guarded.store(guarded.issuer.token("reader")) == 403
    assert await guarded.store(guarded.issuer.token("writer")) == 200
    status, _, text = await guarded.ask("dicomweb/studies", guarded.issuer.token("DICOM Data Reader"))
    assert (status, STUDY in text) == (200, True)


async def test_tokens_that_are_no_good_are_refused(guarded: Guarded) -> None:
    """Each with a reason, none with a 5xx, and nothing is deleted."""
    issuer = guarded.issuer
    bad = {
        "forged": issuer.by_another_key("admin"),
        "expired": issuer.token("admin", exp=1),
        "not yet valid": issuer.token("admin", nbf=99_999_999_999),
        "wrong audience": issuer.token("admin", aud="api://another"),
        "wrong issuer": issuer.token("admin", iss="https://evil.example"),
        "wrong tenant": issuer.token("admin", tid="0"),
        "alg none": issuer.unsigned("admin"),
        "HS256 with the public key": issuer.by_public_key("admin"),
        "unknown kid": issuer.token("admin", headers={"kid": "unknown"}),
        "kid as path": issuer.token("admin", headers={"kid": "../../dev/null"}),
        "jku": issuer.token("admin", headers={"kid": "mine", "jku": "http://127.0.0.1:1/keys"}),
        "oversize": "x" * 20_000,
        "ID token": issuer.token("admin", azp=None),
    }
    for name, token in bad.items():
        status, headers, text = await guarded.ask(f"dicomweb/studies/{STUDY}", token, method="DELETE")
        assert status == 401, name
        assert 'error="invalid_token"' in headers["www-authenticate"], name
        assert token not in text, name
    status, _, _ = await guarded.ask(
        f"dicomweb/studies/{STUDY}", issuer.token("reader:default"), method="DELETE"
    )
    assert status == 403
    status, _, _ = await guarded.ask(f"dicomweb/studies/{STUDY}/metadata", issuer.token("reader"))
    assert status in (200, 404)  # as the test before it has stored it, or not


async def test_a_role_in_a_partition_opens_that_one_only(guarded: Guarded) -> None:
    """By path and by parameter; the feed and the list of partitions are of all."""
    token = guarded.issuer.token("writer:site-a", scp="user_impersonation")
    assert await guarded.store(token) == 403
    assert await guarded.store(token, "dicomweb/partitions/site-b") == 403
    assert await guarded.store(token, "dicomweb/partitions/site-a") == 200
    expected = {
        "dicomweb/partitions/site-a/studies": 200,
        "dicomweb/partitions/site-b/studies": 403,
        "dicomweb/partitions/SITE-A/studies": 403,
        "dicomweb/partitions/site-a%2F..%2Fdefault/studies": 403,
        "dicomweb/studies": 403,
        "search?partition=site-a": 400,
        "search?partition=site-b": 403,
        "search?partition=site-a&partition=default": 403,
        "risk?partition=site-a": 200,
        "risk": 403,
        "cases": 403,
        "dicomweb/changefeed": 403,
        "dicomweb/partitions": 403,
        "ledger": 403,
    }
    for path, status in expected.items():
        url = URL(f"{guarded.archive.app.url}/{path}", encoded=True)
        given = {"Authorization": f"Bearer {token}"}
        async with guarded.archive.session.get(url, headers=given) as answer:
            assert answer.status == status, path


async def test_a_preflight_health_and_the_document_need_no_token(guarded: Guarded) -> None:
    """And tell nothing that anybody might not know."""
    asked = {"Origin": "https://viewer.example", "Access-Control-Request-Method": "GET"}
    status, headers, _ = await guarded.ask("dicomweb/studies", method="OPTIONS", headers=asked)
    assert (status, headers["access-control-allow-origin"]) == (204, "https://viewer.example")
    assert "Authorization" in headers["access-control-allow-headers"]
    status, headers, _ = await guarded.ask("dicomweb/studies", headers=asked)
    assert (status, headers["access-control-allow-origin"]) == (401, "https://viewer.example")
    status, _, text = await guarded.ask("health")
    assert (status, text) == (200, '{"status":"ok"}')
    assert (await guarded.ask("health/check"))[0] == 401
    assert (await guarded.ask("ui"))[0] == 401
    assert (await guarded.ask("ui/case.css"))[0] == 200
    assert (await guarded.ask("openapi.json"))[0] == 200
    assert (await guarded.ask("dicomweb/studies", "x" * 70_000))[0] in (400, 401, 431)


async def test_a_rotated_key_is_found_and_the_keys_are_asked_for_once(guarded: Guarded) -> None:
    """Although many come with it at once; an invented one does not make the app ask again."""
    issuer = guarded.issuer
    await guarded.ask("dicomweb/studies", issuer.token("reader"))
    issuer.add("invented", rsa_key())
    invented = issuer.token("admin", kid="invented")
    del issuer.keys["invented"]
    for _ in range(3):
        assert (await guarded.ask("dicomweb/studies", invented))[0] == 401
    assert issuer.asked <= 3
    issuer.status = 500
    assert (await guarded.ask("dicomweb/studies", issuer.token("reader")))[0] in (200, 204)
    issuer.status = 200


async def test_keys_that_come_later_are_taken(tmp_path_factory: pytest.TempPathFactory) -> None:
    """While the issuer is down nobody is let in and nobody is told that the token is bad; and a new key is taken at once."""
    issuer = Issuer()
    async with serving(issuer) as url, an_archive(tmp_path_factory.mktemp("archive")) as archive:
        await archive.start(**settings_of(url))
        guarded = Guarded(archive, issuer)
        status, _, _ = await guarded.ask("dicomweb/studies", issuer.token("reader"))
        assert (status, issuer.asked) == (204, 1)
        issuer.add("second", rsa_key())
        token = issuer.token("reader", kid="second")
        found = await asyncio.gather(*(guarded.ask("dicomweb/studies", token) for _ in range(20)))
        assert {status for status, _, _ in found} == {204}
        assert issuer.asked == 2
