"""Find out whether a bucket honours "only if absent". Writes one small object in it, which nobody else sees."""

from __future__ import annotations

import threading
from typing import Any

from botocore.exceptions import ClientError

from shared.backends.s3.errors import status_of, translated
from shared.backends.s3.names import PROBE_NAME
from shared.errors import SettingsError

_CONTENT = b"This object shows whether the service honours If-None-Match. It may be deleted at any time.\n"
_REFUSED = frozenset({409, 412})


class ConditionalWrites:
    """What is known of the buckets of one client. A service that ignores the condition overwrites without a word."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._honoured: set[tuple[str, bool]] = set()
        self._trying = threading.Lock()

    def check(self, bucket: str, *, multipart: bool) -> None:
        """Try the condition in *bucket*, the first time only: one request, four for multipart uploads.

        Whether it also holds for two writers at the same moment, no trial can show.

        Raises:
            SettingsError: The service ignores it.
            ObjectNotFoundError: There is no such bucket.
        """
        if (bucket, multipart) not in self._honoured:
            with self._trying, translated(f"bucket {bucket}"):
                self._try(bucket, multipart=multipart)

    def _try(self, bucket: str, *, multipart: bool) -> None:
        if (bucket, multipart) in self._honoured:
            return
        # The first may find nothing there; the second finds what the first has written.
        honoured = self._is_refused(bucket) or self._is_refused(bucket)
        if not honoured or (multipart and not self._is_refused_at_completion(bucket)):
            raise SettingsError(
                f"the S3 service ignores If-None-Match on {'multipart uploads' if multipart else 'PutObject'}: two "
                "writers of one object would overwrite each other unseen; use a service that honours it"
            )
        self._honoured.add((bucket, multipart))

    def _is_refused(self, bucket: str) -> bool:
        try:
            self._client.put_object(
                Bucket=bucket, Key=PROBE_NAME, Body=_CONTENT, IfNoneMatch="*", ContentType="text/plain"
            )
        except ClientError as error:
            if status_of(error) in _REFUSED:
                return True
            raise
        return False

    def _is_refused_at_completion(self, bucket: str) -> bool:
        place = {"Bucket": bucket, "Key": PROBE_NAME}
        place["UploadId"] = self._client.create_multipart_upload(**place)["UploadId"]
        part = self._client.upload_part(**place, PartNumber=1, Body=_CONTENT)
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        try:
            self._client.complete_multipart_upload(**place, MultipartUpload=parts, IfNoneMatch="*")
        except ClientError as error:
            self._client.abort_multipart_upload(**place)
            if status_of(error) in _REFUSED:
                return True
            raise
        return False
