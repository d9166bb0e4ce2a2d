"""Which cloudflared the sandbox's servers run."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import cloudflared
from sandbox.state import SandboxError

SAYS_ITS_VERSION = "#!/bin/sh\necho 'cloudflared version 2026.9.9 (built 2026-09-09)'\n"


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SANDBOX_CLOUDFLARED", raising=False)
    monkeypatch.delenv("SANDBOX_TUNNEL_PROTOCOL", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(cloudflared, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(cloudflared, "_REFUSED", tmp_path / "refused")
    monkeypatch.setattr(cloudflared, "_RELEASE", "http://127.0.0.1:9/{version}-{arch}")


@pytest.fixture
def said() -> list[str]:
    return []


def program(path: Path, text: str = SAYS_ITS_VERSION) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_one_that_is_named_goes_before_the_one_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    on_path = program(tmp_path / "bin/cloudflared")
    monkeypatch.setenv("PATH", f"{on_path.parent}:/usr/bin:/bin")
    assert cloudflared.find(said.append).program == on_path

    named = program(tmp_path / "other/client")
    monkeypatch.setenv("SANDBOX_CLOUDFLARED", str(named))
    assert cloudflared.find(said.append).program == named
    assert said[-1] == f"the server runs the real cloudflared 2026.9.9, {named}"


def test_what_is_named_and_is_no_cloudflared_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    other = program(tmp_path / "caddy", "#!/bin/sh\necho v2.11\n")
    for name in (other, tmp_path / "absent"):
        monkeypatch.setenv("SANDBOX_CLOUDFLARED", str(name))
        with pytest.raises(SandboxError, match=f"SANDBOX_CLOUDFLARED is '{name}'"):
            cloudflared.find(said.append)


def test_the_imitation_can_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    on_path = program(tmp_path / "bin/cloudflared")
    monkeypatch.setenv("PATH", f"{on_path.parent}:/usr/bin:/bin")
    monkeypatch.setenv("SANDBOX_CLOUDFLARED", "standin")

    chosen = cloudflared.find(said.append)

    assert (chosen.program, chosen.described) == (None, "imitated (SANDBOX_CLOUDFLARED is standin)")
    assert said == [
        "NOTE: the server's cloudflared is imitated: SANDBOX_CLOUDFLARED is standin",
    ]


@pytest.fixture
def status() -> list[int]:
    """With which status the release is answered."""
    return [200]


@pytest.fixture
def length() -> list[int]:
    """How long the release is said to be."""
    return [len(SAYS_ITS_VERSION)]


@pytest.fixture
def release(
    monkeypatch: pytest.MonkeyPatch, status: list[int], length: list[int]
) -> Iterator[list[str]]:
    """The official release on a server of the test; which paths were asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status[0])
            self.send_header("Content-Length", str(length[0]))
            self.end_headers()
            self.wfile.write(SAYS_ITS_VERSION.encode())

        def log_message(self, *_: object) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,)).start()
    url = f"http://127.0.0.1:{server.server_port}/{{version}}/{{arch}}"
    monkeypatch.setattr(cloudflared, "_RELEASE", url)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    yield asked
    server.shutdown()
    server.server_close()


