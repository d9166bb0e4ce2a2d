"""What the unit does to stop cloudflared, done by bash: it waits as long as something is in progress, and no longer."""

import os
import shlex
import shutil
import subprocess
import time
from typing import Any

from tests.nixos.test_module import Server, server

__all__ = ["server"]

GOES_ON = "trap 'touch told' TERM; touch ready; while :; do sleep 0.05; done"
ENDS = "trap 'touch told; exit' TERM; touch ready; while :; do sleep 0.05; done"
"""What stands for a cloudflared that is told to end."""
CURL = """#!/bin/bash
echo "${@: -1}" >>asked
cat "metrics/$(wc -l <asked)"
"""


def said(in_progress: int, total: int) -> str:
    """What cloudflared says of its requests, among other things, which change."""
    return (
        f"cloudflared_tunnel_concurrent_requests_per_tunnel {in_progress}\n"
        f"cloudflared_tunnel_total_requests {total}\n"
        f"process_cpu_seconds_total {time.monotonic()}\n"
    )


def asked(server: Server, prod: dict[str, Any], cloudflared: str, *metrics: str) -> list[str]:
    """Stops a cloudflared that says this of itself, time after time; where it was asked."""
    server.push(prod)
    text = server.evaluate("config.systemd.services.argoWeb.serviceConfig.ExecStop")
    folder, programs = server.folder, server.folder / "programs"
    for each in (programs, folder / "metrics"):
        each.mkdir()
    for number, answer in enumerate(metrics, start=1):
        (folder / f"metrics/{number}").write_text(answer)
    for name in ("bash", "grep", "tail", "timeout"):
        (programs / name).symlink_to(str(shutil.which(name)))
    (programs / "curl").write_text(CURL)
    (programs / "curl").chmod(0o755)
    text = text.replace("$$", "$").replace("/run/current-system/sw/bin", str(programs))
    with subprocess.Popen(["bash", "-c", cloudflared], cwd=folder) as process:
        while not (folder / "ready").exists():
            time.sleep(0.02)
        environment = {**os.environ, "MAINPID": str(process.pid)}
        words = shlex.split(text.removeprefix("-"))
        with subprocess.Popen(words, cwd=folder, env=environment) as stop:
            while stop.poll() is None:
                process.poll()  # takes in its end, as systemd does
                time.sleep(0.02)
        process.kill()
    assert stop.returncode == 0
    assert (folder / "told").exists()
    return (folder / "asked").read_text().split() if (folder / "asked").exists() else []


def test_a_stop_waits_until_nothing_is_in_progress_and_nothing_new_has_come(
    server: Server, prod: dict[str, Any]
) -> None:
    metrics = said(1, 4), said(0, 4), said(0, 5), said(0, 5)

    assert asked(server, prod, GOES_ON, *metrics) == ["http://127.0.0.1:20251/metrics"] * 4


def test_a_stop_ends_with_cloudflared(server: Server, prod: dict[str, Any]) -> None:
    assert asked(server, prod, ENDS) == []
