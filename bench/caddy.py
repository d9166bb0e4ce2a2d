"""Caddy under load: with our rendered configuration, and with one as a careful person writes it.

They pass requests on to a third Caddy that answers at once.
"""

import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench.load import compared, is_measurable, together, under_load
from bench.rounds import Row
from bench.stacks import settings_of
from render import render_caddyfile, render_global_options
from sandbox.ports import free_ports

SIZES = (10, 500)
_CONNECTIONS = 16
"""To each of the two."""
_START_SECONDS = 20


def rows(rounds: int) -> list[Row]:
    """A site behind a reverse proxy and one of files, the last ones of few and of many; nothing where there is no `wrk`."""
    if not is_measurable("Caddy under load"):
        return []
    return [row for size in SIZES for row in _of_size(size, rounds)]


def _of_size(size: int, rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        upstream, ours, other = free_ports(3)
        (folder / "www").mkdir()
        (folder / "www/index.html").write_text("<p>a page</p>\n" * 100)
        texts = {
            upstream: f"{{\n\tadmin off\n}}\nhttp://127.0.0.1:{upstream} {{\n\trespond ok\n}}\n",
            ours: _rendered(size, ours, upstream, folder / "www"),
            other: _by_hand(size, other, upstream, folder / "www"),
        }
        for port, text in texts.items():
            running.enter_context(_caddy(folder / str(port), port, text))
        kinds = {"proxied site": size - 2, "site of files": size - 1}
        return [
            row
            for kind, number in kinds.items()
            for row in _rows(
                f"Caddy, {kind} of {size}", (ours, other), f"s{number}.example.com", rounds
            )
        ]


def _rows(what: str, ports: tuple[int, int], host: str, rounds: int) -> list[Row]:
    runs = {
        str(port): partial(under_load, f"http://127.0.0.1:{port}/", {"Host": host}, _CONNECTIONS)
        for port in ports
    }
    ours, other = together(runs, rounds).values()
    return compared(
        what,
        ours,
        other,
        against="a hand-written configuration",
        at_least=0.97,
        latencies={"p99": 1.05},
    )


def _rendered(size: int, port: int, upstream: int, www: Path) -> str:
    """What argoweb gives to Caddy, as the NixOS module puts it together."""
    sites = [
        {
            "hostname": f"s{number}.example.com",
            **({"root": str(www)} if number % 2 else {"proxy": f"127.0.0.1:{upstream}"}),
        }
        for number in range(size)
    ]
    settings = settings_of(
        {
            "zones": [{"name": "example.com", "id": "0" * 32}],
            "caddy": {"port": port, "globalOptions": "admin off"},
            "sites": sites,
        }
    )
    return f"{{\n{render_global_options(settings.caddy)}}}\n{render_caddyfile(settings)}"


def _by_hand(size: int, port: int, upstream: int, www: Path) -> str:
    """The least that serves the same sites, and the visitor's address to what is behind them."""
    blocks = [
        f"http://s{number}.example.com:{port} {{\n\tbind 127.0.0.1\n"
        + (
            f"\troot * {www}\n\tfile_server\n"
            if number % 2
            else f"\treverse_proxy 127.0.0.1:{upstream}\n"
        )
        + "}\n"
        for number in range(size)
    ]
    options = (
        "admin off",
        "servers {",
        "trusted_proxies static 127.0.0.1/8 ::1/128",
        "client_ip_headers CF-Connecting-IP",
        "}",
    )
    return "\n".join(("{", *options, "}", *blocks))


@contextmanager
def _caddy(home: Path, port: int, text: str) -> Iterator[None]:
    program = Path(sys.executable).with_name("caddy")
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
