"""DicomwebUpstream for any service that speaks DICOMweb, and for Orthanc, whose plugin deletes nothing."""

from collections.abc import AsyncGenerator, AsyncIterator
from itertools import pairwise
from typing import Any, Final

from shared.backends.upstream.address import UpstreamAddress
from shared.backends.upstream.http import UpstreamHttp
from shared.backends.upstream.json_answer import read_json
from shared.dicom.orthanc_ids import is_orthanc_id
from shared.errors import BadUpstreamAnswerError
from shared.ports.upstream import UpstreamAnswer, UpstreamRequest

PARTS: Final = 'multipart/related; type="application/dicom"; transfer-syntax=*'
SINGLE: Final = "application/dicom; transfer-syntax=*"
_LEVELS: Final = {"studies": "Study", "series": "Series", "instances": "Instance"}


class HttpDicomwebUpstream:
    """A service that speaks DICOMweb."""

    def __init__(self, http: UpstreamHttp, address: UpstreamAddress, instance_accept: str = PARTS) -> None:
        self._http = http
        self._address = address
        self.root = address.dicomweb
        self.instance_accept = instance_accept

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Send a request; see DicomwebUpstream."""
        url = self._address.url(request.path, request.query)
        return await self._http.send(request.method, url, request.headers, request.body)


class OrthancUpstream(HttpDicomwebUpstream):
    """An Orthanc: DICOMweb by its plugin, deletions by its own interface."""

    async def send(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Send a request; see DicomwebUpstream."""
        if request.method != "DELETE":
            return await super().send(request)
        paths = []
        for level, uid in zip(request.path[::2], request.path[1::2], strict=True):
            found = await self._path_of(level, uid)
            if found is None:
                return _bare(404)
            paths.append(found)
        # A UID may be found elsewhere than where the request says it is.
        for above, below in pairwise(paths):
            parent = await self._get(tuple(below.strip("/").split("/")))
            if parent.get(f"Parent{_LEVELS[above.split('/')[1]]}") != above.split("/")[2]:
                return _bare(404)
        url = self._address.url(tuple(paths[-1].strip("/").split("/")), own=True)
        answer = await self._http.send("DELETE", url, {})
        return answer if answer.status != 200 else await _emptied(answer)

    async def _path_of(self, level: str, uid: str) -> str | None:
        """Return Orthanc's path of a study, series or instance, or None."""

        async def body() -> AsyncIterator[bytes]:
            yield uid.encode("ascii")

        url = self._address.url(("tools", "lookup"), own=True)
        answer = await self._http.send("POST", url, {"content-length": str(len(uid))}, body())
        found = await read_json(answer, "Orthanc's /tools/lookup")
        for one in found if isinstance(found, list) else ():
            path = str(one.get("Path", "")) if isinstance(one, dict) else ""
            if path.startswith(f"/{level}/") and is_orthanc_id(path.removeprefix(f"/{level}/")):
                return path
        return None

    async def _get(self, path: tuple[str, ...]) -> dict[str, Any]:
        answer = await self._http.send("GET", self._address.url(path, own=True), {})
        found = await read_json(answer, "Orthanc")
        if not isinstance(found, dict):
            raise BadUpstreamAnswerError("Orthanc describes a resource by no JSON object")
        return found


def _bare(status: int) -> UpstreamAnswer:
    return UpstreamAnswer(status, {}, _nothing())


async def _emptied(answer: UpstreamAnswer) -> UpstreamAnswer:
    """Answer as DICOMweb does, not as Orthanc: it tells what is left."""
    async for _ in answer.chunks:
        pass
    return _bare(204)


async def _nothing() -> AsyncGenerator[bytes]:
    return
    yield  # makes it an iterator
