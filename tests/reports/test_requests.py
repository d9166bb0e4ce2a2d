"""Requests of reports, asked of the real Caddy in each version with the stacks that were reported."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.render.caddy import OLD_VERSIONS, Running, free_port, program_of

SECRET = "hunter2"
GUARD = "basic_auth {\n\tbob $2a$14$CAUlv1jetBSjGayu4tthqeUXXPLuS1envjj0rXHKzQpaL2dI1wAWK\n}\n"
TOKEN = {"access": {"required": True, "teamName": "team", "audTag": ["a" * 64]}}


@pytest.fixture(
    scope="module", params=[*OLD_VERSIONS, None], ids=lambda version: version or "installed"
)
def caddy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Caddy in each version, with a secret in its environment."""
    running = Running(
        tmp_path_factory.mktemp("caddy"), program_of(request.param), SECRET_TOKEN=SECRET
    )
    yield running
    running.stop()


class Asked:
    """A stack's Caddy."""

    def __init__(self, caddy: Running, prod: dict[str, Any], sites: list[dict[str, Any]]) -> None:
        self._port = free_port()
        own = {"bind": "127.0.0.1", "port": self._port}
        caddy.load({**prod, "sites": sites, "caddy": own})

    def __call__(self, host: str, target: str) -> tuple[int, str]:
        """Status and location or body."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.putrequest("GET", target, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        response = connection.getresponse()
        text = response.getheader("Location") or response.read().decode()
        connection.close()
        return response.status, text


def test_f00_a_path_is_not_expanded(caddy: Running, prod: dict[str, Any], tmp_path: Path) -> None:
    secret = tmp_path / "s.html"
    secret.write_text(SECRET)
    ask = Asked(
        caddy,
        prod,
        [
            {"hostname": "a.example.com", "path": "^/old/(.*)", "redirect": "https://b.example.com/{re.path.1}"},
            {"hostname": "a.example.com", "caddyfile": "respond next"},
            {"hostname": "c.example.com", "path": "^/u/([^/]+)", "caddyfile": 'rewrite * /{re.1}\nrespond "{uri}"'},
            {"hostname": "h.example.com", "path": "^/hook/", "caddyfile": "respond hook"},
        ],
    )  # fmt: skip

    found = [
        ask("a.example.com", "/old/{env.SECRET_TOKEN}"),
        ask("a.example.com", f"/old/{{file.{secret}}}"),
        ask("a.example.com", "/old/{system.hostname}"),
        ask("c.example.com", "/u/{env.SECRET_TOKEN}"),
    ]

    assert SECRET not in str(found)
    assert found[2] == (302, "https://b.example.com/{system.hostname}")
    assert ask("h.example.com", "/{foo}hook/x")[0] == 404
    assert ask("a.example.com", "/old/x/y") == (302, "https://b.example.com/x/y")


def test_f01_a_guarded_folder_is_guarded_by_each_spelling(
    caddy: Running, prod: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "private").mkdir()
    tmp_path.chmod(0o755)
    (tmp_path / "private/s.html").write_text(SECRET)
    (tmp_path / "open.html").write_text("open")
    ask = Asked(
        caddy,
        prod,
        [
            {"hostname": "a.example.com", "path": "^/private/", "caddyfile": f"{GUARD}root * {tmp_path}\nfile_server"},
            {"hostname": "a.example.com", "root": str(tmp_path)},
        ],
    )  # fmt: skip

    assert ask("a.example.com", "/private/s.html")[0] == 401
    assert ask("a.example.com", "/open.html") == (200, "open")
    for target in ("//private/s.html", "/./private/s.html", "/x/../private/s.html", "/x/%2e%2e/private/s.html", "/%2e/private/s.html", "/private%2fs.html"):  # fmt: skip
        status, text = ask("a.example.com", target)
        assert status in (401, 404), target
        assert SECRET not in text


@pytest.mark.parametrize(
    "host", ["s.example.com", "S.example.com", "s.EXAMPLE.com", "S.Example.Com:8443"]
)
def test_f28_a_hostname_is_one_in_any_case_of_its_letters(
    caddy: Running, prod: dict[str, Any], host: str
) -> None:
    ask = Asked(
        caddy,
        prod,
        [
            {"hostname": "s.example.com", "caddyfile": "respond guard 403"},
            {"hostname": "*.example.com", "caddyfile": "respond wild"},
        ],
    )

    assert ask(host, "/") == (403, "guard")
    assert ask("x.example.com", "/") == (200, "wild")


def test_f35_an_open_path_leads_to_no_other(caddy: Running, prod: dict[str, Any]) -> None:
    ask = Asked(
        caddy,
        prod,
        [
            {"hostname": "a.example.com", "path": "^/public", "caddyfile": "respond open"},
            {"hostname": "a.example.com", "caddyfile": "respond inside", "originRequest": TOKEN},
        ],
    )

    for target in ("/public/../admin", "//admin", "/public/%2e%2e/admin", "/public%5c..%5cadmin"):
        assert ask("a.example.com", target)[0] == 404, target
    assert ask("a.example.com", "/public/x") == (200, "open")
