"""Let the app's handlers take tokens of an issuer of the tests'; and call them with one."""

import pytest

from functions import _wiring
from shared.access.signing_keys import SigningKeys
from shared.services.access import token_check
from shared.settings.settings import Settings
from tests.token_issuer import AUDIENCE, TENANT, Issuer

ISSUER = Issuer()


def entra_settings() -> Settings:
    """Return settings that ask for tokens of the issuer."""
    return Settings(
        access="entra", entra_tenant=TENANT, entra_audiences=(AUDIENCE,), entra_authority=ISSUER.url
    )


def take_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the edge ask for a token, and take the issuer's."""
    settings = entra_settings()
    check = token_check(settings)
    check._keys = SigningKeys(ISSUER.fetch, most_seconds=3600)
    monkeypatch.setattr(_wiring, "settings", lambda: settings)
    monkeypatch.setattr(_wiring, "token_check", lambda: check)


def bearing(*roles: str) -> dict[str, str]:
    """Return the header of a caller with these roles."""
    return {"authorization": f"Bearer {ISSUER.token(*roles)}"}
