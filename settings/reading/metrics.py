"""Reads `argoweb:metrics`: numbers of cloudflared and Caddy for a Prometheus, and for the page."""

from typing import Any
from urllib.parse import urlsplit

from settings.model.stack import Metrics


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
