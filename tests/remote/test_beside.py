"""What else the server's own Caddy has where the sites are: told as far as the real Caddy then answers otherwise."""

import http.client
import re
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from render import render_caddyfile
from sandbox.caddy import OLDEST
from settings.model.stack import INTERNAL_NAME
from settings.reading.build import build
from tests.codes import note_warnings
from tests.ports import free_port
from tests.render.caddy import PROGRAM, Running, program_of, whole_file

REMOTE = Path(__file__).resolve().parents[2] / "remote"
SITES = [
    {"hostname": "a.example.com", "caddyfile": "respond a"},
    {"hostname": "*.example.com", "caddyfile": "respond {client_ip}"},
]
VISITOR = "203.0.113.9"
INTERNAL = {"internal": True, "noTLSVerify": True}
"""TLS by a certificate of Caddy's own authority."""
RIGHT = {"a.example.com": "a", "x.example.com": VISITOR}
"""What visitors get."""
END, TAKE = "end", "take"
"""Whether what is beside the sites ends some of them, or takes requests from them."""


def own(address: str, *lines: str) -> str:
    return "\n\t".join([f"{address} {{", *lines, "respond own"]) + "\n}\n"


HERE, LOCAL = "bind 127.0.0.1", "bind localhost"
CASES: dict[str, tuple[Mapping[str, Any], str, str, str | None]] = {
    "nothing": ({}, "", "", None),
    "at all addresses": ({}, "", own("own.example.net:PORT", "tls internal"), None),
    "at another port": ({}, "default_bind 127.0.0.1\n", own("http://x.example.com:OTHER"), None),
    "without a scheme": ({}, "", own("own.example.net:PORT", HERE), END),
    "without a scheme and certificates": ({}, "auto_https off\n", own("own.example.net:PORT", HERE), END),
    "by a default address": ({}, "default_bind 127.0.0.1 ::1\n", own("own.example.net:PORT", "tls internal"), END),
    "with TLS for all": ({}, "", own(":PORT", HERE, "tls internal"), END),
    "at one of two addresses": ({"bind": ["127.0.0.1", "127.0.0.2"]}, "", own("own.example.net:PORT", HERE), END),
    "at localhost": ({}, "", own("http://own.example.net:PORT", LOCAL), END),
    "with TLS at localhost": ({}, "", own("https://own.example.net:PORT", LOCAL, "tls internal"), END),
    "one host of a wildcard": ({}, "", own("http://x.example.com:PORT", HERE), TAKE),
    "another wildcard": ({}, "", own("http://*.example.com:PORT", HERE), TAKE),
    "a path": ({}, "", own("http://a.example.com:PORT/", HERE), TAKE),
    "a path of all": ({}, "", own("http://:PORT/*", HERE), TAKE),
    "for all, in front": ({}, "", own(":PORT", HERE), TAKE),
    "TLS": ({"tls": INTERNAL}, "", "", None),
    "TLS, a site": ({"tls": INTERNAL}, "", own("https://a.example.com:PORT", HERE, "tls internal"), TAKE),
    "TLS, no certificates": ({"tls": INTERNAL}, "auto_https off\n", "", END),
    "TLS, no certificates made": ({"tls": INTERNAL}, "auto_https disable_certs\n", "", END),
    "TLS, no redirects": ({"tls": INTERNAL}, "auto_https disable_redirects\n", "", None),
}  # fmt: skip
"""The stack's `caddy`, the owner's global options and sites, and what they do to the sites."""


def answer(port: int, host: str, *, tls: bool) -> str:
    made = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        made.connect()
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            made.sock = context.wrap_socket(made.sock, server_hostname=INTERNAL_NAME)
        made.request("GET", "/", headers={"Host": host, "CF-Connecting-IP": VISITOR})
        return made.getresponse().read().decode()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        made.close()


def wrong_answers(port: int, *, tls: bool) -> set[str]:
    """What visitors get that is not right, by enough connections that each of two listeners has some."""
    deadline = time.monotonic() + 3  # Caddy makes its certificate after it has begun to listen
    while (
        tls
        and answer(port, "a.example.com", tls=True) == "SSLError"
        and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    return {
        text
        for host, right in RIGHT.items()
        for _ in range(20)
        if (text := answer(port, host, tls=tls)) != right
    }


VERSIONS = pytest.mark.parametrize("version", [OLDEST, None])


@pytest.fixture(scope="module", params=[OLDEST, None], ids=[OLDEST, "installed"])
def caddy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("caddy"), program_of(request.param))
    yield running
    running.stop()


