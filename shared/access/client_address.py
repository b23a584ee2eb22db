"""Tell from where a request came, as far as that is to be kept."""

import ipaddress
import re
from typing import Final, Literal

type AddressDetail = Literal["omitted", "truncated", "whole"]

_WITH_PORT: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


def client_address(forwarded_for: str, peer: str, detail: AddressDetail) -> str:
    """Return the client's address; "" where it is not known or not to be kept.

    Args:
        forwarded_for: X-Forwarded-For. Its last element is of the proxy in front, the others are the client's word.
        peer: Where the connection came from.
        detail: Whether all of it is kept, or the network only: 24 bits of IPv4, 48 of IPv6.
    """
    if detail == "omitted":
        return ""
    text = forwarded_for.rpartition(",")[2].strip() or peer
    if (match := _WITH_PORT.fullmatch(text)) is not None:
        text = match[1] or match[2]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if detail == "whole":
        return str(address)
    bits = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
