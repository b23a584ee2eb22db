"""Read from the claims of a token, whose signature was checked, who its bearer is and what they may do.

Source: RFC 9068; Microsoft identity platform, access token claims reference, versions 1.0 and 2.0
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.access.callers import Caller, Grant, Role, read_grant
from shared.errors import UnauthenticatedError

MAX_ROLES: Final = 256
"""Of one token; Entra ID gives out fewer."""
_MAX_ID: Final = 128


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Which tokens are taken.

    Attributes:
        issuers: `iss`, one of these.
        audiences: `aud`, one of these.
        tenants: `tid`, one of these, in lower case.
        scopes: The scopes that a user's token must have one of, each with the most that it lets its bearer do.
        leeway_seconds: By how much the clocks of issuer and app may differ.
    """

    issuers: frozenset[str]
    audiences: frozenset[str]
    tenants: frozenset[str]
    scopes: Mapping[str, Role] = field(default_factory=dict)
    leeway_seconds: float = 120


def caller_of(claims: Mapping[str, Any], rules: TokenRules) -> Caller:
    """Return who bears a token with *claims*. Roles that mean nothing here are passed over; without any they may nothing.

    Raises:
        UnauthenticatedError: It is of another tenant, or no access token: one that says for a client who has signed in
            (an ID token) names no application.
    """
    if _text(claims, "tid").lower() not in rules.tenants:
        raise UnauthenticatedError("the token is of another tenant")
    app_id = _text(claims, "azp") or _text(claims, "appid")
    if not app_id:
        raise UnauthenticatedError("this is no access token: it names no application (azp or appid)")
    grants = frozenset(grant for name in _roles(claims) if (grant := read_grant(name)) is not None)
    is_delegated = "scp" in claims
    if is_delegated:
        grants = _limited(grants, _most_by_scope(claims, rules))
    return Caller(
        kind="user" if is_delegated else "application",
        user_id=_text(claims, "oid") or _text(claims, "sub"),
        app_id=app_id,
        tenant_id=_text(claims, "tid"),
        grants=grants,
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) and len(value) <= _MAX_ID else ""


def _roles(claims: Mapping[str, Any]) -> list[str]:
    roles = claims.get("roles", [])
    if isinstance(roles, str):
        roles = [roles]
    return [name for name in roles[:MAX_ROLES] if isinstance(name, str)] if isinstance(roles, list) else []


def _most_by_scope(claims: Mapping[str, Any], rules: TokenRules) -> Role | None:
    given = claims["scp"]
    names = given.split() if isinstance(given, str) else []
    return max((rules.scopes[name] for name in names if name in rules.scopes), default=None)


def _limited(grants: frozenset[Grant], most: Role | None) -> frozenset[Grant]:
    """Return what a user may do through an application: no more than the user, and no more than its scope."""
    if most is None:
        return frozenset()
    return frozenset(Grant(min(grant.role, most), grant.partition) for grant in grants)
