"""Check a bearer token: its form, its signature, for whom, by whom and for when it is.

What a token says of where its key is (jku, x5u, jwk, x5c) is never looked at, and the algorithm must be one that only
the issuer's private key can sign with.

Source: RFC 7515, RFC 7519, RFC 8725 §3
"""

import base64
import binascii
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from shared.access.callers import Caller
from shared.access.claims import TokenRules, caller_of
from shared.errors import UnauthenticatedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MAX_TOKEN: Final = 16 * 1024
"""Characters. Entra ID keeps its tokens so short that they fit into a header."""
_KINDS: Final = {"RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "ES256": "EC", "ES384": "EC"}
_CURVES: Final = {"ES256": "secp256r1", "ES384": "secp384r1"}
_MIN_RSA_BITS: Final = 2048
_MAX_KID: Final = 256


class Keys(Protocol):
    """The keys of the issuer."""

    def get(self, kid: str) -> Awaitable[Mapping[str, Any]]:
        """Return a key as a JSON Web Key, or raise UnauthenticatedError."""
        ...


class TokenCheck:
    """Finds out who bears a token."""

    def __init__(self, keys: Keys, rules: TokenRules) -> None:
        self._keys = keys
        self._rules = rules

    async def caller(self, token: str) -> Caller:
        """Return the bearer of *token*.

        Raises:
            UnauthenticatedError: It is none of ours, not valid now, or no token at all.
            BackendUnavailableError: The issuer's keys cannot be had.
        """
        algorithm, kid = _header(token)
        jwk = await self._keys.get(kid)
        return caller_of(self._claims(token, algorithm, _public_key(jwk, algorithm)), self._rules)

    def _claims(
        self, token: str, algorithm: str, key: "RSAPublicKey | EllipticCurvePublicKey"
    ) -> dict[str, Any]:
        import jwt

        try:
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._rules.audiences,
                issuer=list(self._rules.issuers),
                leeway=self._rules.leeway_seconds,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("the token has expired") from None
        except jwt.ImmatureSignatureError:
            raise UnauthenticatedError("the token is not valid yet") from None
        except jwt.InvalidAudienceError:
            raise UnauthenticatedError("the token is for another audience") from None
        except jwt.InvalidIssuerError:
            raise UnauthenticatedError("the token is of another issuer") from None
        except jwt.MissingRequiredClaimError as error:
            raise UnauthenticatedError(f"the token has no claim {error.claim}") from None
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError):
            raise UnauthenticatedError("the signature of the token is not its issuer's") from None


def _header(token: str) -> tuple[str, str]:
    """Return algorithm and key id, which are all that is read before the signature is checked."""
    import orjson

    if len(token) > MAX_TOKEN:
        raise UnauthenticatedError(f"the token is longer than {MAX_TOKEN} characters")
    encoded, *others = token.split(".")
    if len(others) != 2:  # one that is encrypted has five parts
        raise UnauthenticatedError("this is no signed token (JWS)")
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        header = orjson.loads(raw)
    except (binascii.Error, ValueError):
        raise UnauthenticatedError("the token has no header that can be read") from None
    algorithm, kid = (header.get("alg"), header.get("kid")) if isinstance(header, dict) else (None, None)
    if not isinstance(algorithm, str) or algorithm not in _KINDS:
        raise UnauthenticatedError(f"the token is signed by none of {', '.join(_KINDS)}")
    if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID:
        raise UnauthenticatedError("the token does not name its key (kid)")
    if "crit" in header or "b64" in header:
        raise UnauthenticatedError("the token asks for what is not understood here (crit)")
    return algorithm, kid


def _public_key(jwk: Mapping[str, Any], algorithm: str) -> "RSAPublicKey | EllipticCurvePublicKey":
    """Return a key of the issuer, if it is one that *algorithm* may be used with."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from jwt.algorithms import ECAlgorithm, RSAAlgorithm

    unfit = UnauthenticatedError("the token is signed by another algorithm than its key is for")
    if jwk.get("kty") != _KINDS[algorithm] or jwk.get("alg", algorithm) != algorithm:
        raise unfit
    try:
        key = (RSAAlgorithm if _KINDS[algorithm] == "RSA" else ECAlgorithm).from_jwk(dict(jwk))
    except (jwt.PyJWTError, ValueError, TypeError):
        raise UnauthenticatedError("the issuer's key cannot be read") from None
    if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_RSA_BITS:
        return key
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name == _CURVES.get(algorithm):
        return key
    raise unfit
