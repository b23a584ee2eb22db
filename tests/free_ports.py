"""Find ports of loopback that nobody uses."""

import os
import socket


def free_ports(count: int) -> int:
    """Return the first of *count* consecutive free ports of loopback."""
    for base in range(24000 + os.getpid() % 2000, 60000, count + 1):
        sockets = []
        try:
            for offset in range(count):
                one = socket.socket()
                sockets.append(one)
                one.bind(("127.0.0.1", base + offset))
        except OSError:
            continue
        else:
            return base
        finally:
            for one in sockets:
                one.close()
    raise RuntimeError("no free ports")
