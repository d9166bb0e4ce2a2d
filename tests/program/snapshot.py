"""What the engine is asked for, as a text for a review to read: `make messages` writes it to requests.yaml."""

import re
import shlex
from pathlib import Path
from typing import Any

import yaml

from components.remote_programs import _UNPACK, _read_script
from tests.existing.conftest import ACCOUNT, TEAM, ZONE, Cloudflare
from tests.program.conftest import KEY, Program, server

SNAPSHOT = Path(__file__).with_name("requests.yaml")
_LONG = 400
"""Characters of a text from which on it is some file's, which other tests read."""
_NOT_OURS = {
    "acceptResources",
    "acceptSecrets",
    "custom",
    "hooks",
    "name",
    "packageRef",
    "propertyDependencies",
    "sourcePosition",
    "stackTrace",
    "version",
}
"""What Pulumi adds by itself, and where in the code a resource is."""
_SECRET_KEY, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
_SCRIPTS = {
    shlex.quote(_read_script(name)): f"<{name}>"
    for name in ("keep.sh", "launch.sh", "put.sh", "release.sh")
} | {shlex.quote(_UNPACK + _read_script("put.sh")): "<put.sh of what is packed>"}


def everything(program: Program) -> dict[str, Any]:
    """The requests of a stack that uses most of what there is."""
    program.values |= {
        "servers": {
            "web1": server(
                1, rebuild={"args": ["--show-trace"]}, redeploy=3, dialAttempts=5, dialTimeout=20
            ),
            "web2": server(2, user="deploy", port=2222, bastion=server(3, user="jump", port=2022)),
        },
        "sites": [
            {
                "hostname": "www.example.com",
                "root": "/srv/www",
                "access": {"groups": ["staff", "ci"], "session": "30m", "except": "^/hook/"},
            },
            {"hostname": "git.example.org", "service": "http://127.0.0.1:3001"},
        ],
        "access": {
            "team": TEAM,
            "groups": {
                "staff": {"emails": ["ann@example.com"], "require": {"countries": "AT"}},
                "ci": {"serviceTokens": ["deploy"], "exclude": {"ips": "192.0.2.0/24"}},
            },
            "serviceTokens": {
                "deploy": {"secretVersion": 2, "oldSecretUntil": "2027-01-31T12:00:00Z"}
            },
        },
        "health": {"urls": ["http://127.0.0.1:3001/ok"], "edge": True},
        "package": {
            "url": "https://git.example.org/cloudflared",
            "version": "2026.8.2",
            "rev": "a" * 40,
            "hash": f"sha256-{'A' * 43}=",
        },
    }
    return program.run()


def taken_over(program: Program, cloudflare: Cloudflare) -> dict[str, Any]:
    """Those of a stack that takes in a tunnel and a record, and has lost a server."""
    tunnel = {"name": "by-hand", "config_src": "local", "tunnel_secret": "c2VjcmV0" * 6}
    uuid = cloudflare.api("POST", f"/accounts/{ACCOUNT}/cfd_tunnel", tunnel)["id"]
    record = {
        "type": "CNAME",
        "name": "www.example.com",
        "content": f"{uuid}.cfargotunnel.com",
        "proxied": True,
        "ttl": 1,
    }
    cloudflare.api("POST", f"/zones/{ZONE}/dns_records", record)
    program.values |= {
        "tunnel": {"importId": uuid, "protect": True},
        "servers": {"web1": server(1), "web2": server(2, letGo=True)},
    }
    program.values["sites"][0]["dns"] = {"adopt": True}
    return program.run()


def as_text(requests: dict[str, Any], outputs: dict[str, Any], ids: dict[str, str]) -> str:
    """The requests by name, and the outputs of components; `ids` are texts that differ from run to run, and what stands for them."""
    told = {name: _told(request) for name, request in sorted(requests.items())}
    for name, its in outputs.items():
        told[name]["outputs"] = _plain(its)
    for name, request in told.items():
        first = f"{name.partition('-')[0]}-activate"
        connection = request["object"].get("connection")
        if (
            connection
            and name != first
            and connection == told.get(first, {}).get("object", {}).get("connection")
        ):
            request["object"]["connection"] = f"that of {first}"
    text = yaml.safe_dump(told, width=1000, allow_unicode=True)
    for id, name in ids.items():
        text = text.replace(id, name)
    return re.sub(r"\b[0-9a-f]{64}\b", "<sha256>", text)


def _told(request: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in request.items():
        if key in _NOT_OURS or key.startswith("supports"):
            continue
        if key == "dependencies":
            shown[key] = sorted(urn.rpartition("::")[2] for urn in value)
        elif key == "parent":
            shown[key] = value.rpartition("::")[2]
        else:
            shown[key] = _plain(value)
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        if value.get(_SECRET_KEY) == _SECRET:
            return {"secret": _plain(value["value"])}
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, str):
        for long, short in _SCRIPTS.items():
            value = value.replace(long, short)
        if value == KEY:
            return "<the private key>"
        if len(value) > _LONG and not value.startswith("owner "):  # a manifest stays
            return "<a file>"
        if value.count("\n") > 1:
            return value.splitlines()
    return value
