"""Hostnames asked through an edge: by the real shells and the real curl, over real TLS."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
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
    "two-numbers": (
        530,
        {**RAY, "X-Why": "error code: 1000"},
        b"error code: 1033\nerror code: 1016",
    ),
    "own-page": (502, RAY, b"\nHTTP/1.1 200 OK\n\nsorry"),
    "refused": (403, RAY, b"error code: 1999"),
    "unknown": (530, RAY, b"error code: 1999"),
    "hints": (404, RAY, b"not here"),
    "no-head": (200, RAY, b"\nHTTP/1.1 530 no more\n"),
}
HOP = {
    1000: (403, "the record: it leads to a forbidden address"),
    1001: (409, "the record: there is none for this name"),
    1014: (403, "the record: its tunnel is one of another account"),
    1016: (530, "the record: it leads to a name that does not exist"),
    1033: (530, "the tunnel: no cloudflared is connected to it"),
    1043: (403, "the account: it refuses hostnames that have no Access application (docs/access.md)"),
    502: (502, "the server: cloudflared does not reach the service, or the service answers so"),
    504: (504, "the service: it does not answer in time"),
    520: (520, "the server: its answer is none"),
    521: (521, "the record: it leads to a server and not to the tunnel"),
    522: (522, "the record: it leads to a server and not to the tunnel"),
    523: (523, "the record: it leads to a server and not to the tunnel"),
    525: (525, "TLS between Cloudflare and a server: the record does not lead to the tunnel"),
    526: (526, "TLS between Cloudflare and a server: the record does not lead to the tunnel"),
    530: (530, "the tunnel, or the record"),
}  # fmt: skip
"""What Cloudflare answers with each of its codes, and what is told of it."""
PAGES |= {
    f"code-{code}": (status, RAY, b"Error code %d" % code) for code, (status, _) in HOP.items()
}
CODES = {"elsewhere": "edge-unreachable", "deep.er": "edge-certificate"}
GOOD = ("www", "missing", "app-error", "closed", "login", "denied", "refused", "hints")


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
        if label == "hangs" or (label == "slow-head" and self.command == "HEAD"):
            time.sleep(self.server.slow)
        if label == "no-head" and self.command == "HEAD":
            return
        if label == "hints":
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
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
        for label in (*PAGES, "deep.er", "hangs", "slow-head")
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
    takes: int = 20,
) -> subprocess.CompletedProcess[str]:
    """The program as the command plugin runs it."""
    lines = "".join(f"key-{name} {name} {path}\n" for name in hostnames)
    return subprocess.run(
        [shell, "-c", 'eval "$ASK"', "ask"],
        input=lines,
        env={
            "PATH": os.environ["PATH"],
            "CURL_HOME": str(folder),
            "ASK": PROGRAM.replace("one_takes=10", f"one_takes={takes}"),
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


CURL = """
echo "$@" >>"$CURL_HOME/asked"
printf 'HTTP/2 200\\r\\ncf-ray: x\\r\\n\\r\\n'
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a program before the machine's own."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def put(name: str, program: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{program}")
        (tmp_path / name).chmod(0o755)

    return put


def test_a_site_that_answers_is_asked_once_by_its_url_as_it_is(
    tmp_path: Path, stand_in: Callable[[str, str], None]
) -> None:
    stand_in("curl", CURL)

    assert ask(tmp_path, *of("www"), path="/[a]{b}").stdout == f"key-www.{ZONE}\n"

    (words,) = (tmp_path / "asked").read_text().splitlines()
    assert words == (
        "--head --silent --show-error --globoff --no-fail --no-location --suppress-connect-headers "
        f"--max-time 20 --max-filesize 1000000 --user-agent argoweb https://www.{ZONE}/[a]{{b}}"
    )


@pytest.mark.parametrize(
    "resolver", ["exit 6", "printf 'HTTP/1.1 200 OK\\r\\nServer: router\\r\\n\\r\\n'; exit"]
)
def test_a_name_that_this_machines_resolver_does_not_know_is_asked_of_another_one(
    tmp_path: Path, stand_in: Callable[[str, str], None], resolver: str
) -> None:
    stand_in(
        "curl",
        f'case "$*" in *" --doh-url https://one.one.one.one/dns-query "*) ;; *) {resolver} ;; esac{CURL}',
    )

    found = ask(tmp_path, *of("www"))

    assert (found.stdout, found.stderr) == (f"key-www.{ZONE}\n", "")
    assert (tmp_path / "asked").read_text().startswith("--head ")


