"""Which tokens are taken, and who their bearers are."""

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shared.access.callers import Caller, Grant, Role
from shared.access.claims import TokenRules
from shared.access.signing_keys import SigningKeys
from shared.access.tokens import MAX_TOKEN, TokenCheck
from shared.errors import UnauthenticatedError
from tests.token_issuer import APPLICATION, AUDIENCE, TENANT, USER, Issuer, encoded, rsa_key

ISSUER = Issuer()
ISSUER.add("elliptic", ec.generate_private_key(ec.SECP256R1()), "ES256")
ISSUER.add("other-curve", ec.generate_private_key(ec.SECP384R1()), "ES384")
ISSUER.add("short", rsa_key(1024))
V1 = f"https://sts.windows.net/{TENANT}/"
SCOPES = {"user_impersonation": Role.ADMIN, "Dicom.Read": Role.READER}


def a_check() -> TokenCheck:
    """Make a check of the issuer's tokens."""
    rules = TokenRules(
        issuers=frozenset({ISSUER.name, V1}),
        audiences=frozenset({AUDIENCE, "second"}),
        tenants=frozenset({TENANT}),
        scopes=SCOPES,
        leeway_seconds=60,
    )
    return TokenCheck(SigningKeys(ISSUER.fetch, most_seconds=3600), rules)


def from_now(changes: dict[str, Any]) -> dict[str, Any]:
    """Return changes of claims, times of which are given in seconds from now."""
    now = int(time.time())
    return {
        name: now + value if name in ("exp", "nbf", "iat") and isinstance(value, int) else value
        for name, value in changes.items()
    }


async def bearer(token: str) -> Caller:
    """Return who bears a token."""
    return await a_check().caller(token)


async def test_an_application_has_its_roles() -> None:
    """A token of version 2.0, with who is audited."""
    caller = await bearer(ISSUER.token("reader", "writer:a", "unknown"))
    assert caller == Caller(
        "application",
        USER,
        APPLICATION,
        TENANT,
        frozenset({Grant(Role.READER), Grant(Role.WRITER, "a")}),
    )


async def test_tokens_of_version_1_are_taken() -> None:
    """They have another issuer, and appid in place of azp."""
    token = ISSUER.token("admin", iss=V1, azp=None, appid=APPLICATION, ver="1.0", tid=TENANT.upper())
    assert (await bearer(token)).app_id == APPLICATION


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "second"},
        {"aud": ["x", AUDIENCE]},
        {"exp": -30},
        {"nbf": 30},
        {"iat": 30},
        {"nbf": None},
        {"oid": None, "sub": USER},
    ],
)
async def test_small_differences_are_let_pass(changes: dict[str, Any]) -> None:
    """Several audiences, and clocks that differ a little."""
    assert (await bearer(ISSUER.token("reader", **from_now(changes)))).user_id == USER


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": -3600}, "expired"),
        ({"exp": -61}, "expired"),
        ({"nbf": 3600}, "not valid yet"),
        ({"iat": 3600}, "not valid yet"),
        ({"aud": "api://another"}, "another audience"),
        ({"aud": ["api://another", f"{AUDIENCE}/x"]}, "another audience"),
        ({"aud": None}, "no claim aud"),
        ({"exp": None}, "no claim exp"),
        ({"iat": None}, "no claim iat"),
        ({"iss": None}, "no claim iss"),
        ({"iss": "https://evil.example/v2.0"}, "another issuer"),
        ({"iss": f"{V1}x"}, "another issuer"),
        ({"tid": None}, "another tenant"),
        ({"tid": "99999999-2222-3333-4444-555555555555"}, "another tenant"),
        ({"azp": None}, "no access token"),
        ({"azp": ["x"]}, "no access token"),
        ({"exp": "never"}, "signature"),
        ({"exp": float("inf")}, "signature"),
    ],
)
async def test_claims_that_are_wrong_are_refused(changes: dict[str, Any], reason: str) -> None:
    """Although the issuer has signed them."""
    with pytest.raises(UnauthenticatedError, match=reason):
        await bearer(ISSUER.token("admin", **from_now(changes)))


