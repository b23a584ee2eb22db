"""Media types, the Accept header, and which representation to answer with. It does not encode anything.

Reading is tolerant, because clients quote the parameters of multipart/related in every way there is.

Source: RFC 9110 §8.3.1, §12.5.1; PS3.18 2024e §8.7.3, §8.7.5, §8.7.8
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.errors import InvalidRequestError, NotAcceptableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_HEADER_LENGTH = 8192
"""Of a Content-Type or Accept header, in characters."""

_ESSENCE = re.compile(r"[A-Za-z0-9!#$&^_.+*-]+/[A-Za-z0-9!#$&^_.+*-]+")
_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type or range: *essence* such as "application/dicom" in lower case, parameters by lower-case name."""

    essence: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_multipart(self) -> bool:
        """Tell whether it is multipart/related."""
        return self.essence == "multipart/related"

    @property
    def part_type(self) -> str:
        """Return the essence of one part: the type parameter of multipart/related, else the essence itself."""
        if not self.is_multipart:
            return self.essence
        return self.parameters.get("type", "*/*").strip().lower()

    @property
    def transfer_syntax(self) -> str | None:
        """Return what was said of the transfer syntax: a UID, "*" for as stored, or None for nothing."""
        return self.parameters.get("transfer-syntax", "").strip() or None


@dataclass(frozen=True, slots=True)
class Offer:
    """A representation that a resource can be answered in: one *part_type*, either alone or in multipart/related."""

    part_type: str
    multipart: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The offer that was chosen.

    *transfer_syntax* is what the client asked for: a UID, "*" for as stored, or None for nothing, which PS3.18 reads
    as the default of the part type (Explicit VR Little Endian for application/dicom).
    """

    offer: Offer
    transfer_syntax: str | None


def parse_media_type(text: str) -> MediaType:
    """Return the media type of a Content-Type header.

    Raises:
        InvalidRequestError: It is none.
    """
    parsed = None if len(text) > MAX_HEADER_LENGTH else _media_type(text)
    if parsed is None:
        raise InvalidRequestError("the Content-Type header holds no media type")
    return parsed


def parse_accept(text: str) -> list[MediaType]:
    """Return the media ranges of an Accept header, the most preferred first, those of quality 0 left out.

    What is no media range is passed over; ranges of one quality keep their order.
    """
    ranges: list[tuple[float, MediaType]] = []
    for item in _split(text[:MAX_HEADER_LENGTH], ","):
        media_range = _media_type(item)
        if media_range is None:
            continue
        quality = media_range.parameters.get("q", "1")
        weight = float(quality) if _QUALITY.fullmatch(quality) else 1.0
        if weight > 0:
            ranges.append((weight, media_range))
    return [media_range for _, media_range in sorted(ranges, key=lambda ranked: -ranked[0])]


def choose(accept: str | None, offers: Sequence[Offer], *, accept_parameter: str | None = None) -> Choice:
    """Return the representation to answer with.

    The accept query parameter is held against the offers first, then the Accept header in the order of quality; a
    range with wild cards takes the first offer it covers. A request that asks for nothing gets the first offer.

    Args:
        accept: The Accept header, None or empty if there is none.
        offers: What the resource can be answered in, the server's default first.
        accept_parameter: The accept query parameter, decoded.

    Raises:
        NotAcceptableError: No offer was asked for; the message names the offers.

    Source: PS3.18 2024e §8.7.8
    """
    return acceptable(accept, offers, accept_parameter=accept_parameter)[0]


def acceptable(
    accept: str | None, offers: Sequence[Offer], *, accept_parameter: str | None = None
) -> list[Choice]:
    """Return all that a request may be answered with, the most preferred first; see `choose`.

    Whether an instance can be had in the transfer syntax of a choice is not known here: where it cannot, the next
    choice is as good an answer.

    Raises:
        NotAcceptableError: No offer was asked for; the message names the offers.
    """
    asked = [text for text in (accept_parameter, accept) if text and text.strip()]
    if not asked:
        return [Choice(offers[0], "*")]
    choices = [
        Choice(offer, _transfer_syntax(media_range))
        for text in asked
        for media_range in parse_accept(text)
        for offer in offers
        if _covers(media_range, offer)
    ]
    if not choices:
        raise NotAcceptableError(
            "none of the accepted media types is offered; ask for " + ", ".join(map(_shown, offers))
        )
    return list(dict.fromkeys(choices))


def _transfer_syntax(media_range: MediaType) -> str | None:
    # Who takes anything takes what is stored, so nothing is to be transcoded for it.
    return media_range.transfer_syntax or ("*" if media_range.essence == "*/*" else None)


def _covers(media_range: MediaType, offer: Offer) -> bool:
    if offer.multipart and media_range.is_multipart:
        return _essence_covers(media_range.part_type, offer.part_type)
    return _essence_covers(media_range.essence, "multipart/related" if offer.multipart else offer.part_type)


def _essence_covers(wanted: str, essence: str) -> bool:
    if wanted.endswith("/*"):
        return wanted == "*/*" or essence.startswith(wanted[:-1])
    return wanted == essence


def _shown(offer: Offer) -> str:
    return f'multipart/related; type="{offer.part_type}"' if offer.multipart else offer.part_type


def _media_type(text: str) -> MediaType | None:
    essence, *parameters = _split(text, ";")
    essence = essence.strip().lower()
    if _ESSENCE.fullmatch(essence) is None:
        return None
    named: dict[str, str] = {}
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if equals and name.strip():
            named.setdefault(name.strip().lower(), _unquoted(value.strip()))
    return MediaType(essence, named)


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return _ESCAPED.sub(r"\1", value[1:-1])
    return value.strip('"')


def _split(text: str, separator: str) -> Iterator[str]:
    """Yield the pieces of *text* between separators that stand outside quotes."""
    if (text.count('"') - text.count('\\"')) % 2:  # a quote that never ends would swallow all that follows
        yield from text.split(separator)
        return
    start, quoted, escaped = 0, False, False
    for position, letter in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif letter == separator and not quoted:
            yield text[start:position]
            start = position + 1
    yield text[start:]
