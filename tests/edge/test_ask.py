"""Hostnames asked through an edge: by the real shells and the real curl, over real TLS."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edge import HOPS
from sandbox.cloudflare.certificate import AUTHORITY, Authority

PROGRAM = (Path(__file__).resolve().parents[2] / "edge" / "ask.sh").read_text()
ZONE = "example.com"
RAY = {"CF-RAY": "8f3a-VIE", "Server": "cloudflare"}
PAGES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "www": (200, RAY, b"hello"),
    "missing": (404, RAY, b"not here"),
    "app-error": (500, RAY, b"it is ours"),
    "closed": (503, RAY, b"back soon"),
    "login": (302, {**RAY, "Location": "https://t.cloudflareaccess.com/cdn-cgi/access/login"}, b""),
    "denied": (403, RAY, b"Forbidden"),
    "down": (530, RAY, b"error code: 1033"),
    "lost": (530, RAY, b"error code: 1016"),
    "bad": (502, RAY, b"<title>x | 502: Bad gateway</title><span>Error code 502</span>"),
    "origin-tls": (526, RAY, b"<span>Error code 526</span>"),
    "other-account": (403, RAY, b"error code: 1014"),
    "unmatched": (403, RAY, b"error code: 1043"),
    "elsewhere": (200, {}, b"an old server"),
}
CODES = {"elsewhere": "edge-unreachable", "deep.er": "edge-certificate"}
GOOD = ("www", "missing", "app-error", "closed", "login", "denied")


class Edge(ThreadingHTTPServer):
    """Answers by the first label of the hostname; `asked` has each request's."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.asked: list[str] = []
        self.slow = 0.0


class Page(BaseHTTPRequestHandler):
    server: Edge

    def do_GET(self) -> None:
        label = self.headers["Host"].partition(".")[0]
        self.server.asked.append(label)
        if label == "hangs":
            time.sleep(self.server.slow)
        if label == "no-head" and self.command == "HEAD":
            return
        status, headers, body = PAGES.get(label, PAGES["www"])
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    authority = Authority(tmp_path)
    server = Edge()
    context = authority.universal(lambda name: ZONE if name.endswith(ZONE) else None)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    # Names of that zone alone lead to it: others are this machine's resolver's affair.
    found = "\n".join(
        f'connect-to = "{label}.{ZONE}:443:127.0.0.1:{server.server_port}"'
        for label in (*PAGES, "deep.er", "hangs", "no-head", "*")
    )
    (tmp_path / ".curlrc").write_text(
        f'{found}\ncacert = "{tmp_path / AUTHORITY}"\nfail\nlocation\n'
    )
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(params=["dash", "bash"])
def shell(request: pytest.FixtureRequest) -> str:
    """Where `sh` is dash, and where it is bash, as on macOS."""
    return str(request.param)