def test_the_release_is_fetched_once_when_its_checksum_is_right(
    release: list[str], monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    digest = hashlib.sha256(SAYS_ITS_VERSION.encode()).hexdigest()
    monkeypatch.setattr(cloudflared, "_CHECKSUMS", {"arm64": digest})

    chosen = [cloudflared.find(said.append) for _ in range(2)]

    assert [item.version for item in chosen] == ["2026.9.9"] * 2
    assert release == [f"/{cloudflared.VERSION}/arm64"]


def test_a_release_with_another_checksum_is_never_run(
    release: list[str], tmp_path: Path, said: list[str]
) -> None:
    chosen = cloudflared.find(said.append)

    assert chosen.program is None
    assert "its SHA-256 is" in chosen.why
    assert list(tmp_path.glob("cache/*")) == []


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("cut", f"IncompleteRead({len(SAYS_ITS_VERSION)} bytes read, 44 more expected)"),
        ("absent", "Not Found"),
        ("no room", "cannot hold it: "),
        ("does not run", "what was fetched does not run in "),
    ],
)
def test_a_release_of_which_nothing_good_comes_leaves_the_imitation(
    release: list[str],
    status: list[int],
    length: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    fault: str,
    why: str,
) -> None:
    digest = hashlib.sha256(SAYS_ITS_VERSION.encode()).hexdigest()
    monkeypatch.setattr(cloudflared, "_CHECKSUMS", {"arm64": digest})
    match fault:
        case "cut":
            length[0] += 44
        case "absent":
            status[0] = 404
        case "no room":
            (tmp_path / "cache").write_text("a file where the folder should be")
        case _:
            monkeypatch.setattr(cloudflared, "_version", lambda _: "")

    chosen = [cloudflared.find(said.append) for _ in range(2)]

    assert {item.program for item in chosen} == {None}
    assert why in chosen[1].why
    assert len(release) == 1
    assert list(tmp_path.glob("cache/*")) == []


def test_where_it_cannot_be_fetched_it_is_asked_for_once(said: list[str]) -> None:
    chosen = [cloudflared.find(said.append) for _ in range(2)]

    assert {item.program for item in chosen} == {None}
    assert "its release cannot be fetched" in chosen[1].why
    assert said.count(f"fetching cloudflared {cloudflared.VERSION}") == 1


def test_an_architecture_without_a_release_has_the_imitation(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    assert cloudflared.find(said.append).why == (
        "there is none on PATH, and no release for riscv64"
    )


@pytest.mark.parametrize(
    ("protocol", "spoken"), [("http2", ("http2",)), ("auto", ("http2", "quic"))]
)
def test_the_edge_speaks_what_is_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    protocol: str,
    spoken: tuple[str, ...],
) -> None:
    monkeypatch.setenv("SANDBOX_CLOUDFLARED", str(program(tmp_path / "client")))
    monkeypatch.setenv("SANDBOX_TUNNEL_PROTOCOL", protocol)

    assert cloudflared.find(said.append).protocols == spoken


def test_the_imitation_needs_nothing_of_the_edge_whatever_it_imitates(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setenv("SANDBOX_CLOUDFLARED", "standin")
    monkeypatch.setenv("SANDBOX_TUNNEL_PROTOCOL", "quic")

    chosen = cloudflared.find(said.append)

    assert (chosen.protocols, chosen.protocol) == ((), "quic")


@pytest.mark.parametrize(
    ("protocol", "missing", "outcome"),
    [
        ("http2", "h2", "the Python package h2 is missing: pip install -r requirements-dev.txt"),
        ("auto", "aioquic", "http2"),
    ],
)
def test_without_a_package_less_is_spoken(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    protocol: str,
    missing: str,
    outcome: str,
) -> None:
    monkeypatch.setenv("SANDBOX_CLOUDFLARED", str(program(tmp_path / "client")))
    monkeypatch.setenv("SANDBOX_TUNNEL_PROTOCOL", protocol)
    monkeypatch.setattr(cloudflared, "_missing", lambda package: package == missing)

    chosen = cloudflared.find(said.append)

    assert outcome in (chosen.why, chosen.protocol)


@pytest.mark.parametrize(
    ("protocol", "text"), [("tcp", "SANDBOX_TUNNEL_PROTOCOL is 'tcp'"), ("quic", "aioquic")]
)
def test_a_protocol_that_cannot_be_had_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str], protocol: str, text: str
) -> None:
    monkeypatch.setenv("SANDBOX_CLOUDFLARED", str(program(tmp_path / "client")))
    monkeypatch.setenv("SANDBOX_TUNNEL_PROTOCOL", protocol)
    monkeypatch.setattr(cloudflared, "_missing", lambda package: package == "aioquic")

    with pytest.raises(SandboxError, match=text):
        cloudflared.find(said.append)
