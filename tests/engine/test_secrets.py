"""The tunnel's secret is in the stack's encrypted state and in one file on the server; nowhere else."""

import base64
import json
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import World


def files_with(needle: bytes, top: Path) -> list[str]:
    """Files below a folder that hold the bytes."""
    found = subprocess.run(
        ["grep", "-rlaF", "--devices=skip", "-e", needle.decode(), str(top)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    return sorted(os.path.relpath(path, top) for path in found)


def secrets_in(exported: dict[str, Any]) -> dict[str, str]:
    """The tunnel's secret in both of its forms, from a state that shows secrets."""
    (password,) = [
        resource["outputs"]["result"]["plaintext"].strip('"')
        for resource in exported["deployment"]["resources"]
        if resource["type"] == "random:index/randomPassword:RandomPassword"
    ]
    encoded = base64.b64encode(password.encode()).decode()
    assert len(base64.b64decode(encoded)) >= 32, "Cloudflare's API demands 32 bytes"
    return {"password": password, "base64": encoded}


class ProcessWatch:
    """Reads every command line and environment of this machine, the server's included, until stopped."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "ProcessWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.is_set():
            for folder in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add((folder / name).read_bytes())
                    except OSError:
                        continue
            time.sleep(0.02)


def test_the_tunnels_secret_is_in_one_file_of_the_server_and_nowhere_else(fresh: World) -> None:
    with ProcessWatch() as watch:
        outputs = [
            fresh.pulumi("preview", "--diff", "--save-plan", "plan").stdout,
            (fresh.root / "plan").read_text(),
            fresh.pulumi("up", "--yes", "--diff", "--skip-preview", "--plan", "plan").stdout,
            fresh.pulumi("stack", "export").stdout,
            fresh.pulumi("stack", "--show-urns").stdout,
        ]
    shown = json.loads(fresh.pulumi("stack", "export", "--show-secrets").stdout)
    markers = secrets_in(shown)
    credentials = fresh.ssh("ls /var/lib/argoWeb").strip()

    layers = fresh.host_root().parent / "layers" / "upper"
    on_server = {name: files_with(text.encode(), layers) for name, text in markers.items()}
    assert on_server == {"password": [], "base64": [f"var/lib/argoWeb/{credentials}"]}
    for secret in markers.values():
        for text in outputs:
            assert secret not in text
        assert not [line for line in watch.seen if secret.encode() in line]
        assert files_with(secret.encode(), fresh.root / ".sandbox" / "pulumi-state") == []
        assert files_with(secret.encode(), fresh.root / ".sandbox" / "pulumi-home") == []
        assert secret not in fresh.ssh("journalctl --no-pager")


@pytest.mark.long
def test_a_failed_activation_shows_no_secret(fresh: World) -> None:
    fail = fresh.host_root() / "etc/sandbox/fail"
    fail.mkdir()
    (fail / "rebuild-build").write_text("error: the build fails for a test\n")

    result = fresh.pulumi("up", "--yes", "--skip-preview", check=False)
    exported = json.loads(fresh.pulumi("stack", "export", "--show-secrets").stdout)

    assert result.returncode != 0
    assert "the build fails for a test" in result.stdout + result.stderr
    for secret in secrets_in(exported).values():
        assert secret not in result.stdout + result.stderr
