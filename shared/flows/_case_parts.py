"""Take in the parts of a clinical case as they arrive: images go to the store, the report is held."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Final

from shared.case_views import VIEWS
from shared.errors import (
    InvalidAttributeError,
    InvalidRequestError,
    PayloadTooLargeError,
    RejectedInstanceError,
)
from shared.flows._case_attributes import read_side, read_view
from shared.flows._case_commit import CaseStorePorts, session_object
from shared.flows._case_ids import MAX_REPORT, check_report
from shared.flows._incoming import Incoming, IncomingPart
from shared.flows._instance_record import identify, make_record
from shared.flows._read_instance import read_stored_header
from shared.records import CaseSession, InstanceRecord, ObjectLocation, Source

_REPORT: Final = "report"
_MAX_REPORT_BYTES: Final = 4 * MAX_REPORT


@dataclass(frozen=True, slots=True)
class TakenCase:
    """What a request held: the records of its images by view, its report, and a fingerprint of all contents."""

    records: Mapping[str, InstanceRecord]
    report: str
    fingerprint: str


async def take_case(
    parts: AsyncIterator[IncomingPart], session: CaseSession, ports: CaseStorePorts
) -> TakenCase:
    """Write the images of a request and return what it held.

    Raises:
        InvalidRequestError: It does not hold each of the four views and the report once, or one instance twice.
        RejectedInstanceError: An image is none that can be stored, or says that it shows another view.
        PayloadTooLargeError: The report is too long.
        MalformedMultipartError: The body breaks off.
    """
    records: dict[str, InstanceRecord] = {}
    digests: dict[str, str] = {}
    report: str | None = None
    async for part in parts:
        name = _name_of(part)
        if name in records or (name == _REPORT and report is not None):
            raise InvalidRequestError(f"there are two parts named {name}")
        if name == _REPORT:
            report = await _read_report(part)
        elif name in VIEWS:
            records[name], digests[name] = await _take_image(name, part, session, ports)
        else:
            raise InvalidRequestError(f"name each part by Content-Disposition: {', '.join(VIEWS)} or report")
    missing = [view for view in VIEWS if view not in records] + ([] if report is not None else [_REPORT])
    if missing or report is None:
        raise InvalidRequestError(
            f"a case is stored as a whole; these parts are missing: {', '.join(missing)}"
        )
    if len({record.ref for record in records.values()}) < len(records):
        raise InvalidRequestError("two views hold the same SOP instance")
    contents = [*(digests[view] for view in VIEWS), hashlib.sha256(report.encode()).hexdigest()]
    return TakenCase(records, report, hashlib.sha256(" ".join(contents).encode()).hexdigest())


def _name_of(part: IncomingPart) -> str:
    message = Message()
    message["Content-Disposition"] = part.headers.get("content-disposition", "")
    name = message.get_param("name", header="content-disposition")
    return name if isinstance(name, str) else ""


async def _read_report(part: IncomingPart) -> str:
    data = bytearray()
    async for chunk in part.chunks():
        data += chunk
        if len(data) > _MAX_REPORT_BYTES:
            raise PayloadTooLargeError(f"a report has at most {MAX_REPORT} characters")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise InvalidRequestError("the report is not text in UTF-8") from None
    check_report(text)
    return text


class _Image:
    """A part whose Content-Type says nothing, as clients do that know no DICOM."""

    def __init__(self, part: IncomingPart) -> None:
        said = part.headers.get("content-type")
        self.headers: Mapping[str, str] = (
            {} if said is None or said.startswith("application/octet-stream") else {"content-type": said}
        )
        self._part = part

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield its content."""
        return self._part.chunks()


async def _take_image(
    view: str, part: IncomingPart, session: CaseSession, ports: CaseStorePorts
) -> tuple[InstanceRecord, str]:
    try:
        return await _write_image(view, Incoming(_Image(part)), session, ports)
    except RejectedInstanceError as error:
        raise type(error)(f"{view}: {error}") from None


async def _write_image(
    view: str, incoming: Incoming, session: CaseSession, ports: CaseStorePorts
) -> tuple[InstanceRecord, str]:
    header = await incoming.read_header()
    identity = identify(header)
    key = session_object(ports, session.key, view)
    digest = hashlib.sha256()
    if incoming.is_whole:
        digest.update(incoming.data)
        info = await ports.objects.put(key, incoming.data)
    else:
        first = incoming.data

        async def passed() -> AsyncIterator[bytes]:
            async for chunk in incoming.stream():
                digest.update(chunk)
                yield chunk

        info = await ports.objects.put(key, passed())
        header = await read_stored_header(ports.objects, info, first)
    location = ObjectLocation(key, info.etag, 0, info.size)
    record = make_record(header, identity, location, info.modified_at, Source.STORE)
    _check_view(view, record)
    return record, digest.hexdigest()


def _check_view(view: str, record: InstanceRecord) -> None:
    """Refuse an image under the name of another view: what shows one breast must not stand for the other."""
    import orjson

    attributes = orjson.loads(record.metadata)
    side, said = read_side(attributes), read_view(attributes)
    if side is not None and side != view[0]:
        raise InvalidAttributeError(
            "(0020,0062) ImageLaterality or (0020,0060) Laterality says the other side"
        )
    if said is not None and said.split("__")[1] != view.partition("__")[2]:
        raise InvalidAttributeError(
            "(0018,5101) ViewPosition or (0054,0220) ViewCodeSequence says another view"
        )
