"""UpstreamFeed of an Orthanc: its /changes, which name instances by Orthanc's own ids.

What was deleted it does not tell; reconciling finds that out.

Source: "Changes", Orthanc Book; Orthanc REST API reference, /changes
"""

from typing import Any, Final

from shared.backends.upstream.address import UpstreamAddress
from shared.backends.upstream.http import UpstreamHttp
from shared.backends.upstream.json_answer import read_json
from shared.dicom.orthanc_ids import is_orthanc_id
from shared.dicom.references import InstanceRef
from shared.errors import BadUpstreamAnswerError, InvalidUidError
from shared.ports.upstream import FeedPage, UpstreamAnswer

_WHAT: Final = "Orthanc's /changes"
_INSTANCE: Final = "Instance"


class OrthancFeed:
    """The changes of one Orthanc.

    Args:
        http: It.
        address: Where it answers.
        limit: Changes in a page, most of which are not of instances.
    """

    def __init__(self, http: UpstreamHttp, address: UpstreamAddress, limit: int = 200) -> None:
        self._http = http
        self._address = address
        self._limit = limit
        self.name = f"orthanc-{address.service}"

    async def page(self, cursor: str) -> FeedPage:
        """Return what follows *cursor*, a sequence; see UpstreamFeed."""
        after = int(cursor) if cursor.isascii() and cursor.isdigit() else 0
        found = await self._changes(since=after, limit=self._limit)
        changes, last = found["Changes"], found["Last"]
        if not changes:
            newest = (await self._changes(last=""))["Last"]
            if newest < after:
                # It was made anew: whatever it says now was never seen.
                return FeedPage((), "0", at_end=newest == 0)
            return FeedPage((), str(after), at_end=True)
        ids = dict.fromkeys(
            str(change.get("ID")) for change in changes if change.get("ResourceType") == _INSTANCE
        )
        above: dict[str, dict[str, Any]] = {}
        refs = [await self._ref(one, above) for one in ids]
        return FeedPage(
            tuple(ref for ref in refs if ref), str(max(last, after)), at_end=bool(found.get("Done"))
        )

    async def _changes(self, **parameters: object) -> dict[str, Any]:
        query = tuple((name, str(value)) for name, value in parameters.items())
        url = self._address.url(("changes",), query, own=True)
        found = await read_json(await self._http.send("GET", url, {}), _WHAT)
        changes = found.get("Changes") if isinstance(found, dict) else None
        if (
            not isinstance(changes, list)
            or not isinstance(found.get("Last"), int)
            or not all(isinstance(change, dict) for change in changes)
        ):
            raise BadUpstreamAnswerError(f"{_WHAT} is no list of changes; check DICOM_UPSTREAM_URL")
        whole: dict[str, Any] = found
        return whole

    async def _ref(self, identifier: str, above: dict[str, dict[str, Any]]) -> InstanceRef | None:
        """Return the UIDs of an instance, None if it has gone since; *above* holds what is known of its parents."""
        instance = await self._resource("instances", identifier)
        series = instance and await self._known("series", instance.get("ParentSeries"), above)
        study = series and await self._known("studies", series.get("ParentStudy"), above)
        if not (instance and series and study):
            return None
        try:
            return InstanceRef(
                _uid(study, "StudyInstanceUID"),
                _uid(series, "SeriesInstanceUID"),
                _uid(instance, "SOPInstanceUID"),
            )
        except InvalidUidError:
            # It holds what no archive can name; it will never be able to.
            return None

    async def _known(
        self, level: str, identifier: object, above: dict[str, dict[str, Any]]
    ) -> dict[str, Any] | None:
        name = str(identifier)
        if name not in above:
            found = await self._resource(level, name)
            if found is None:
                return None
            above[name] = found
        return above[name]

    async def _resource(self, level: str, identifier: str) -> dict[str, Any] | None:
        if not is_orthanc_id(identifier):
            raise BadUpstreamAnswerError("what Orthanc names is none of its ids")
        answer: UpstreamAnswer = await self._http.send(
            "GET", self._address.url((level, identifier), own=True), {}
        )
        if answer.status == 404:
            await answer.chunks.aclose()
            return None
        found = await read_json(answer, "Orthanc")
        if not isinstance(found, dict):
            raise BadUpstreamAnswerError("Orthanc describes a resource by no JSON object")
        return found


def _uid(resource: dict[str, Any], keyword: str) -> str:
    tags = resource.get("MainDicomTags")
    return str(tags.get(keyword, "")) if isinstance(tags, dict) else ""
