"""ImportSource on QIDO-RS and WADO-RS (PS3.18 2024e §10.6 and §10.4)."""

from collections.abc import AsyncIterator
from typing import Any, Final

from yarl import URL

from shared.backends.source_http.answers import listed, mapping
from shared.backends.source_http.client import SourceHttp, pieces_of
from shared.dicom.media_types import parse_media_type
from shared.dicom.multipart import boundary_of, read_parts
from shared.dicom.references import InstanceRef, StudyRef
from shared.errors import InvalidRequestError, InvalidUidError, SourceRefusedError, UnsupportedQueryError
from shared.ports.imports import FoundStudies, ImportFilter, SourceInstance

PAGE: Final = 200
_DICOM_JSON: Final = "application/dicom+json, application/json;q=0.9"
_DICOM: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_STUDY, _SERIES, _INSTANCE = "0020000D", "0020000E", "00080018"


class DicomwebSource:
    """One DICOMweb server."""

    lists_uids: Final = True

    def __init__(self, http: SourceHttp, *, page: int = PAGE) -> None:
        self._http = http
        self._page = page

    async def discover(self, wanted: ImportFilter, after: str = "") -> FoundStudies:
        """Return a page of StudyInstanceUIDs.

        The end is a page without results: a server may send fewer than it is asked for. One that ignores the offset
        sends the first page again, which *after* tells by the first study of the page before.
        """
        offset, _, first_before = after.partition(" ")
        rows = await self._page_of(self._http.url("studies"), _query(wanted), int(offset or "0"))
        studies = [_study_uid(row) for row in rows]
        if not studies or studies[0] == first_before:
            return FoundStudies([], after, more=False)
        return FoundStudies(studies, f"{int(offset or '0') + len(studies)} {studies[0]}", more=True)

    async def changes(self, after: str = "") -> FoundStudies:
        """Refuse: the standard has no list of changes."""
        raise UnsupportedQueryError(
            "a DICOMweb server keeps no list of changes: import again, what is here is not fetched"
        )

    async def instances(self, study: str) -> AsyncIterator[SourceInstance]:
        """Yield the instances of a study, each once, whatever comes and goes while its pages are read."""
        url = self._http.url("studies", _checked(study), "instances")
        seen: set[InstanceRef] = set()
        offset = 0
        while rows := await self._page_of(url, {"includefield": _SERIES}, offset):
            offset += len(rows)
            new = [ref for ref in (_ref(row, study) for row in rows) if ref not in seen]
            if not new:
                return
            for ref in dict.fromkeys(new):
                seen.add(ref)
                yield SourceInstance(f"{study}/{ref.series_instance_uid}/{ref.sop_instance_uid}", ref)

    async def fetch(self, instance: SourceInstance) -> AsyncIterator[bytes]:
        """Yield the instance as it is stored, out of the one part of the answer, or the answer itself."""
        ref = _asked(instance)
        url = self._http.url(
            "studies",
            ref.study_instance_uid,
            "series",
            ref.series_instance_uid,
            "instances",
            ref.sop_instance_uid,
        )
        async for piece in self._http.held(lambda: self._read(url)):
            yield piece

    def mismatch(self, instance: SourceInstance, ref: InstanceRef, patient_id: str) -> str:
        """Compare the UIDs that were asked for with those that came."""
        return "" if _asked(instance) == ref else "its UIDs are not those it was asked for by"

    async def _page_of(self, url: URL, query: dict[str, str], offset: int) -> list[Any]:
        params = query | {"limit": str(self._page), "offset": str(offset)}
        answer = await self._http.json(url, params=params, accept=_DICOM_JSON)
        return [] if answer is None else listed(answer)

    async def _read(self, url: URL) -> AsyncIterator[bytes]:
        async with self._http.open(url, _DICOM) as answer:
            content_type = answer.headers.get("Content-Type", "")
            try:
                if not parse_media_type(content_type).is_multipart:
                    async for piece in pieces_of(answer):
                        yield piece
                    return
                # Errors of reading parts must not look as if they were of a request to this archive.
                parts = read_parts(pieces_of(answer), boundary_of(content_type))
                count = 0
                async for part in parts:
                    count += 1
                    if count > 1:
                        raise SourceRefusedError("the source answered several parts for one instance")
                    async for piece in part.chunks():
                        yield piece
            except InvalidRequestError:
                raise SourceRefusedError("the source answered what is no multipart body") from None
            if not count:
                raise SourceRefusedError("the source answered no part for an instance")


def _asked(instance: SourceInstance) -> InstanceRef:
    """Return which instance a source id means."""
    uids = instance.source_id.split("/")
    try:
        study, series, sop_instance = uids
        return InstanceRef(study, series, sop_instance)
    except (ValueError, InvalidUidError):
        raise SourceRefusedError("an instance without UIDs cannot be retrieved") from None


def _query(wanted: ImportFilter) -> dict[str, str]:
    said = {
        "PatientID": wanted.patient_id,
        "StudyDate": wanted.study_date,
        "ModalitiesInStudy": wanted.modality,
        "StudyInstanceUID": wanted.study_instance_uid,
        "AccessionNumber": wanted.accession_number,
    }
    return {name: value for name, value in said.items() if value}


def _study_uid(row: Any) -> str:
    return _checked(_value(row, _STUDY))


def _checked(study: str) -> str:
    try:
        return StudyRef(study).study_instance_uid
    except InvalidUidError:
        raise SourceRefusedError("the source names a study by what is no UID") from None


def _ref(row: Any, study: str) -> InstanceRef:
    try:
        return InstanceRef(study, _value(row, _SERIES), _value(row, _INSTANCE))
    except InvalidUidError:
        raise SourceRefusedError("the source lists an instance without its UIDs") from None


def _value(row: Any, tag: str) -> str:
    values = mapping(mapping(row).get(tag, {})).get("Value")
    return values[0] if isinstance(values, list) and values and isinstance(values[0], str) else ""
