"""Reads `argoweb:servers`: the servers and how each is reached."""

from typing import Any

from settings.model.stack import Bastion, Rebuild, Server
from settings.reading.metrics import read_address
from values.findings import Findings, Kind, make_warning
from values.remedies import SetKey
from values.tables import MISSING_KEY, fill

HOST_KEY_IDLE = Kind("host-key-idle", "A server's host key is given, and shall not be looked at.")
HOST_KEY_UNCHECKED = make_warning("host-key-unchecked", "Anybody can answer as the server.")
_Values = dict[str, Any]


def _find_host_key(value: _Values, before: str, findings: Findings) -> str | None:
    if value["insecureHostKey"] and "hostKey" in value:
        findings.add(
            HOST_KEY_IDLE,
            f"{before}insecureHostKey",
            f"is true beside {before}hostKey, which nobody would look at then.",
            "Remove one of them.",
        )
        return None
    if value["insecureHostKey"]:
        text = "whoever stands between can take the tunnel's credentials."
        findings.add(HOST_KEY_UNCHECKED, f"{before}insecureHostKey", text)
        return None
    if "hostKey" not in value:
        findings.add(
            MISSING_KEY,
            f"{before}hostKey",
            "missing. Without it anybody could answer as the server.",
            (
                f"Print it with: ssh-keyscan -t ed25519 -p {value['port']} {value['address']}; set it with: ",
                SetKey(f"{before}hostKey", "'<what stands behind the host>'"),
            ),
        )
        return None
    return " ".join(str(value["hostKey"]).split()[:2])


def read_server(name: str, before: str, value: _Values, findings: Findings) -> Server:
    """Reads a server; `before` is what stands before the places of its keys."""
    bastion = value.get("bastion")
    return fill(
        Server,
        value,
        name=name,
        host_key=_find_host_key(value, before, findings),
        bastion=bastion
        and fill(Bastion, bastion, host_key=_find_host_key(bastion, f"{before}bastion.", findings)),
        rebuild=fill(Rebuild, value["rebuild"]),
        metrics=read_address(value.get("metricsAddress")),
    )
