"""A stack as Pulumi would tell of it, with real parts around: the sandbox's Cloudflare, an OpenSSH server on loopback."""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from argoweb.stack import Stack, State
from settings.reading.build import build
from tests.existing.conftest import ACCOUNT, OTHER_ZONE, ZONE, Cloudflare, cloudflare
from tests.ports import free_port

__all__ = ["cloudflare"]

DEPLOYMENT = "argoweb/prod"
as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT CHECKED: a server is asked with sudo -n, which takes root here"
)
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
NO_STATE = State(tunnel=None, records={}, manifests={})


def stack(
    cloudflare: Cloudflare | None = None,
    *,
    servers: Mapping[str, Any] | None = None,
    private_key: str | None = None,
    state: State = NO_STATE,
    **more: Any,
) -> Stack:
    """A stack of two sites in two zones."""
    values = {
        "accountId": ACCOUNT,
        "tunnel": {"name": "web"},
        "zones": [{"name": "example.com", "id": ZONE}, {"name": "example.org", "id": OTHER_ZONE}],
        "servers": servers or {"web1": {"address": "192.0.2.1", "hostKey": HOST_KEY}},
        "sites": [
            {"hostname": "www.example.com", "root": "/srv/www"},
            {"hostname": "git.example.org", "service": "http://127.0.0.1:3001"},
        ],
        **more,
    }
    used = (
        cloudflare or Cloudflare({"control_url": "", "api_url": "", "tunnel_address": ""})
    ).access()
    return Stack(
        name="prod",
        settings=build(values, deployment=DEPLOYMENT),
        access=used,
        private_key=private_key,
        state=state,
        last_update=None,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Door:
    """An OpenSSH server on loopback for the user who runs the tests."""

    port: int
    host_key: str
    private_key: str

    def server(self, **more: Any) -> dict[str, Any]:
        """Its keys in the stack file."""
        return {
            "address": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "hostKey": self.host_key,
            **more,
        }


def new_key(path: Path) -> tuple[str, str]:
    """Private and public text of a key that lies there."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(words, check=True)
    return path.read_text(), path.with_suffix(".pub").read_text().strip()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A real sshd."""
    program = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        pytest.skip("there is no sshd on this machine (Debian package openssh-server)")
    _, host_key = new_key(tmp_path / "host_key")
    private, public = new_key(tmp_path / "client_key")
    (tmp_path / "authorized").write_text(f"{public}\n")
    port = free_port()
    (tmp_path / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host_key\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {tmp_path}/authorized\nStrictModes no\nPasswordAuthentication no\n"
        f"KbdInteractiveAuthentication no\nPermitRootLogin yes\nAllowTcpForwarding yes\n"
        f"SetEnv PATH={tmp_path}/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    )
    with contextlib.suppress(OSError):  # for root it wants this folder; an ordinary user needs none
        Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen(
        [program, "-D", "-e", "-f", str(tmp_path / "config")], stderr=subprocess.PIPE
    ) as process:
        try:
            _wait_for(port, process)
            yield Door(port=port, host_key=host_key, private_key=private)
        finally:
            process.terminate()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.05)
    raise AssertionError("sshd does not listen")
