"""Ports for what is started on the loopback."""

import contextlib
import random
import socket


def free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on and that Linux gives to no connection until somebody does."""
    found: list[int] = []
    for port in random.sample(range(20_000, 32_000), 1_000):
        if len(found) == count:
            return found
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    raise OSError("almost every port between 20000 and 32000 is taken")
