"""The servers and the way to each."""

from typing import Any

from settings.model import Bastion, Rebuild, Server
from values.findings import Findings
from values.kinds import MISSING_KEY

_Values = dict[str, Any]


def _host_key(value: _Values, where: str, findings: Findings) -> str | None:
    if value["insecureHostKey"] and "hostKey" in value:
        findings.error(
            f"{where}.insecureHostKey",
            f"is true beside {where}.hostKey, which nobody would look at then. Remove one of them.",
        )
        return None
    if value["insecureHostKey"]:
        findings.warn(
            f"{where}.insecureHostKey", "whoever stands between can take the tunnel's credentials."
        )
        return None
    if "hostKey" not in value:
        findings.add(
            MISSING_KEY,
            f"{where}.hostKey",
            "missing. Without it anybody could answer as the server.",
            f"Print it with: ssh-keyscan -t ed25519 -p {value['port']} {value['address']}; "
            f"set it with: pulumi config set --path '{where}.hostKey' '<what stands behind the host>'",
        )
        return None
    return " ".join(str(value["hostKey"]).split()[:2])


def server(place: str, value: _Values, findings: Findings) -> Server:
    """The server at a place of the stack file, which ends with its name."""
    bastion, rebuild = value.get("bastion"), value["rebuild"]
    return Server(
        name=place.rpartition(".")[2],
        address=value["address"],
        port=value["port"],
        user=value["user"],
        host_key=_host_key(value, place, findings),
        redeploy=value["redeploy"],
        let_go=value["letGo"],
        dial_attempts=value["dialAttempts"],
        dial_timeout=value["dialTimeout"],
        bastion=bastion
        and Bastion(
            address=bastion["address"],
            port=bastion["port"],
            user=bastion["user"],
            host_key=_host_key(bastion, f"{place}.bastion", findings),
        ),
        rebuild=Rebuild(
            flake=rebuild.get("flake"),
            build_host=rebuild.get("buildHost"),
            args=rebuild["args"],
        ),
    )
