"""Say which headers pass between clients and the upstream service, and which answers may. Sends nothing."""

from collections.abc import Mapping
from typing import Final

from shared.dicom.media_types import parse_media_type
from shared.errors import BadUpstreamAnswerError, InvalidRequestError, UpstreamLoginError

_SENT: Final = frozenset(
    {
        "accept",
        "content-length",
        "content-type",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "msdicom-request-original",
        "prefer",
        "range",
    }
)
"""What is asked is the upstream's business; who asks, from where and with which key is not."""
_RETURNED: Final = frozenset(
    {
        "accept-ranges",
        "content-language",
        "content-length",
        "content-location",
        "content-range",
        "erroneous-dicom-attributes",
        "etag",
        "last-modified",
        "link",
        "location",
        "retry-after",
        "warning",
        "x-total-count",
    }
)
_JSON: Final = ("application/dicom+json", "application/json", "application/problem+json")
_DATA: Final = (
    *_JSON,
    "multipart/related",
    "application/dicom",
    "application/dicom+xml",
    "application/octet-stream",
    "application/pdf",
    "application/zip",
    "image/dicom-rle",
    "image/gif",
    "image/jls",
    "image/jp2",
    "image/jpeg",
    "image/jph",
    "image/jphc",
    "image/jpx",
    "image/jxl",
    "image/png",
    "text/plain",
    "video/h265",
    "video/mp4",
    "video/mpeg",
)
_PLAIN: Final = "text/plain"
_LONGEST: Final = 8192


def sent_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what of a client's headers, by lower-case name, is sent to the upstream service."""
    return {name: value for name, value in headers.items() if name in _SENT and len(value) <= _LONGEST}


def returned_headers(headers: Mapping[str, str], upstream_root: str, own_root: str) -> dict[str, str]:
    """Return what of the upstream's headers is sent to the client, addresses of the upstream made our own."""
    return {
        name: value.replace(upstream_root, own_root)
        for name, value in headers.items()
        if name in _RETURNED and len(value) <= _LONGEST
    }


def content_type_of(status: int, headers: Mapping[str, str]) -> str:
    """Return the media type under which a body of the upstream's is passed on.

    What explains a failure is passed as text where it is not JSON: a page of the upstream's is none of ours.

    Raises:
        BadUpstreamAnswerError: An answer of success has a type that is none of DICOMweb's.
    """
    stated = headers.get("content-type", "")
    try:
        essence = parse_media_type(stated).essence
    except InvalidRequestError:
        essence = ""
    if status >= 400:
        return stated if essence in _JSON else f"{_PLAIN}; charset=utf-8"
    if essence not in _DATA:
        raise BadUpstreamAnswerError(
            "the upstream service answers with a media type that DICOMweb does not have; check DICOM_UPSTREAM_URL"
        )
    return stated


def is_json(content_type: str) -> bool:
    """Tell whether a body of this media type is JSON."""
    return content_type.partition(";")[0].strip().lower() in _JSON


def check_status(status: int) -> None:
    """Refuse to pass on what is no answer to a client.

    Raises:
        UpstreamLoginError: The upstream refuses this app.
        BadUpstreamAnswerError: It points elsewhere, or answers what no request asked for.
    """
    if status in (401, 403, 407):
        raise UpstreamLoginError(
            f"the upstream service answers {status}: it refuses the credentials of this app, not the client's; its"
            " operator checks DICOM_UPSTREAM_CREDENTIAL and the roles of that identity"
        )
    if status < 200 or (300 <= status < 400 and status != 304) or status > 599:
        raise BadUpstreamAnswerError(
            f"the upstream service answers {status}, which is not followed; set DICOM_UPSTREAM_URL to where it leads"
        )
