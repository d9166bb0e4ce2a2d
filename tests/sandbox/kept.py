"""Every file that the sandbox keeps, and how each may be found broken."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

OLDER_STATE = {"pulumi": "/opt/pulumi", "token": "t", "servers": {"web1": 2222}, "plugins": {}}
OLDER_PROCESSES = [{"name": "cloudflare", "pid": 1, "started": "0 0"}]
OLDER_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7\n"  # of a kind that is not made any more
OLDER_STACK = (ROOT / "sandbox/example/stack.yaml").read_text() + (
    "  argoweb:sshPrivateKey:\n    secure: v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAA\n"
    "  argoweb:servers: [web1]\n"
    "encryptionsalt: v1:AAAAAAAAAAA=:v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A file or folder below the checkout."""

    path: str
    older: str | None = None
    """What an earlier version had there, or `None` where that was the same."""

    def breakages(self) -> dict[str, Callable[[Path], None]]:
        """The ways in which it may be found, by name; each takes the checkout."""

        def missing(checkout: Path) -> None:
            path = checkout / self.path
            assert not os.path.ismount(path / "web1/root"), "a server's whole file tree is below it"
            if path.is_dir() and not path.is_symlink():
                _emptied(path)
                path.rmdir()
            else:
                path.unlink(missing_ok=True)

        def written(content: bytes) -> Callable[[Path], None]:
            def write(checkout: Path) -> None:
                path = checkout / self.path
                mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
                missing(checkout)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                path.chmod(mode)

            return write

        found = {"missing": missing, "empty": written(b""), "garbage": written(b"\xff\x00 {[ no")}
        return found if self.older is None else found | {"older": written(self.older.encode())}


def _emptied(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


FILES = (
    Kept(path=".sandbox"),
    Kept(path=".sandbox/state.json", older=json.dumps(OLDER_STATE)),
    Kept(path=".sandbox/processes.json", older=json.dumps(OLDER_PROCESSES)),
    Kept(path=".sandbox/passphrase", older="f" * 32 + "\n"),
    Kept(path=".sandbox/ssh_key"),
    Kept(path=".sandbox/ssh_key.pub", older=OLDER_KEY),
    Kept(path=".sandbox/language-host", older="#!/bin/sh\nexit 9\n"),
    Kept(path=".sandbox/bin"),
    Kept(path=".sandbox/cloudflare.log"),
    Kept(path=".sandbox/keeper.log"),
    Kept(path=".sandbox/cloudflare"),
    Kept(path=".sandbox/cloudflare/cloudflare.json", older="{}"),
    Kept(path=".sandbox/cloudflare/store.json", older="{}"),
    Kept(path=".sandbox/pulumi-home"),
    Kept(path=".sandbox/pulumi-state"),
    Kept(path=".sandbox/servers"),
    Kept(path=".sandbox/servers/web1/host_key.pub", older=OLDER_KEY),
    Kept(path=".sandbox/servers/web1/console.log"),
    Kept(path=".sandbox/servers/web1/network.log"),
    Kept(path="Pulumi.sandbox.yaml", older=OLDER_STACK),
)
CASES = [(kept, name) for kept in FILES for name in kept.breakages()]
IDS = [f"{kept.path} {name}" for kept, name in CASES]
