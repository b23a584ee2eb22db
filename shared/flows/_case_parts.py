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
    UnsupportedObjectError,
)
from shared.flows._admission import check_patient_id
from shared.flows._archive_writes import write_new
from shared.flows._case_attributes import read_side, read_view
from shared.flows._case_commit import CaseStorePorts, session_object
from shared.flows._case_ids import MAX_REPORT, check_report
from shared.flows._incoming import Incoming, IncomingPart
from shared.flows._instance_record import identify
from shared.records import CaseSession, InstanceRecord

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
    """A part that is an image, and the digest of what was read of it; application/octet-stream says nothing of it."""

    def __init__(self, part: IncomingPart) -> None:
        said = part.headers.get("content-type")
        self.headers: Mapping[str, str] = (
            {} if said is None or said.startswith("application/octet-stream") else {"content-type": said}
        )
        self.digest = hashlib.sha256()
        self._part = part

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield its content."""
        async for chunk in self._part.chunks():
            self.digest.update(chunk)
            yield chunk


async def _take_image(
    view: str, part: IncomingPart, session: CaseSession, ports: CaseStorePorts
) -> tuple[InstanceRecord, str]:
    image = _Image(part)
    try:
        record = await _write_image(view, Incoming(image), session, ports)
    except RejectedInstanceError as error:
        raise type(error)(f"{view}: {error}") from None
    return record, image.digest.hexdigest()


async def _write_image(
    view: str, incoming: Incoming, session: CaseSession, ports: CaseStorePorts
) -> InstanceRecord:
    header = await incoming.read_header()
    check_patient_id(header)
    identity = identify(header)
    if (refusal := ports.admission.refusal(header, identity, None)) is not None:
        raise UnsupportedObjectError(refusal.text)
    key = session_object(ports, session.key, view)
    record = await write_new(key, incoming, header, identity, ports.store)
    _check_view(view, record)
    return record


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
