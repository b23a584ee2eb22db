"""Refuse ports that are taken before anything is started on them."""

import socket
from collections.abc import Iterable

from client.errors import ClientError


def check_ports(wanted: Iterable[tuple[str, int]]) -> None:
    """Find out whether all ports are free.

    Args:
        wanted: Ports, each after the variable that changes it.

    Raises:
        ClientError: One is in use, by another program or twice here.
    """
    wanted = list(wanted)
    for variable, port in wanted:
        if not _is_free(port) or [taken for _, taken in wanted].count(port) > 1:
            raise ClientError(
                f"port {port} is in use. Choose another by {variable}, as in: make run PORT=7171 AZURITE_PORT=10100"
                " DATA_DIR=.data/second"
            )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Connections that were closed a moment ago do not hold a port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
