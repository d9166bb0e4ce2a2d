"""The keys of `argoweb:metrics`."""

import ipaddress
import re
from urllib.parse import urlsplit

from settings.keys import words
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
