"""Caddy under load: with our rendered configuration, and with one as a careful person writes it.

Both run at once, in turns under load from `wrk`, and pass requests on to a third Caddy that answers at once.
"""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.rounds import Row, ratio
from bench.stacks import settings_of
from render import caddyfile, global_options

SITES = 10
_CONNECTIONS = 32
_SECONDS = 2
_START_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a server did under load."""

    requests_per_second: float
    p99_ms: float


def rows(rounds: int) -> list[Row]:
    """A site behind a reverse proxy and one of files; nothing where there is no `wrk`."""
    wrk, program = shutil.which("wrk"), Path(sys.executable).with_name("caddy")
    if wrk is None:
        print("NOT MEASURED: Caddy under load, because wrk is not on PATH (apt-get install wrk)")
        return []
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        upstream, ours, other = (_free_port() for _ in range(3))
        (folder / "www").mkdir()
        (folder / "www/index.html").write_text("<p>a page</p>\n" * 100)
        texts = {
            upstream: f"{{\n\tadmin off\n}}\nhttp://127.0.0.1:{upstream} {{\n\trespond ok\n}}\n",
            ours: _rendered(ours, upstream, folder / "www"),
            other: _by_hand(other, upstream, folder / "www"),
        }
        for port, text in texts.items():
            running.enter_context(_caddy(program, folder / str(port), port, text))
        return [
            row
            for number, kind in enumerate(("proxied site", "site of files"))
            for row in _rows(kind, _load(wrk, (ours, other), f"s{number}.example.com", rounds))
        ]


def _rows(kind: str, loads: dict[int, list[Load]]) -> list[Row]:
    ours, other = loads.values()
    return [
        ratio(
            f"Caddy, {kind}: requests a second, against a hand-written configuration",
            [it.requests_per_second for it in ours],
            [it.requests_per_second for it in other],
            0.97,
            at_least=True,
            unit="requests/s",
        ),
        ratio(
            f"Caddy, {kind}: 99th percentile of latency, against a hand-written configuration",
            [it.p99_ms for it in ours],
            [it.p99_ms for it in other],
            1.05,
            unit="ms",
        ),
    ]


def _load(wrk: str, ports: tuple[int, int], host: str, rounds: int) -> dict[int, list[Load]]:
    found: dict[int, list[Load]] = {port: [] for port in ports}
    for number in range(-1, rounds):  # the first only warms up
        for port in ports[:: -1 if number % 2 else 1]:
            load = _under_load(wrk, port, host)
            if number >= 0:
                found[port].append(load)
    return found


def _under_load(wrk: str, port: int, host: str) -> Load:
    shown = subprocess.run(
        [wrk, "--latency", "-t1", f"-c{_CONNECTIONS}", f"-d{_SECONDS}s", "-H", f"Host: {host}", f"http://127.0.0.1:{port}/"],
        capture_output=True,
        text=True,
        check=True,
        timeout=_SECONDS + 30,
    ).stdout  # fmt: skip
    if "Non-2xx" in shown or "Socket errors" in shown:
        raise RuntimeError(f"the load was not answered well:\n{shown}")
    speed = re.search(r"Requests/sec: +([\d.]+)", shown)
    slowest = re.search(r"99% +([\d.]+)(us|ms|s)", shown)
    if speed is None or slowest is None:
        raise RuntimeError(f"wrk does not say what it measured:\n{shown}")
    factor = {"us": 1e-3, "ms": 1, "s": 1e3}[slowest[2]]
    return Load(requests_per_second=float(speed[1]), p99_ms=float(slowest[1]) * factor)


def _rendered(port: int, upstream: int, www: Path) -> str:
    """What argoweb gives to Caddy, as the NixOS module puts it together."""
    sites = [
        {
            "hostname": f"s{number}.example.com",
            **({"root": str(www)} if number % 2 else {"proxy": f"127.0.0.1:{upstream}"}),
        }
        for number in range(SITES)
    ]
    settings = settings_of(
        {
            "zones": [{"name": "example.com", "id": "0" * 32}],
            "caddy": {"port": port, "globalOptions": "admin off"},
            "sites": sites,
        }
    )
    return f"{{\n{global_options(settings.caddy)}}}\n{caddyfile(settings)}"


def _by_hand(port: int, upstream: int, www: Path) -> str:
    """The least that serves the same sites."""
    blocks = [
        f"http://s{number}.example.com:{port} {{\n\tbind 127.0.0.1\n"
        + (
            f"\troot * {www}\n\tfile_server\n"
            if number % 2
            else f"\treverse_proxy 127.0.0.1:{upstream}\n"
        )
        + "}\n"
        for number in range(SITES)
    ]
    return "{\n\tadmin off\n}\n" + "".join(blocks)


@contextmanager
def _caddy(program: Path, home: Path, port: int, text: str) -> Iterator[None]:
    home.mkdir()
    (home / "Caddyfile").write_text(text)
    process = subprocess.Popen(
        [program, "run", "--config", home / "Caddyfile", "--adapter", "caddyfile"],
        env={"HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, port)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("Caddy does not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
