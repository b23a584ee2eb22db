"""What a unique identifier looks like. It does not say whether anything has that identifier, nor makes new ones."""

from __future__ import annotations

import re

from shared.errors import InvalidUidError

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_MAX_LENGTH = 64


def validate_uid(text: str, name: str = "UID") -> str:
    """Return *text* if it may serve as a UID.

    A component with leading zeros ("1.02") is let pass although PS3.5 §9.1 forbids it: scanners write such UIDs, and
    an archive that refused them would lose images. So is a single component.

    Args:
        text: The UID as the client or file has it, without padding.
        name: What the UID identifies, for the message, such as "StudyInstanceUID".

    Raises:
        InvalidUidError: It is empty, longer than 64 characters, or not digits joined by single dots.

    Source: PS3.5 2024e §9.1
    """
    if len(text) > _MAX_LENGTH:
        raise InvalidUidError(f"{name} has {len(text)} characters; a UID has at most {_MAX_LENGTH}")
    if _UID.fullmatch(text) is None:
        raise InvalidUidError(f"{name} is not a UID: expected digits joined by single dots")
    return text