def _cut(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{body}.{signature[:-8]}"


def _raised(token: str) -> str:
    """Put other claims between the same header and signature."""
    head, _, signature = token.split(".")
    return f"{head}.{encoded(ISSUER.claims('admin'))}.{signature}"


def _with_header(**header: Any) -> str:
    return f"{encoded(header)}.{encoded(ISSUER.claims('admin'))}.{encoded(b'x' * 256)}"


FORGED: dict[str, Callable[[], str]] = {
    "stranger's key": lambda: ISSUER.by_another_key("admin"),
    "claims exchanged": lambda: _raised(ISSUER.token("reader")),
    "signature cut": lambda: _cut(ISSUER.token("admin")),
    "alg none": lambda: ISSUER.unsigned("admin"),
    "alg NONE": lambda: ISSUER.unsigned("admin", algorithm="NONE"),
    "alg nOnE": lambda: ISSUER.unsigned("admin", algorithm="nOnE"),
    "no signature under RS256": lambda: ISSUER.unsigned("admin", algorithm="RS256"),
    "HS256 with the public key": lambda: ISSUER.by_public_key("admin"),
    "ES256 with an RSA key": lambda: _with_header(alg="ES256", kid="first"),
    "RS256 with an elliptic key": lambda: _with_header(alg="RS256", kid="elliptic"),
    "ES256 with another curve": lambda: _with_header(alg="ES256", kid="other-curve"),
    "key that is too short": lambda: ISSUER.token("admin", kid="short"),
    "unknown kid": lambda: ISSUER.token("admin", headers={"kid": "nobody's"}),
    "kid is a path": lambda: ISSUER.token("admin", headers={"kid": "../../../dev/null"}),
    "kid is SQL": lambda: ISSUER.token("admin", headers={"kid": "x' UNION SELECT 'k"}),
    "kid is a URL": lambda: ISSUER.token("admin", headers={"kid": "http://127.0.0.1:9/keys"}),
    "kid is a number": lambda: _with_header(alg="RS256", kid=1),
    "kid is empty": lambda: _with_header(alg="RS256", kid=""),
    "kid is long": lambda: _with_header(alg="RS256", kid="k" * 5000),
    "no kid": lambda: _with_header(alg="RS256"),
    "no alg": lambda: _with_header(kid="first"),
    "alg is a list": lambda: _with_header(alg=["RS256"], kid="first"),
    "crit": lambda: ISSUER.token("admin", headers={"crit": ["exp"], "exp": 1}),
    "b64 false": lambda: _with_header(alg="RS256", kid="first", b64=False, crit=["b64"]),
    "encrypted": lambda: "a.b.c.d.e",
    "empty": lambda: "",
    "dots": lambda: "..",
    "not base64": lambda: "%%%.%%%.%%%",
    "not JSON": lambda: f"{encoded(b'{')}.e30.e30",
    "not an object": lambda: f"{encoded(b'[]')}.e30.e30",
    "deep header": lambda: f"{encoded(b'[' * 9000)}.e30.e30",
    "lone surrogate": lambda: f"{encoded(b'{"alg":"RS256","kid":"\\ud800"}')}.e30.e30",
    "not ASCII": lambda: "ä.ö.ü",
    "oversize": lambda: "x" * (MAX_TOKEN + 1),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_a_forged_token_is_refused(forge: Callable[[], str]) -> None:
    """Whatever it says of itself; and what it says is not repeated."""
    token = forge()
    with pytest.raises(UnauthenticatedError) as raised:
        await bearer(token)
    assert len(str(raised.value)) < 200
    assert "nobody's" not in str(raised.value)


async def test_where_a_token_says_its_key_is_does_not_matter() -> None:
    """`jku`, `x5u` and `jwk` are the forger's; beside a good signature they are passed over."""
    key = rsa_key()
    own: Any = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    for header in ({"jku": "http://127.0.0.1:9/keys"}, {"x5u": "http://127.0.0.1:9/c"}, {"jwk": own}):
        forged = jwt.encode(
            ISSUER.claims("admin"), key, algorithm="RS256", headers={"kid": "first", **header}
        )
        with pytest.raises(UnauthenticatedError):
            await bearer(forged)
        assert await bearer(ISSUER.token("reader", headers=header))


@pytest.mark.parametrize("kid", ["elliptic", "other-curve"])
async def test_elliptic_keys_are_taken(kid: str) -> None:
    """With the algorithm that belongs to the curve."""
    assert (await bearer(ISSUER.token("reader", kid=kid))).may(Role.READER, None)


@pytest.mark.parametrize(
    ("roles", "scp", "grants"),
    [
        (["admin"], "user_impersonation", {Grant(Role.ADMIN)}),
        (["reader"], "user_impersonation", {Grant(Role.READER)}),
        (["admin"], "openid Dicom.Read", {Grant(Role.READER)}),
        (["writer:a"], "Dicom.Read", {Grant(Role.READER, "a")}),
        (["admin"], "Dicom.Read user_impersonation", {Grant(Role.ADMIN)}),
        (["admin"], "Mail.Read", set()),
        (["admin"], "", set()),
        (["admin"], ["user_impersonation"], set()),
        ([], "user_impersonation", set()),
    ],
)
async def test_a_user_may_no_more_than_user_and_application_may(
    roles: list[str], scp: Any, grants: set[Grant]
) -> None:
    """A scope is what the user has let the application do; it gives no role."""
    caller = await bearer(ISSUER.token(*roles, scp=scp))
    assert caller.kind == "user"
    assert caller.grants == frozenset(grants)


@pytest.mark.parametrize("roles", [None, "reader", ["reader", 7, None], {"reader": 1}, 7, [["reader"]]])
async def test_roles_of_any_shape_are_read(roles: Any) -> None:
    """What is no list of names grants nothing; one name by itself is taken."""
    caller = await bearer(ISSUER.token(roles=roles))
    expected = {Grant(Role.READER)} if roles in ("reader", ["reader", 7, None]) else set()
    assert set(caller.grants) == expected
