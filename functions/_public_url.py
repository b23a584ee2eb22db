"""Find the address under which a client reached this app, for the URLs in answers. It checks no access and no host list."""

import re
from collections.abc import Mapping

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_WITH_PORT = re.compile(r":[0-9]{1,5}$")
_PORT = re.compile(r"[0-9]{1,5}")
_DEFAULT_PORTS = frozenset({"80", "443"})
_SCHEME = re.compile(r"https?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_FORWARDED_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^;,"\s]*))\s*')


def public_base_url(headers: Mapping[str, str], scheme: str) -> str:
    """Return scheme, host and path prefix without a trailing slash, such as "https://pacs.example/imaging".

    Taken from, in this order: the first element of Forwarded, the X-Forwarded- headers, Host. A host without a port is
    given that of X-Forwarded-Port. A header that is not plainly a host name, port or path is passed over: what is
    returned goes into JSON and URLs as it is.

    Args:
        headers: Of the request, with names in lower case.
        scheme: Of the request as the app received it.

    Source: RFC 7239 §4
    """
    forwarded = _first_forwarded(headers.get("forwarded", ""))
    host = _first_valid(_HOST, forwarded.get("host"), headers.get("x-forwarded-host"), headers.get("host"))
    proto = _first_valid(_SCHEME, forwarded.get("proto"), headers.get("x-forwarded-proto"), scheme)
    prefix = _first_valid(_PREFIX, headers.get("x-forwarded-prefix", "").rstrip("/"))
    port = _first_valid(_PORT, headers.get("x-forwarded-port"))
    # The default of the other scheme is the port of a proxy that got from another what that one had decrypted.
    if port and host and _WITH_PORT.search(host) is None and port not in _DEFAULT_PORTS:
        host = f"{host}:{port}"
    return f"{proto or 'http'}://{host or 'localhost'}{prefix or ''}"


def _first_forwarded(header: str) -> dict[str, str]:
    """Read the element that the proxy nearest to the client added; its names in lower case."""
    first = header.split(",", 1)[0]
    return {
        match[1].lower(): match[2] or match[3]
        for part in first.split(";")
        if (match := _FORWARDED_PAIR.fullmatch(part)) is not None
    }


def _first_valid(pattern: re.Pattern[str], *candidates: str | None) -> str | None:
    for candidate in candidates:
        first = (candidate or "").split(",", 1)[0].strip()
        if first and pattern.fullmatch(first):
            return first
    return None
