"""A stack that was deployed, at which every command of the command line looks: with it the faults of faults.yaml are made.

Real are Cloudflare's API (the sandbox's), SSH (OpenSSH's sshd on loopback) and the way through the edge (HTTP on loopback).
What Pulumi and a server say are texts, by a program `pulumi` on PATH and by the one command that sshd runs.
"""

import contextlib
import copy
import getpass
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.argoweb.conftest import new_key
from tests.existing.conftest import ACCOUNT, OTHER_ZONE, SECRET, TOKEN, ZONE, Cloudflare
from tests.ports import free_port

DEPLOYMENT = "argoweb/prod"
MARK = f"argoweb {DEPLOYMENT}"
HOSTNAMES = {"www.example.com": ZONE, "git.example.org": OTHER_ZONE, "app.example.com": ZONE}
OTHER_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
CONNECTORS = (
    "11111111-1111-4111-8111-111111111111",
    "22222222-2222-4222-8222-222222222222",
)
MANIFEST = ["argoweb 0.1.0", "config-dir /etc/caddy", "end"]
REPORT = {
    "system": ["/nix/store/x\t26.05\t/nix/store/x\t100"],
    "generation": ["system-7-link\t1790000000"],
    "owner": [f"{DEPLOYMENT}/web1 root@192.0.2.1:22 0a1b2c3d\t1790000000"],
    "manifest": MANIFEST,
    "unit": [f"{unit}.service\tactive\t1790000000\t0" for unit in ("argoWeb", "argoWeb-2", "caddy")],
    "cloudflared": [
        f"{unit}.service\t4\t2026.8.2\tsbx01 sbx01 sbx02 sbx02\t{connector}"
        for unit, connector in zip(("argoWeb", "argoWeb-2"), CONNECTORS, strict=True)
    ],
    "caddy": ["caddy.service\tv2.10.0"],
    "site": [f"{index}\t200\t0.010" for index in range(3)],
}  # fmt: skip
"""What remote/report.sh prints of a server that is well: its kinds of lines, and the fields of each."""
DOCTOR = {
    "tcp": ["region1:7844\tyes"],
    "udp": ["region1:7844\tyes"],
    "nixos": ["26.05.1\t/run/current-system/sw/bin/nixos-rebuild"],
    "owner": [f"{DEPLOYMENT}/web1 root@192.0.2.1:22 0a1b2c3d"],
    "module": ["a b"],
    "flake": ["no"],
    "import": ["/etc/nixos\t/etc/nixos/configuration.nix"],
    "disk": ["/nix/store\t9000000\t9%", "/boot\t900000\t-", "/var\t9000000\t9%"],
    "memory": ["4000000"],
    "buffers": ["7500000\t7500000"],
    "caddy": ["caddy.service\tactive\t"],
    "cloudflared": ["77\targoWeb.service\t", "78\targoWeb-2.service\t"],
    "listener": ["8080\tcaddy\t79\tcaddy.service"],
}
"""What remote/doctor.sh prints of it."""
_PULUMI = """#!/bin/sh
[ "$1" = --non-interactive ] && shift
name=$1
case $1 in stack) name="$1 $2" ;; esac
[ -e "{folder}/$name.wait" ] && /bin/sleep 60
[ -e "{folder}/$name.out" ] || {{ /bin/cat "{folder}/$name.error" >&2; exit 255; }}
/bin/cat "{folder}/$name.out"
"""
_ON_THE_SERVER = """#!/bin/bash
text=$(cat)
[ -e {folder}/instead ] && . {folder}/instead
case $text in
  *'doctor() {{'*) cat {folder}/doctor ;;
  *) cat {folder}/report ;;
esac
printf 'clock\\t%s\\nend\\n' "$(date +%s.%N)"
"""


