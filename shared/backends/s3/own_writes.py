"""Recognise an object as the one that a request of ours wrote, though its answer was lost and the next was a refusal."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

WRITE_ID: Final = "write-id"
"""Metadata of every object that is put: a random number of the one call that wrote it."""


def new_write_id() -> str:
    """Return one that no other call has."""
    return secrets.token_hex(8)


def etag_of_own_write(
    client: Any, place: Mapping[str, str], metadata: Mapping[str, str], refused: ClientError
) -> str | None:
    """Return the etag of the object if it is what the refused request had written on an earlier try, else None.

    A first try that is refused has written nothing, so only after a second one it is worth a request to look.

    Raises:
        ClientError: The service does not answer that either.
        BotoCoreError: The same.
    """
    if not refused.response.get("ResponseMetadata", {}).get("RetryAttempts"):
        return None
    try:
        there = client.head_object(**place)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            return None
        raise
    return str(there["ETag"]) if there["Metadata"].get(WRITE_ID) == metadata[WRITE_ID] else None