class Server:
    """The stack, and what the server's owner has in Caddy's configuration."""

    def __init__(
        self, prod: dict[str, Any], caddy: Mapping[str, Any], options: str, sites: str
    ) -> None:
        self.port, self.tls = free_port(), "tls" in caddy
        self.values = {**prod, "caddy": {"bind": "127.0.0.1", **caddy, "port": self.port}}
        self.options, self.sites = (
            text.replace("PORT", str(self.port)).replace("OTHER", str(free_port()))
            for text in (options, sites)
        )

    def wrong_answers(self, running: Running) -> set[str]:
        running.load(self.values, self.options, self.sites)
        return wrong_answers(self.port, tls=self.tls)

    def whole(self) -> str:
        """Caddy's configuration."""
        return whole_file(self.values, self.options, self.sites)

    def told(self, program: Path, whole: str, folder: Path) -> tuple[str, int]:
        """What the server's program says of a configuration that has ours, and whether it ends there."""
        (folder / "whole").write_text(whole)
        adapted = subprocess.run(
            [program, "adapt", "--config", folder / "whole", "--adapter", "caddyfile"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        (folder / "argoWeb.caddy").write_text(
            f"{self.ours()}http://argoweb-probe.invalid:1 {{\n}}\n"
        )
        parts = "\n".join(
            (REMOTE / name).read_text() for name in ("warnings.sh", "caddy.sh", "beside.sh")
        )
        words = ["bash", "-euo", "pipefail", "-c", f'{parts}\ncheck_beside "$1" "$(flat)" || exit']
        result = subprocess.run(
            [*words, "server.sh", folder / "argoWeb.caddy"],
            input=adapted, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.stderr == ""
        return note_warnings(result.stdout), result.returncode

    def ours(self) -> str:
        """argoWeb.caddy."""
        return render_caddyfile(build(self.values, deployment="argoweb/test"))


@pytest.mark.parametrize(("stack", "options", "sites", "does"), CASES.values(), ids=CASES)
def test_what_ends_or_takes_the_sites_is_told_and_nothing_else(
    caddy: Running, tmp_path: Path, prod: dict[str, Any],
    stack: Mapping[str, Any], options: str, sites: str, does: str | None,
) -> None:  # fmt: skip
    server = Server({**prod, "sites": SITES}, stack, options, sites)

    wrong = server.wrong_answers(caddy)
    said, code = server.told(caddy.program, server.whole(), tmp_path)

    assert (bool(wrong), code) == (does is not None, does == END), (wrong, said)
    assert (wrong == {"own"}) is (does == TAKE)
    assert ("which take requests first" in said) is (does == TAKE)
    assert said.count("\n") == bool(wrong), said


@VERSIONS
def test_an_admin_endpoint_where_the_sites_are_gets_a_part_of_their_requests_and_is_told(
    tmp_path: Path, prod: dict[str, Any], version: str | None
) -> None:
    server = Server({**prod, "sites": SITES}, {}, "admin localhost:PORT\n", "")
    running = Running(tmp_path, program_of(version))
    try:
        wrong = server.wrong_answers(running)
    finally:
        running.stop()

    said, code = server.told(running.program, server.whole(), tmp_path)

    assert any("host not allowed" in text for text in wrong)
    assert code == 1
    assert f"Caddy is to listen at localhost:{server.port} for something else" in said


PLAIN = [{"hostname": "b.example.com", "redirect": "https://a.example.com"}]


@pytest.mark.parametrize(("sites", "told"), [(SITES, True), (PLAIN, False)])
@pytest.mark.parametrize("bind", ["127.0.0.1", "::1"])
def test_a_caddy_that_takes_cloudflared_for_the_visitor_is_told_where_a_site_uses_its_address(
    tmp_path: Path, prod: dict[str, Any], sites: list[dict[str, Any]], told: bool, bind: str
) -> None:
    """As one with `services.caddy.configFile`, which has our import and none of our global options."""
    server = Server({**prod, "sites": sites}, {"bind": bind, "manage": False}, "", "")
    ours = server.ours()

    said, code = server.told(PROGRAM, ours, tmp_path)
    (lines,) = re.findall(r"(?s)^(    servers .*?^    }\n)", said, re.MULTILINE) or [""]
    again = server.told(PROGRAM, f"{{\n{lines}}}\n{ours}", tmp_path)

    assert code == 0
    assert bool(said) is told
    assert ("the sites get the address 127.0.0.1" in said) is told
    assert again == ("", 0)
