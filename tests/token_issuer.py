"""An issuer of tokens for tests: keys of its own, tokens of any shape, and a server that gives out the public keys."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

TENANT = "11111111-2222-3333-4444-555555555555"
AUDIENCE = "api://archive"
USER = "aaaaaaaa-0000-0000-0000-000000000001"
APPLICATION = "bbbbbbbb-0000-0000-0000-000000000002"

type Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """Make an RSA key."""
    return rsa.generate_private_key(65537, bits)


def encoded(data: bytes | Mapping[str, Any]) -> str:
    """Encode a part of a token."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Issuer:
    """Keys by their ids, and what is made with them."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {"first": rsa_key()}
        self.algorithms = {"first": "RS256"}
        self.url = "https://issuer.example"
        self.asked = 0
        self.status = 200

    @property
    def name(self) -> str:
        """The issuer (`iss`) of tokens of version 2.0."""
        return f"{self.url}/{TENANT}/v2.0"

    def add(self, kid: str, key: Key, algorithm: str = "RS256") -> None:
        """Sign with another key too."""
        self.keys[kid] = key
        self.algorithms[kid] = algorithm

    def jwks(self) -> list[Mapping[str, Any]]:
        """Return the public keys."""
        found: list[Mapping[str, Any]] = []
        for kid, key in self.keys.items():
            public: Any = key.public_key()
            kind: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
            found.append({**kind.to_jwk(public, as_dict=True), "kid": kid, "use": "sig"})
        return found

    def claims(self, *roles: str, **changes: Any) -> dict[str, Any]:
        """Return the claims of an application's token of version 2.0; those that are changed to None are left out."""
        now = int(time.time())
        claims = {
            "iss": self.name,
            "aud": AUDIENCE,
            "tid": TENANT,
            "oid": USER,
            "azp": APPLICATION,
            "ver": "2.0",
            "iat": now - 5,
            "nbf": now - 5,
            "exp": now + 3600,
            "roles": list(roles),
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self, *roles: str, kid: str = "first", headers: Mapping[str, Any] | None = None, **changes: Any
    ) -> str:
        """Return a signed token."""
        return self.signed(self.claims(*roles, **changes), kid=kid, headers=headers)

    def signed(
        self, claims: dict[str, Any], *, kid: str = "first", headers: Mapping[str, Any] | None = None
    ) -> str:
        """Sign *claims* as they are."""
        return jwt.encode(
            claims, self.keys[kid], algorithm=self.algorithms[kid], headers={"kid": kid, **(headers or {})}
        )

    def by_another_key(self, *roles: str) -> str:
        """Return a token that names the first key and is signed by one of a stranger's."""
        return jwt.encode(self.claims(*roles), rsa_key(), algorithm="RS256", headers={"kid": "first"})

    def unsigned(self, *roles: str, algorithm: str = "none") -> str:
        """Return a token that says that it needs no signature."""
        header = {"alg": algorithm, "typ": "JWT", "kid": "first"}
        return f"{encoded(header)}.{encoded(self.claims(*roles))}."

    def by_public_key(self, *roles: str) -> str:
        """Return a token signed by HMAC, with what everybody knows as the secret: the public key."""
        secret = self.keys["first"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signed = f"{encoded({'alg': 'HS256', 'kid': 'first'})}.{encoded(self.claims(*roles))}"
        return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"

    async def fetch(self) -> list[Mapping[str, Any]]:
        """Stand in for the request of the keys."""
        self.asked += 1
        return self.jwks()


@asynccontextmanager
async def serving(issuer: Issuer) -> AsyncIterator[str]:
    """Serve an issuer's configuration and keys on loopback; yields its root."""

    async def configuration(_: web.Request) -> web.Response:
        return web.json_response({"issuer": issuer.name, "jwks_uri": f"{issuer.url}/{TENANT}/keys"})

    async def keys(_: web.Request) -> web.Response:
        issuer.asked += 1
        return web.json_response({"keys": issuer.jwks()}, status=issuer.status)

    app = web.Application()
    app.router.add_get(f"/{TENANT}/v2.0/.well-known/openid-configuration", configuration)
    app.router.add_get(f"/{TENANT}/keys", keys)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    try:
        await site.start()
        host, port = runner.addresses[0][:2]
        issuer.url = f"http://{host}:{port}"
        yield issuer.url
    finally:
        await runner.cleanup()


def settings_of(url: str, **more: str) -> dict[str, str]:
    """Return the environment of an app that takes the tokens of the issuer at *url*."""
    return {
        "DICOM_ACCESS": "entra",
        "DICOM_ENTRA_TENANT": TENANT,
        "DICOM_ENTRA_AUDIENCES": f"other-audience, {AUDIENCE}",
        "DICOM_ENTRA_AUTHORITY": url,
        "DICOM_ENTRA_SCOPES": "user_impersonation=admin,Dicom.Read=reader",
        **more,
    }
