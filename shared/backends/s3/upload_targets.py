"""UploadTargets on an S3 service: PUT requests signed in advance. Sends none."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from shared.backends.s3.io_threads import IoThreads
from shared.backends.s3.names import Names
from shared.ports.sessions import UploadTarget
from shared.records import ObjectKey

_HEADERS: Final = {"If-None-Match": "*"}
"""Signed too: who has an address may create its object, and overwrite nothing."""


class S3UploadTargets:
    """Signs with the credentials that the app has.

    Source: "Sharing objects with presigned URLs", Amazon S3 User Guide.
    """

    def __init__(self, client: Any, names: Names, threads: IoThreads) -> None:
        self._client = client
        self._names = names
        self._threads = threads

    async def targets(self, keys: Sequence[ObjectKey], expires_at: datetime) -> list[UploadTarget]:
        """Return a target for each object; see UploadTargets."""
        seconds = max(int((expires_at - datetime.now(UTC)).total_seconds()), 1)
        return await self._threads.start(self._signed, keys, seconds)

    def _signed(self, keys: Sequence[ObjectKey], seconds: int) -> list[UploadTarget]:
        return [
            UploadTarget(
                key.name,
                self._client.generate_presigned_url(
                    "put_object",
                    Params={**self._names.writable(key), "IfNoneMatch": "*"},
                    ExpiresIn=seconds,
                    HttpMethod="PUT",
                ),
                _HEADERS,
            )
            for key in keys
        ]
