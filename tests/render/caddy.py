"""The real Caddy, today's and older ones: what it makes of a Caddyfile, and one that runs and takes another one at any time."""

import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from render import render_caddyfile, render_global_options
from sandbox.caddy import OLDEST, of_version
from sandbox.state import SandboxError
from settings.reading.build import build
from tests.ports import free_port

PROGRAM = Path(sys.prefix) / "bin" / "caddy"
OLD_VERSIONS = (OLDEST, "2.10.2", "2.11.1")
"""The oldest one that is supported, one of NixOS 25.11, and the last one that expands what a visitor sends (CVE-2026-30852)."""
_SECONDS = 120
_AROUND = ("subroute", "invoke")
_LEAVING = {"handler": "headers", "response": {"set": {"Connection": ["close"]}}}
_OWN = re.compile(r"unix/@argoweb-\d+-\{time[.]now[.]unix_ms\}")
"""Where no other load of a configuration listens."""


def program_of(version: str | None) -> Path:
    """Caddy's program in a version, `None` for that of the tests; without the old one the test says loudly that it checked nothing."""
    if version is None:
        return PROGRAM
    try:
        return of_version(version)
    except SandboxError as error:
        reason = f"NOT CHECKED with Caddy {version}: {error}"
        pytest.skip(reason)


def whole_file(values: Mapping[str, Any], more: str = "", own: str = "") -> str:
    """The Caddyfile that the server's Caddy reads, `more` among its global options and its `own` sites before ours."""
    settings = build(values, deployment="argoweb/test")
    return f"{{\n{render_global_options(settings.caddy)}{more}}}\n{own}{render_caddyfile(settings)}"


def adapt(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """`caddy adapt` with a text."""
    file = folder / "Caddyfile"
    file.write_text(text)
    return subprocess.run(
        [PROGRAM, "adapt", "--config", file, "--adapter", "caddyfile"],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def adapted(values: Mapping[str, Any], folder: Path) -> Any:
    """The JSON that Caddy makes of a stack's Caddyfile."""
    result = adapt(whole_file(values), folder)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def handlers(value: Any) -> list[dict[str, Any]]:
    """Every handler in a part of Caddy's JSON but what all sites have and those that only group others, in order."""
    named = [found for found in _tables(value) if found.get("handler", "subroute") not in _AROUND]
    return [found for found in named if found != _LEAVING]


def path_of(value: Any) -> str | None:
    """The one pattern that a part of Caddy's JSON compares the path with."""
    matchers = [found["path_regexp"] for found in _tables(value) if "path_regexp" in found]
    patterns = [matcher["pattern"] for matcher in matchers]
    assert len(patterns) <= 1
    return patterns[0] if patterns else None


def _tables(value: Any) -> Iterator[dict[str, Any]]:
    """All of the tables in a part of JSON, the outer ones first."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (dict, list)):
            yield from _tables(inner)


def only_server(config: Any) -> Any:
    """The HTTP server of Caddy's JSON."""
    (server,) = config["apps"]["http"]["servers"].values()
    return server


def listens_at(server: Any) -> list[str]:
    """Where an HTTP server of Caddy's JSON listens, sorted, but at the one place that is each load's own."""
    others = sorted(at for at in server["listen"] if not _OWN.fullmatch(at))
    assert len(others) == len(server["listen"]) - 1
    return others


def by_hostname(server: Any) -> dict[str, Any]:
    """The routes of each exact hostname; those of all others under `""`."""
    found = {}
    for route in server["routes"]:
        (hostname,) = route["match"][0]["host"] if "match" in route else [""]
        assert hostname not in found
        found[hostname] = route["handle"]
    return found


class Running:
    """A Caddy of its own on the loopback."""

    def __init__(self, folder: Path, program: Path = PROGRAM, **environment: str) -> None:
        self.program = program
        self._admin = free_port()
        # Where it leads visitors from HTTP to HTTPS, it listens at 80 unless it is told another port.
        self._options = (
            f"admin 127.0.0.1:{self._admin}\nskip_install_trust\nhttp_port {free_port()}\n"
        )
        start = folder / "start.caddy"
        start.write_text(f"{{\n{self._options}}}\n")
        home = {"XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
        self.data = folder / "data" / "caddy"
        self.log = folder / "log"
        self._log = self.log.open("wb")
        self._process = subprocess.Popen(
            [program, "run", "--config", start, "--adapter", "caddyfile"],
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin", **home, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._admin), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.05)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def load(
        self,
        values: Mapping[str, Any],
        more: str = "",
        own: str = "",
        leaves: str = "shutdown_delay 1ms\n",
    ) -> None:
        """Takes a stack's Caddyfile, `more` among its global options and its `own` sites before ours.

        `leaves` is in place of how long the stack gives connections to leave, which `""` keeps.
        """
        text = whole_file(values, self._options + leaves + more, own)
        status, answer = self._send(text)
        assert status == 200, f"{answer}\n{text}"

    def _send(self, text: str) -> tuple[int, str]:
        """Sends a Caddyfile, as `caddy reload --force` does, which is NixOS's reload of the unit: also one that it has already."""
        head = {"Content-Type": "text/caddyfile", "Cache-Control": "must-revalidate"}
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self._admin, timeout=_SECONDS)
            try:
                connection.request("POST", "/load", text.encode(), head)
                response = connection.getresponse()
                return response.status, response.read().decode()
            except (ConnectionResetError, BrokenPipeError):
                # The endpoint of the load before still takes connections while it ends, and answers none of them.
                time.sleep(0.01)
            finally:
                connection.close()

    def stop(self) -> None:
        """Asks it to end, and waits."""
        self._process.terminate()
        self._wait()

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._wait()

    def _wait(self) -> None:
        self._process.wait(_SECONDS)
        self._log.close()
