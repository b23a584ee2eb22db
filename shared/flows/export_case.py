"""Export a clinical case as files: DICOM, PNG, text and JSON. Knows nothing of how they are packed."""

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.errors import (
    CaseNotFoundError,
    DamagedDicomError,
    IncompleteCaseError,
    InvalidRequestError,
    NotAcceptableError,
    ObjectChangedError,
    ObjectNotFoundError,
    RejectedInstanceError,
)
from shared.flows._case_images import CasePorts, FoundCase, find_case
from shared.flows._case_pictures import pictures_of
from shared.flows._described_case import CaseUrls, describe_case
from shared.flows._in_parallel import in_parallel
from shared.flows._kept_ranges import KeptRanges
from shared.flows._renderable import Kind, kind_of
from shared.flows._stored_image import read_stored_image, spans_of_stored_image
from shared.pixels.image_attributes import MAX_FRAME_BYTES
from shared.pixels.rendering_parameters import Rendering
from shared.ports.archive import ObjectStore
from shared.records import InstanceRecord
from shared.telemetry.tracing import flow

_DEPTHS: Final = {"png8": Rendering(bits=8), "png16": Rendering(bits=16)}
"""How the pictures in each folder are rendered."""
_CONCURRENT: Final = 4
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of a case: its name, with slashes; most bytes it may have; its content, to be read before the next file."""

    name: str
    most: int
    content: AsyncIterator[bytes]


@flow
async def export_case(
    year: int | str,
    case_id: str,
    *,
    urls: CaseUrls,
    ports: CasePorts,
    objects: ObjectStore,
    strict: bool = False,
) -> AsyncIterator[CaseFile]:
    """Return the files of a case: `dicom/`, `png8/`, `png16/`, `report.txt`, and at last `case.json` on all of them.

    Each view's object is read once, its pictures being made of what passes by. No more is held than the first chunk
    of each object and one frame. An object that cannot be read from its beginning on counts as missing; one that breaks
    off later is an error while its content is read.

    Args:
        year: As number or text.
        case_id: Such as "S0000001".
        urls: Public roots, for URLs.
        ports: Where to look.
        objects: Where the images lie.
        strict: Whether a case that lacks anything is an error; known before the first file.

    Raises:
        CaseNotFoundError: There is no image and no report of it.
        IncompleteCaseError: With *strict*, something is missing.
        ObjectChangedError: With *strict*, an object was replaced since it was indexed.
    """
    case = await find_case(year, case_id, ports)
    case.check(strict=strict)

    async def begin(view: str) -> KeptRanges | None:
        try:
            return await _begin(case.views[view].record, objects)
        except (ObjectNotFoundError, ObjectChangedError) as error:
            # A changed object is about to be indexed anew: who wants all of the case is to ask again.
            if strict and isinstance(error, ObjectChangedError):
                raise
            return None

    begun = await in_parallel(begin, case.views, limit=_CONCURRENT)
    contents = {view: one for view, one in zip(case.views, begun, strict=True) if one is not None}
    readable = replace(case, views={view: case.views[view] for view in contents})
    try:
        readable.check(strict=strict)
    except (CaseNotFoundError, IncompleteCaseError):
        await _close(contents)
        raise
    return _Export(readable, contents).files(urls)


async def _begin(record: InstanceRecord, objects: ObjectStore) -> KeptRanges:
    try:
        spans = spans_of_stored_image(record)
    except DamagedDicomError:
        spans = []
    if sum(end - start for start, end in spans) > MAX_FRAME_BYTES:
        spans = []
    content = KeptRanges(record, spans)
    await content.begin(objects)
    return content


async def _close(contents: dict[str, KeptRanges]) -> None:
    for content in contents.values():
        await content.close()


class _Export:
    """One export under way: the case as far as it can be read, and the begun contents of its views."""

    def __init__(self, case: FoundCase, contents: dict[str, KeptRanges]) -> None:
        self._case = case
        self._contents = contents
        self._written: list[dict[str, Any]] = []
        self._problems: list[dict[str, str]] = []

    async def files(self, urls: CaseUrls) -> AsyncIterator[CaseFile]:
        """Yield the files, and close the contents after, however that ends."""
        try:
            for view, found in self._case.views.items():
                content, stem = self._contents[view], _UNSAFE.sub("_", view)
                length = found.record.location.length
                yield CaseFile(
                    f"dicom/{stem}.dcm", length, self._noted(f"dicom/{stem}.dcm", content.stream())
                )
                for folder, picture in (await self._pictures(view, found.record, content)).items():
                    yield self._whole(f"{folder}/{stem}.png", picture)
                await content.close()
            if self._case.report is not None:
                yield self._whole("report.txt", self._case.report.encode())
            yield self._whole("case.json", self._sidecar(urls))
        finally:
            await _close(self._contents)

    async def _pictures(self, view: str, record: InstanceRecord, content: KeptRanges) -> dict[str, bytes]:
        """Return the pictures of a view by folder; what cannot be shown is noted, and its DICOM file is there."""
        try:
            return await _make_pictures(record, content)
        except (RejectedInstanceError, NotAcceptableError, InvalidRequestError) as error:
            self._problems.append({"view": view, "detail": str(error)})
            return {}

    def _sidecar(self, urls: CaseUrls) -> bytes:
        import orjson

        about = describe_case(self._case, urls)
        return orjson.dumps(
            {**about, "files": self._written, "problems": self._problems}, option=orjson.OPT_INDENT_2
        )

    def _whole(self, name: str, data: bytes) -> CaseFile:
        return CaseFile(name, len(data), self._noted(name, _once(data)))

    async def _noted(self, name: str, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass a file's content on, and note its length and digest for the sidecar."""
        digest, size = hashlib.sha256(), 0
        async for chunk in content:
            digest.update(chunk)
            size += len(chunk)
            yield chunk
        self._written.append({"name": name, "size": size, "sha256": digest.hexdigest()})


async def _make_pictures(record: InstanceRecord, content: KeptRanges) -> dict[str, bytes]:
    if kind_of(record) is not Kind.IMAGE:
        raise NotAcceptableError("the view holds no image that can be shown")
    stored = await read_stored_image(content, record, None)
    depths = _DEPTHS if stored.image.is_grey else {"png8": _DEPTHS["png8"]}
    return dict(zip(depths, await pictures_of(stored, list(depths.values())), strict=True))


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
