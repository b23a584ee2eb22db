"""Composition of the token check: whose tokens are taken, and where their keys are."""

from shared.access.claims import TokenRules
from shared.access.signing_keys import SigningKeys
from shared.access.tokens import TokenCheck
from shared.settings.settings import Settings


def token_check(settings: Settings) -> TokenCheck:
    """Make the check that *settings* ask for. It fetches the issuer's keys when the first token comes."""
    from shared.backends.openid_keys import OpenidKeys

    tenant, authority = settings.entra_tenant.lower(), settings.entra_authority.rstrip("/")
    both_versions = (f"{authority}/{tenant}/v2.0", f"https://sts.windows.net/{tenant}/")
    rules = TokenRules(
        issuers=frozenset(settings.entra_issuers or both_versions),
        audiences=frozenset(settings.entra_audiences),
        tenants=frozenset({tenant}),
        scopes=settings.scope_limits(),
        leeway_seconds=settings.entra_skew_seconds,
    )
    fetch = OpenidKeys(f"{authority}/{tenant}/v2.0/.well-known/openid-configuration")
    return TokenCheck(SigningKeys(fetch, most_seconds=settings.entra_keys_seconds), rules)
