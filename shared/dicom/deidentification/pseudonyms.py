"""Replace what identifies by what only the holder of a secret can link again: the same in every process and file.

Plain hashes would not do: UIDs and patient IDs can be guessed and tried. So every value is an HMAC under the secret.
Source: PS3.15 2026d §E.1.1; PS3.5 2024e §B.2 (UIDs of the root 2.25)
"""

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import Final, Self

from shared.errors import SettingsError

MIN_SECRET_BYTES: Final = 16
MAX_SHIFT_DAYS: Final = 3650
_REGISTERED: Final = "1.2.840.10008."
"""Root of the UIDs that the standard itself gives out: SOP classes, well-known instances and frames of reference."""
_ID_LENGTH: Final = 16
_RANDOM_BYTES: Final = 32


def new_secret() -> bytes:
    """Return a random secret."""
    return secrets.token_bytes(_RANDOM_BYTES)


class Pseudonyms:
    """Keyed replacements of UIDs and ids, and each patient's shift of dates.

    Args:
        secret: at least 16 bytes. Another secret gives other pseudonyms; who has it and an original can link the two.

    Raises:
        SettingsError: the secret is too short.
    """

    @classmethod
    def at_random(cls) -> Self:
        """Return pseudonyms that nobody can make again, for their secret is random and told to nobody."""
        return cls(new_secret())

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise SettingsError(
                f"the secret for pseudonyms has {len(secret)} bytes; set DICOM_DEIDENTIFY_SECRET to {MIN_SECRET_BYTES}"
                " random characters or more, and keep it apart from the files"
            )
        self._secret = secret
        self.uid = lru_cache(maxsize=16384)(self._uid)

    def identifier(self, domain: str, value: str) -> str:
        """Return 16 characters in the place of an id: letters and digits, the same for the same *value* of *domain*."""
        return base64.b32encode(self._digest(domain, value)).decode("ascii")[:_ID_LENGTH]

    def days(self, patient: str) -> int:
        """Return by how many whole days all dates of *patient* become earlier: 1 to 3650."""
        return 1 + int.from_bytes(self._digest("days", patient)[:8], "big") % MAX_SHIFT_DAYS

    def _uid(self, uid: str) -> str:
        """Return the UID that stands for *uid*; one that the standard gives out stands for itself."""
        if uid.startswith(_REGISTERED):
            return uid
        number = int.from_bytes(self._digest("uid", uid)[:16], "big")
        # A UUID of version 8, the one for values made in one's own way (RFC 9562 §5.8).
        number = number & ~(0xF << 76) | 8 << 76
        number = number & ~(0x3 << 62) | 2 << 62
        return f"2.25.{number}"

    def _digest(self, domain: str, value: str) -> bytes:
        message = f"{domain}\0{value}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).digest()
