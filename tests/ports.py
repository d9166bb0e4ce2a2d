"""Ports for what tests start on the loopback."""

import contextlib
import os
import random
import socket

from cloudflared.inside import find_inside_thing
from settings.contract import METRICS
from settings.model.addresses import find_metrics

_METRICS = find_metrics(METRICS, 2)[1]
"""Where the program has cloudflared serve its metrics and refuses all else."""
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_LEFT = [
    port
    for port in range(20_000 + _WORKER, 32_000, _WORKERS)
    if port not in _METRICS and not find_inside_thing(f"127.0.0.1:{port}")
]
random.SystemRandom().shuffle(_LEFT)


def free_port() -> int:
    """A port that nobody listens on or got before, that Linux gives to no connection and that means nothing to the program.

    What asked for one may listen on it much later: by then no other part of a test has it too, in no process of the run.
    """
    while True:
        port = _LEFT.pop()
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