class _Edge(BaseHTTPRequestHandler):
    """Answers by the name that is asked for."""

    pages: dict[str, tuple[int, dict[str, str], str]]

    def do_GET(self) -> None:
        status, headers, body = self.pages[self.headers["Host"]]
        if not status:
            time.sleep(30)
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Desk:
    """The folder in which the commands run, and what is around it."""

    def __init__(
        self, folder: Path, cloudflare: Cloudflare, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.folder, self.cloudflare, self._patch = folder, cloudflare, monkeypatch
        self.programs = folder / "pulumi-says"
        self.programs.mkdir()
        self.server = folder / "server"
        self.server.mkdir()
        self._sockets: list[socket.socket] = []
        self.edge_port = free_port()
        self.report, self.doctor = copy.deepcopy(REPORT), copy.deepcopy(DOCTOR)
        self.pages: dict[str, tuple[int, dict[str, str], str]] = {
            name: (200, {}, "hello") for name in HOSTNAMES
        }
        login = {"Location": "https://example.cloudflareaccess.com/cdn-cgi/access/login/x"}
        self.pages["app.example.com"] = (302, login, "")
        self.history: list[dict[str, Any]] = [
            {"kind": "update", "result": "succeeded", "endTime": "2026-11-30T12:00:00.000Z"}
        ]
        self.made = self._deployed()
        self.port = free_port()
        _, self.host_key = new_key(folder / "host_key")
        self.private_key, self.public_key = new_key(folder / "client_key")
        self.config: dict[str, Any] = {
            "argoweb:accountId": ACCOUNT,
            "argoweb:tunnel": {"name": "web"},
            "argoweb:zones": [{"name": "example.com", "id": ZONE}, {"name": "example.org", "id": OTHER_ZONE}],
            "argoweb:servers": {"web1": {"address": "127.0.0.1", "port": self.port, "user": getpass.getuser(), "hostKey": self.host_key}},
            "argoweb:sites": [
                {"hostname": "www.example.com", "root": "/srv/www"},
                {"hostname": "git.example.org", "service": "http://127.0.0.1:3001"},
                {"hostname": "app.example.com", "proxy": "127.0.0.1:3000", "access": ["staff", "ci"]},
            ],
            "argoweb:access": {
                "team": "example",
                "groups": {"staff": {"emails": "ann@example.com"}, "ci": {"serviceTokens": "deploy"}},
            },
            "argoweb:alerts": {"email": "ops@example.com"},
            "argoweb:sshPrivateKey": self.private_key,
            "cloudflare:apiToken": TOKEN,
            "cloudflare:baseUrl": cloudflare.api_url,
        }  # fmt: skip

    @property
    def tokens(self) -> list[str]:
        """What Cloudflare's API is asked with."""
        return [
            self.config[key]
            for key in ("cloudflare:apiToken", "cloudflare:apiKey")
            if key in self.config
        ]

    def _deployed(self) -> dict[str, Any]:
        """What an update of the stack has made at Cloudflare, by the names of the table."""
        api, account = self.cloudflare.api, f"/accounts/{ACCOUNT}"
        tunnel = self.cloudflare.has_tunnel("web")
        target = f"{tunnel['id']}.cfargotunnel.com"
        for name, zone in HOSTNAMES.items():
            self.cloudflare.has(name, "CNAME", target, proxied=True, comment=MARK, zone_id=zone)
        records = {each["name"]: each for each in self.cloudflare.control("/dump")["records"]}
        application = api(
            "POST",
            f"{account}/access/apps",
            {
                "name": "app.example.com",
                "type": "self_hosted",
                "destinations": [{"type": "public", "uri": "app.example.com"}],
                "policies": [],
                "session_duration": "24h",
            },
        )
        token = api(
            "POST", f"{account}/access/service_tokens", {"name": "deploy", "duration": "8760h"}
        )
        alert = {
            "name": f"tunnel health ({MARK})",
            "alert_type": "tunnel_health_event",
            "enabled": True,
            "mechanisms": {"email": [{"id": "ops@example.com"}]},
            "filters": {"tunnel_id": [tunnel["id"]]},
        }
        made = api("POST", f"{account}/alerting/v3/policies", alert)
        for connector in CONNECTORS:
            for index in range(4):
                self.connect(tunnel["id"], connector, index)
        return {
            "tunnel": tunnel,
            "records": records,
            "application": application,
            "service_token": token,
            "alert": {**made, **alert},
            "pending": [],
        }

    def connect(self, tunnel: str, connector: str, index: int = 0) -> None:
        """A cloudflared connects, and stays."""
        host, _, port = self.cloudflare._tunnel_address.rpartition(":")
        first = {"account_tag": ACCOUNT, "tunnel_id": tunnel, "tunnel_secret": SECRET, "connector_id": connector, "conn_index": index}  # fmt: skip
        connection = socket.create_connection((host, int(port)))
        connection.sendall(json.dumps(first).encode() + b"\n")
        connection.recv(1000)
        self._sockets.append(connection)

    def disconnect(self) -> None:
        """All of them end."""
        for each in self._sockets:
            each.close()
        self._sockets.clear()
        path = f"/accounts/{ACCOUNT}/cfd_tunnel/{self.made['tunnel']['id']}/connections"
        deadline = time.monotonic() + 10
        while self.cloudflare.api("GET", path) and time.monotonic() < deadline:
            time.sleep(0.02)

    def says(self, name: str, answer: Any) -> None:
        """What a command of Pulumi's prints; nothing for an answer that fails with a text."""
        text = answer if isinstance(answer, str) else json.dumps(answer)
        (self.programs / f"{name}.out").write_text(text)

    def fails(self, name: str, text: str) -> None:
        """A command of Pulumi's fails."""
        (self.programs / f"{name}.out").unlink()
        (self.programs / f"{name}.error").write_text(f"{text}\n")

    def ready(self) -> None:
        """Writes down what Pulumi and the server say."""
        program = self.programs / "pulumi"
        program.write_text(_PULUMI.format(folder=self.programs))
        program.chmod(0o755)
        self._patch.setenv("PATH", f"{self.programs}:{os.environ['PATH']}")
        self._patch.chdir(self.folder)
        (self.folder / "Pulumi.yaml").write_text("name: argoweb\nruntime: python\n")
        self.says("version", "v3.259.0")
        self.says("plugin", self.plugins())
        self.says("whoami", {"user": "ann", "url": "file:///var/states"})
        self.says("stack ls", [{"name": "prod", "current": True}])
        self.says("stack history", self.history)
        self.says("stack export", self._state())
        self.says(
            "config", {key: _as_pulumi_has_it(key, value) for key, value in self.config.items()}
        )
        for name, rows in (("report", self.report), ("doctor", self.doctor)):
            lines = [f"{kind}\t{fields}\n" for kind, listed in rows.items() for fields in listed]
            (self.server / name).write_text("".join(lines))

    def plugins(self) -> list[dict[str, str]]:
        from importlib import metadata

        names = ("cloudflare", "command", "random")
        return [{"name": it, "version": metadata.version(f"pulumi-{it}")} for it in names]

    def _state(self) -> dict[str, Any]:
        made = self.made
        application = made["application"] and {
            **{key: made["application"][key] for key in ("id", "aud", "name", "destinations")},
            "appLauncherVisible": True,
            "sessionDuration": "24h",
        }
        types = {
            "zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": [made["tunnel"]],
            "dnsRecord:DnsRecord": [*made["records"].values()],
            "zeroTrustAccessApplication:ZeroTrustAccessApplication": [application],
            "zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken": [made["service_token"]],
            "notificationPolicy:NotificationPolicy": [made["alert"]],
        }
        resources = [
            {"urn": f"urn:pulumi:prod::argoweb::x::{kind}-{index}", "type": f"cloudflare:index/{kind}", "outputs": outputs}
            for kind, listed in types.items()
            for index, outputs in enumerate(listed)
            if outputs
        ]  # fmt: skip
        sent = "\n".join(MANIFEST) + "\n"
        resources.append(
            {"urn": "urn:pulumi:prod::argoweb::x::web1-activate", "type": "command:remote:Command", "inputs": {"stdin": sent}}
        )  # fmt: skip
        return {"deployment": {"resources": resources, "pending_operations": made["pending"]}}

    @contextlib.contextmanager
    def open(self) -> Iterator[str]:
        """The server's SSH and the edge, whose URL it gives."""
        program = self.server / "program"
        program.write_text(_ON_THE_SERVER.format(folder=self.server))
        program.chmod(0o755)
        edge = ThreadingHTTPServer(
            ("127.0.0.1", self.edge_port), type("Edge", (_Edge,), {"pages": self.pages})
        )
        threading.Thread(target=edge.serve_forever, args=(0.02,), daemon=True).start()
        with _sshd(self, program):
            yield f"http://127.0.0.1:{edge.server_port}"
        edge.shutdown()
        edge.server_close()
        for each in self._sockets:
            each.close()


def _as_pulumi_has_it(key: str, value: Any) -> Mapping[str, Any]:
    secret = key in ("argoweb:sshPrivateKey", "cloudflare:apiToken", "cloudflare:apiKey")
    if isinstance(value, str):
        return {"value": value, "secret": secret}
    return {"value": json.dumps(value), "objectValue": value, "secret": secret}


@contextlib.contextmanager
def _sshd(desk: Desk, command: Path) -> Iterator[None]:
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if sshd is None:
        pytest.skip("there is no sshd on this machine (Debian package openssh-server)")
    folder = desk.folder
    (folder / "authorized").write_text(f"{desk.public_key}\n")
    (folder / "sshd").write_text(
        f"Port {desk.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host_key\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nPasswordAuthentication no\n"
        f"KbdInteractiveAuthentication no\nPermitRootLogin yes\nAllowTcpForwarding yes\nForceCommand {command}\n"
    )
    with contextlib.suppress(OSError):  # for root it wants this folder; an ordinary user needs none
        Path("/run/sshd").mkdir(exist_ok=True)
    words = [sshd, "-D", "-e", "-f", str(folder / "sshd")]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        for _ in range(200):
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", desk.port), 1),
            ):
                break
            time.sleep(0.02)
        try:
            yield
        finally:
            process.terminate()
