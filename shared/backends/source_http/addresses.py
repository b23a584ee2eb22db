"""Which addresses an import may connect to. It connects to none.

The check is made of the address that is connected to, not of the name: a name can be made to mean another address
between a check and its use.
"""

import ipaddress
import socket
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from shared.errors import SourceRefusedError

_NEVER: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "168.63.129.16/32",
        "100.100.100.200/32",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fd00:ec2::254/128",
        "ff00::/8",
    )
)
"""Link-local and multicast addresses, and those at which clouds tell their machines secrets."""


def check_address(text: str, *, allow_loopback: bool) -> None:
    """Refuse an address that no archive can have.

    Raises:
        SourceRefusedError: It is one, or it is of this machine and *allow_loopback* is not set.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address.sixtofour or address
    if any(address in network for network in _NEVER if network.version == address.version):
        raise SourceRefusedError(
            "the source's host is at a link-local or metadata address, which is never asked"
        )
    if address.is_loopback and not allow_loopback:
        raise SourceRefusedError("the source's host is this machine; set DICOM_IMPORT_LOOPBACK to allow that")


def literal_address(host: str) -> str | None:
    """Return the address that *host* is written as, in any form that a connection would take; None for a name."""
    bare = host.strip("[]")
    try:
        return str(ipaddress.ip_address(bare.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(bare))  # 2130706433 and 0x7f.1 are addresses too
    except OSError:
        return None


class CheckedResolver(AbstractResolver):
    """Finds addresses of names as the system does, and none that may not be asked."""

    def __init__(self, *, allow_loopback: bool) -> None:
        self._allow_loopback = allow_loopback
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of *host*.

        Raises:
            SourceRefusedError: One of them is never asked.
        """
        found = await self._inner.resolve(host, port, family)
        for one in found:
            check_address(one["host"], allow_loopback=self._allow_loopback)
        return found

    async def close(self) -> None:
        """Release what it holds."""
        await self._inner.close()