@pytest.mark.parametrize("number", [35, 51, 60])
def test_each_number_by_which_curl_refuses_a_certificate_is_the_certificates(
    tmp_path: Path, stand_in: Callable[[str, str], None], number: int
) -> None:
    """Old ones have another than new ones."""
    stand_in("curl", f"echo 'curl: ({number}) SSL' >&2; exit {number}")

    assert "TLS fails; it is the certificate" in ask(tmp_path, *of("www")).stderr


def test_a_curl_that_ends_without_a_word_is_told(
    tmp_path: Path, stand_in: Callable[[str, str], None]
) -> None:
    stand_in("curl", "exit 2")

    said = f"https://www.{ZONE}/: nothing; it is the network from here to Cloudflare"
    assert ask(tmp_path, *of("www")).stderr.startswith(said)


def test_of_what_there_was_no_more_time_for_the_answer_before_is_told(
    tmp_path: Path, edge: Edge, stand_in: Callable[[str, str], None]
) -> None:
    """The clock says that the second round begins long after the end."""
    (tmp_path / "times").write_text("0\n0\n0\n90\n90\n")
    stand_in("date", 'sed -n 1p "$CURL_HOME/times"; sed -i 1d "$CURL_HOME/times"')
    stand_in("sleep", "")

    found = ask(tmp_path, *of("down"), seconds=5)

    assert found.stderr.startswith(f"https://down.{ZONE}/: 530 with error code 1033; ")
    assert {*edge.asked} == {"down"}
    assert not (tmp_path / "times").read_text(), "there was a second round"


def test_what_was_never_asked_is_told_so(
    tmp_path: Path, edge: Edge, stand_in: Callable[[str, str], None]
) -> None:
    (tmp_path / "times").write_text("0\n90\n90\n")
    stand_in("date", 'sed -n 1p "$CURL_HOME/times"; sed -i 1d "$CURL_HOME/times"')

    found = ask(tmp_path, *of("www"), seconds=5)

    assert found.stderr.startswith(f"https://www.{ZONE}/: not asked: the time was over\n")
    assert not edge.asked


def test_each_code_of_cloudflares_is_told_with_the_hop_that_it_means(
    edge: Edge, tmp_path: Path
) -> None:
    found = ask(tmp_path, *of(*(f"code-{code}" for code in HOP)))

    assert {*found.stderr.splitlines()[:-1]} == {
        f"https://code-{code}.{ZONE}/: {status}{(code != status and f' with error code {code}') or ''}; "
        f"it is {hop} [edge-error]"
        for code, (status, hop) in HOP.items()
    }


def test_no_other_code_is_told() -> None:
    assert {code: hop for code, (_, hop) in HOP.items()} == HOPS


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
        ("two-numbers", "530 with error code 1033; it is the tunnel"),
        ("own-page", "502; it is the server: cloudflared does not reach the service"),
        ("unknown", "530 with error code 1999; it is the tunnel, or the record"),
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

    found = ask(tmp_path, *of("hangs"), seconds=3, takes=2)

    assert "no answer in 2 seconds; it is the service" in found.stderr
    assert time.monotonic() - began < 20


def test_what_answers_to_get_alone_answers(edge: Edge, tmp_path: Path) -> None:
    found = ask(tmp_path, *of("no-head"))

    assert (found.returncode, found.stderr) == (0, "")


def test_what_answers_to_get_sooner_answers(edge: Edge, tmp_path: Path) -> None:
    edge.slow = 4

    found = ask(tmp_path, *of("slow-head"), seconds=60, takes=2)

    assert (found.returncode, found.stderr) == (0, "")


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
    asked = [f"www.{ZONE}"] * 30

    good = ask(tmp_path, *asked, seconds=60)
    bad = ask(tmp_path, *of("down") * 22)

    assert good.returncode == 0
    assert len(good.stdout.split()) == 30
    assert len(bad.stderr.splitlines()) == 22
    assert "\nand 2 more\n" in bad.stderr


def test_a_machine_without_curl_is_told(tmp_path: Path) -> None:
    for name in ("sh", "awk", "sed", "tr", "head", "tail", "date", "xargs", "grep", "cat", "sleep"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    path, os.environ["PATH"] = os.environ["PATH"], str(tmp_path)
    try:
        found = ask(tmp_path, *of("www"))
    finally:
        os.environ["PATH"] = path

    assert "there is no curl on this machine [program-missing]" in found.stderr
