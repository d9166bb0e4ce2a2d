"""Ports for what tests start on the loopback."""

import contextlib
import secrets
import socket

from cloudflared.inside import find_inside_thing
from settings.contract import METRICS
from settings.model.addresses import find_metrics

_METRICS = find_metrics(METRICS, 2)[1]
"""Where the program has cloudflared serve its metrics and refuses all else."""


def free_port() -> int:
    """A port that nobody listens on, that Linux gives to no connection and that means nothing to the program."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        if port in _METRICS or find_inside_thing(f"127.0.0.1:{port}"):
            continue
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
