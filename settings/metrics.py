"""Reads `argoweb:metrics`: numbers of cloudflared and Caddy for a Prometheus, and for the page."""

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from settings import words
from settings.model import Metrics
from values.kinds import Checked, Flag
from values.tables import Key, Table


def _check_address(text: str) -> str | None:
    try:
        parts = urlsplit(f"//{text}")
        ipaddress.ip_address(parts.hostname or "")
        good = bool(parts.port) and re.fullmatch(r"[0-9.]+:[0-9]+|\[[0-9A-Fa-f:.]+\]:[0-9]+", text)
    except ValueError:
        good = None
    return None if good else "an IP address of the server with a port, such as '10.0.0.5:9180'"


ADDRESS = Checked(check=_check_address, example="10.0.0.5:9180", kind="an IP address with a port")
METRICS = Table(
    keys={
        "sites": Key(
            shape=Flag(),
            doc="Whether Caddy counts each hostname's requests, errors and times, which needs Caddy 2.9; `address` does so too.",
            default=False,
        ),
        "address": Key(
            shape=ADDRESS,
            doc="Where each server's Caddy serves them for a Prometheus: /metrics/caddy, /metrics/argoWeb, /metrics/argoWeb-2. None: nowhere but where a server says so.",
        ),
    },
    words=words.METRICS,
)


def read_metrics(given: dict[str, Any] | None) -> Metrics | None:
    """Reads what `argoweb:metrics` says; `None` if nothing is counted."""
    if given is None or not (given["sites"] or given.get("address")):
        return None
    return read_address(given.get("address")) or Metrics()


def read_address(given: str | None) -> Metrics | None:
    """Reads where numbers are served, for all servers or for one."""
    if given is None:
        return None
    parts = urlsplit(f"//{given}")
    return Metrics(host=parts.hostname, port=parts.port or 0)
