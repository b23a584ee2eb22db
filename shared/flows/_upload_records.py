"""What a run of uploads keeps in a container beside the job: metadata, confirmations, its log. It sends nothing.

All of it may name a patient or a sample, so it stands where the instances' own metadata stand, and not in the jobs table, whose
rows are shown as they are.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from shared.dicom.tagging.mapping import TagValue
from shared.errors import ObjectExistsError, ObjectNotFoundError
from shared.flows._upload_request import UploadPorts, UploadRequest
from shared.records import ObjectKey, ObjectLocation

_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """That a partner has a file.

    Attributes:
        sha256: of the file as it was sent.
        size: of it in bytes.
        status: of the answer.
        answer: its beginning.
        already_stored: whether the partner said that it had the file before.
    """

    sha256: str
    size: int
    status: int
    answer: str
    already_stored: bool


def fingerprint_of(location: ObjectLocation, values: Sequence[TagValue]) -> str:
    """Return what tells one tagged file from another: where it comes from, at which etag, and what is set in it."""
    key = location.key
    place = [key.container, key.name, location.etag, location.offset, location.length]
    told = [place, [[value.tag, value.text] for value in values]]
    return hashlib.sha256(orjson.dumps(told)).hexdigest()


async def confirmation(ports: UploadPorts, request: UploadRequest, fingerprint: str) -> Confirmation | None:
    """Return what is known of a file that was sent in this run or another one."""
    kept = await _read(ports, _confirmed_key(ports, request, fingerprint))
    return None if kept is None else Confirmation(**kept)


async def confirm(ports: UploadPorts, request: UploadRequest, fingerprint: str, told: Confirmation) -> None:
    """Keep that a file is with the partner; what was kept first stays."""
    content = orjson.dumps(
        {
            "sha256": told.sha256,
            "size": told.size,
            "status": told.status,
            "answer": told.answer,
            "already_stored": told.already_stored,
        }
    )
    try:
        await ports.objects.put(
            _confirmed_key(ports, request, fingerprint), content, if_absent=True, content_type=_JSON
        )
    except ObjectExistsError:
        return


async def kept_metadata(ports: UploadPorts, job_id: str) -> dict[str, Any] | None:
    """Return the metadata that a run was begun with; None before it was, and after it ended."""
    return await _read(ports, _metadata_key(ports, job_id))


async def keep_metadata(ports: UploadPorts, job_id: str, metadata: dict[str, Any]) -> None:
    """Keep the metadata, so that all files of a run are set alike and the partner is asked once."""
    await ports.objects.put(_metadata_key(ports, job_id), orjson.dumps(metadata), content_type=_JSON)


async def forget_metadata(ports: UploadPorts, job_id: str) -> None:
    """Remove the metadata of a run that has ended."""
    await ports.objects.delete(_metadata_key(ports, job_id))


async def keep_log(ports: UploadPorts, job_id: str, log: bytes) -> None:
    """Keep the log of a run."""
    key = ObjectKey(ports.derived_container, f"uploads/{job_id}/run.log")
    await ports.objects.put(key, log, content_type="text/plain; charset=utf-8")


def _metadata_key(ports: UploadPorts, job_id: str) -> ObjectKey:
    return ObjectKey(ports.derived_container, f"uploads/{job_id}/metadata.json")


def _confirmed_key(ports: UploadPorts, request: UploadRequest, fingerprint: str) -> ObjectKey:
    sample = hashlib.sha256(orjson.dumps([ports.target, request.sample_id])).hexdigest()[:32]
    return ObjectKey(ports.derived_container, f"uploads/confirmed/{sample}/{fingerprint}.json")


async def _read(ports: UploadPorts, key: ObjectKey) -> dict[str, Any] | None:
    try:
        data = b"".join([chunk async for chunk in ports.objects.stream(key)])
    except ObjectNotFoundError:
        return None
    found: dict[str, Any] = orjson.loads(data)
    return found