def ask(
    folder: Path,
    *hostnames: str,
    before: str = "",
    seconds: int = 0,
    shell: str = "sh",
    path: str = "/",
) -> subprocess.CompletedProcess[str]:
    """The program as the command plugin runs it."""
    lines = "".join(f"key-{name} {name} {path}\n" for name in hostnames)
    return subprocess.run(
        [shell, "-c", 'eval "$ASK"', "ask"],
        input=lines,
        env={
            "PATH": os.environ["PATH"],
            "CURL_HOME": str(folder),
            "ASK": PROGRAM.replace("one_takes=10", "one_takes=2"),
            "ASK_SECONDS": str(seconds),
            "ASK_HOPS": "\n".join(f"{code} {hop}" for code, hop in HOPS.items()),
            "PULUMI_COMMAND_STDOUT": before,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def of(*labels: str) -> list[str]:
    return [f"{label}.{ZONE}" for label in labels]


CURL = """#!/bin/sh
echo "$@" >>"$CURL_HOME/asked"
printf 'HTTP/2 200\\r\\ncf-ray: x\\r\\n\\r\\n'
"""


def test_a_site_that_answers_is_asked_once_by_its_url_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "curl").write_text(CURL)
    (tmp_path / "curl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert ask(tmp_path, *of("www"), path="/[a]{b}").stdout == f"key-www.{ZONE}\n"

    (words,) = (tmp_path / "asked").read_text().splitlines()
    assert words.endswith(f" --user-agent argoweb https://www.{ZONE}/[a]{{b}}")
    assert words.startswith("--head ")
    assert {"--globoff", "--no-fail", "--no-location"} <= {*words.split()}


def test_the_program_is_clean_for_any_shell() -> None:
    found = subprocess.run(
        ["shellcheck", "--shell=sh", "-"],
        input=PROGRAM,
        text=True,
        capture_output=True,
        check=False,
    )

    assert found.returncode == 0, found.stdout


def test_whatever_comes_from_behind_the_edge_is_an_answer(
    edge: Edge, tmp_path: Path, shell: str
) -> None:
    asked = of(*GOOD)

    found = ask(tmp_path, *asked, seconds=5, shell=shell)

    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.split() == [f"key-{name}" for name in asked]
    assert sorted({*edge.asked}) == sorted(GOOD), "a login is not followed"


def test_what_answered_before_is_not_asked_again(edge: Edge, tmp_path: Path, shell: str) -> None:
    before = ask(tmp_path, *of("www", "missing"), seconds=5).stdout
    edge.asked.clear()

    found = ask(tmp_path, *of("www", "login", "missing"), before=before, seconds=5, shell=shell)

    assert edge.asked == ["login"]
    assert found.stdout.split() == [f"key-{name}" for name in of("www", "login", "missing")]


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("down", "530 with error code 1033; it is the tunnel: no cloudflared is connected to it"),
        ("lost", "530 with error code 1016; it is the record: it leads to a name that does not exist"),
        ("bad", "502; it is the server: cloudflared does not reach the service"),
        ("origin-tls", "526; it is TLS between Cloudflare and a server"),
        ("other-account", "403 with error code 1014; it is the record: its tunnel is one of another account"),
        ("unmatched", "403 with error code 1043; it is the account: it refuses hostnames that have no Access application"),
        ("elsewhere", "200, and not from Cloudflare; it is the record"),
        ("deep.er", "TLS fails; it is the certificate"),
    ],
)  # fmt: skip
def test_what_comes_instead_is_told_with_its_hop(
    edge: Edge, tmp_path: Path, label: str, said: str, shell: str
) -> None:
    found = ask(tmp_path, *of("www", label), shell=shell)

    assert found.returncode == 1
    assert found.stdout == ""
    first, *rest = found.stderr.splitlines()
    assert first.startswith(f"https://{label}.{ZONE}/: {said}")
    assert first.endswith(f" [{CODES.get(label, 'edge-error')}]")
    assert rest == [
        "What was changed stays. pulumi up asks again; argoweb:health.edge: false leaves it out."
    ]


def test_a_name_that_nobody_knows_is_the_records_fault(tmp_path: Path) -> None:
    found = ask(tmp_path, "www.example.invalid")

    assert found.stderr.startswith(
        "https://www.example.invalid/: there is no such name; it is the record"
    )


def test_an_edge_that_is_not_there_is_the_networks_fault(edge: Edge, tmp_path: Path) -> None:
    edge.shutdown()
    edge.server_close()

    found = ask(tmp_path, *of("www"))

    assert "Couldn't connect to server; it is the network from here to Cloudflare" in found.stderr


def test_a_site_that_hangs_is_bounded(edge: Edge, tmp_path: Path) -> None:
    edge.slow = 4
    began = time.monotonic()

    found = ask(tmp_path, *of("hangs"))

    assert "no answer in 2 seconds; it is the service" in found.stderr
    assert time.monotonic() - began < 20


def test_what_answers_to_get_alone_answers(edge: Edge, tmp_path: Path) -> None:
    pages = PAGES["bad"]
    PAGES["bad"] = PAGES["www"]
    try:
        found = ask(tmp_path, *of("bad"))
    finally:
        PAGES["bad"] = pages

    assert found.returncode == 0


def test_what_comes_up_in_time_answers(edge: Edge, tmp_path: Path) -> None:
    down = PAGES["down"]
    timer = threading.Timer(1, lambda: PAGES.update(down=PAGES["www"]))
    timer.start()
    try:
        found = ask(tmp_path, *of("down", "www"), seconds=20)
    finally:
        timer.join()
        PAGES["down"] = down

    assert (found.returncode, found.stderr) == (0, "")
    assert edge.asked.count("www") == 1


def test_many_sites_are_asked_at_once_and_many_faults_take_few_lines(
    edge: Edge, tmp_path: Path
) -> None:
    asked = [f"www.{ZONE}"] * 60

    good = ask(tmp_path, *asked, seconds=60)
    bad = ask(tmp_path, *of("down") * 40)

    assert good.returncode == 0
    assert len(good.stdout.split()) == 60
    assert len(bad.stderr.splitlines()) == 22
    assert "and 20 more" in bad.stderr


def test_a_machine_without_curl_is_told(tmp_path: Path) -> None:
    for name in ("sh", "awk", "sed", "tr", "head", "tail", "date", "xargs", "grep", "cat", "sleep"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    path, os.environ["PATH"] = os.environ["PATH"], str(tmp_path)
    try:
        found = ask(tmp_path, *of("www"))
    finally:
        os.environ["PATH"] = path

    assert "there is no curl on this machine [program-missing]" in found.stderr
