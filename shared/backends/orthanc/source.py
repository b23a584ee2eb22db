"""ImportSource on Orthanc's REST API: /studies, /tools/find, /changes and /instances/{id}/file."""

import re
from collections.abc import AsyncIterator
from typing import Any, Final

from shared.backends.source_http.answers import index_of, listed, mapping, text_of
from shared.backends.source_http.client import MissingError, SourceHttp, pieces_of
from shared.dicom.orthanc_ids import is_orthanc_id, orthanc_id
from shared.dicom.references import InstanceRef
from shared.errors import InvalidUidError, SourceRefusedError
from shared.ports.imports import FoundStudies, ImportFilter, SourceInstance

PAGE: Final = 500
_CHANGES: Final = re.compile(r"changes-([0-9]{1,19})-([0-9]{1,19})")
_ANY: Final = "*/*"


class OrthancSource:
    """One Orthanc."""

    lists_uids: Final = True

    def __init__(self, http: SourceHttp, *, page: int = PAGE) -> None:
        self._http = http
        self._page = page
        self._parents: dict[str, tuple[str, str]] = {}

    async def discover(self, wanted: ImportFilter, after: str = "") -> FoundStudies:
        """Return a page of ids of studies, filtered by Orthanc itself."""
        since = int(after or "0")
        if wanted.is_empty:
            params = {"since": str(since), "limit": str(self._page)}
            answer = await self._http.json(self._http.url("studies"), params=params)
        else:
            content = {
                "Level": "Study",
                "Query": _query(wanted),
                "Limit": self._page,
                "Since": since,
                "CaseSensitive": True,
            }
            answer = await self._http.json(self._http.url("tools", "find"), content=content)
        ids = [_checked(study) for study in listed(answer)]
        return FoundStudies(ids, str(since + len(ids)), len(ids) >= self._page)

    async def changes(self, after: str = "") -> FoundStudies:
        """Return the next page of Orthanc's log of changes as one piece, if any instance came in it."""
        since = int(after or "0")
        answer = await self._changes(since=str(since), limit=str(self._page))
        if not listed(answer.get("Changes")):
            newest = index_of((await self._changes(last="")).get("Last"))
            if newest < since:
                raise SourceRefusedError(
                    "the log of changes ends before where the last import ended: it is another database;"
                    ' begin anew with "since": 0'
                )
            return FoundStudies([], str(since), more=False)
        last = index_of(answer.get("Last"))
        pieces = [f"changes-{since}-{last}"] if _new_instances(answer) else []
        return FoundStudies(pieces, str(last), more=answer.get("Done") is False and last > since)

    async def instances(self, study: str) -> AsyncIterator[SourceInstance]:
        """Yield the instances of a study, a series at a time; or those that came in a piece of the log."""
        if (piece := _CHANGES.fullmatch(study)) is not None:
            async for instance in self._instances_in(int(piece[1]), int(piece[2])):
                yield instance
            return
        about = mapping(await self._http.json(self._http.url("studies", _checked(study))))
        study_uid = text_of(about, "MainDicomTags", "StudyInstanceUID")
        for series in listed(about.get("Series")):
            url = self._http.url("series", _checked(series))
            series_uid = text_of(mapping(await self._http.json(url)), "MainDicomTags", "SeriesInstanceUID")
            for entry in listed(
                await self._http.json(self._http.url("series", _checked(series), "instances"))
            ):
                yield _instance(mapping(entry), study_uid, series_uid)

    async def fetch(self, instance: SourceInstance) -> AsyncIterator[bytes]:
        """Yield the file of an instance."""
        url = self._http.url("instances", _checked(instance.source_id), "file")

        async def read() -> AsyncIterator[bytes]:
            async with self._http.open(url, _ANY) as answer:
                async for piece in pieces_of(answer):
                    yield piece

        async for piece in self._http.held(read):
            yield piece

    def mismatch(self, instance: SourceInstance, ref: InstanceRef, patient_id: str) -> str:
        """Compare the id that was asked for with that of what came."""
        if orthanc_id(ref, patient_id) == instance.source_id:
            return ""
        return "the id that its UIDs and PatientID give is not the one it was asked for by"

    async def _changes(self, **params: str) -> dict[str, Any]:
        return mapping(await self._http.json(self._http.url("changes"), params=params))

    async def _instances_in(self, since: int, last: int) -> AsyncIterator[SourceInstance]:
        """Yield what came after *since*, up to *last*; what has gone again meanwhile is left out."""
        while since < last:
            answer = await self._changes(since=str(since), limit=str(self._page))
            for change in _new_instances(answer):
                if index_of(change.get("Seq")) <= last:
                    found = await self._instance(_checked(change.get("ID")))
                    if found is not None:
                        yield found
            reached = index_of(answer.get("Last"))
            if reached <= since or answer.get("Done") is not False:
                return
            since = reached

    async def _instance(self, instance_id: str) -> SourceInstance | None:
        try:
            about = mapping(await self._http.json(self._http.url("instances", instance_id)))
            series = _checked(about.get("ParentSeries"))
            if series not in self._parents:
                if len(self._parents) > self._page:
                    self._parents.clear()
                self._parents[series] = await self._parents_of(series)
        except MissingError:
            return None
        return _instance(about, *self._parents[series])

    async def _parents_of(self, series: str) -> tuple[str, str]:
        about = mapping(await self._http.json(self._http.url("series", series)))
        study = mapping(await self._http.json(self._http.url("studies", _checked(about.get("ParentStudy")))))
        return (
            text_of(study, "MainDicomTags", "StudyInstanceUID"),
            text_of(about, "MainDicomTags", "SeriesInstanceUID"),
        )


def _query(wanted: ImportFilter) -> dict[str, str]:
    said = {
        "PatientID": wanted.patient_id,
        "StudyDate": wanted.study_date,
        "ModalitiesInStudy": wanted.modality,
        "StudyInstanceUID": wanted.study_instance_uid,
        "AccessionNumber": wanted.accession_number,
    }
    return {name: value for name, value in said.items() if value}


def _new_instances(answer: dict[str, Any]) -> list[dict[str, Any]]:
    changes = [mapping(change) for change in listed(answer.get("Changes"))]
    return [change for change in changes if change.get("ChangeType") == "NewInstance"]


def _instance(about: dict[str, Any], study_uid: str, series_uid: str) -> SourceInstance:
    instance_id, size = _checked(about.get("ID")), about.get("FileSize")
    try:
        ref = InstanceRef(study_uid, series_uid, text_of(about, "MainDicomTags", "SOPInstanceUID"))
    except InvalidUidError:
        return SourceInstance(instance_id)
    return SourceInstance(instance_id, ref, size if isinstance(size, int) else None)


def _checked(resource_id: Any) -> str:
    if not isinstance(resource_id, str) or not is_orthanc_id(resource_id):
        raise SourceRefusedError("what should be an id of Orthanc's does not look like one")
    return resource_id
