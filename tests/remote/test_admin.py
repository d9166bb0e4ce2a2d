"""Whether Caddy runs what is live, asked of the real one at its admin endpoint however that is set."""

import subprocess
import time
from pathlib import Path

import pytest

from sandbox.caddy import OLDEST
from tests.ports import free_port
from tests.render.caddy import program_of

REMOTE = Path(__file__).resolve().parents[2] / "remote"
HERE = """
SURROUNDINGS=() PROGRAM_OF_CADDY=$1 CONFIG=$2 ADAPTER=caddyfile
as_caddys_unit() { "$@"; }
read_surroundings() { :; }
add_directories() { :; }
runs_live '' before
"""


@pytest.mark.parametrize("version", [OLDEST, None])
@pytest.mark.parametrize(
    "admin",
    [
        "HOST:PORT",
        "tcp/HOST:PORT",
        ":PORT",
        "0.0.0.0:PORT",
        "[::1]:PORT {\n\t\tenforce_origin\n\t}",
        "HOST:PORT {\n\t\tenforce_origin\n\t}",
        "localhost:PORT {\n\t\tenforce_origin\n\t}",
        "HOST:PORT {\n\t\torigins HOST:PORT other:1\n\t}",
        "unix/FOLDER/admin.sock",
        "unix/FOLDER/admin.sock|0200",
    ],
)
def test_a_caddy_that_runs_what_is_live_is_known_by_its_admin_endpoint(
    tmp_path: Path, version: str | None, admin: str
) -> None:
    if "::1" in admin and not Path("/proc/net/if_inet6").exists():
        pytest.skip("NOT CHECKED: this machine has no IPv6")
    program, file = program_of(version), tmp_path / "Caddyfile"
    listen = admin.replace("FOLDER", str(tmp_path)).replace("HOST", "127.0.0.1")
    file.write_text(f"{{\n\tadmin {listen.replace('PORT', str(free_port()))}\n}}\n")
    caddy: list[str | Path] = [program, "run", "--config", file, "--adapter", "caddyfile"]

    def is_live() -> bool:
        words = ["bash", "-uo", "pipefail", "-c", f"{(REMOTE / 'caddy.sh').read_text()}\n{HERE}"]
        return not subprocess.run([*words, "server.sh", program, file], check=False).returncode

    with (tmp_path / "log").open("wb") as log, subprocess.Popen(caddy, stderr=log) as process:
        try:
            deadline = time.monotonic() + 10
            while not (live := is_live()) and time.monotonic() < deadline:
                time.sleep(0.1)
            file.write_text(f"{file.read_text()}:{free_port()} {{\n}}\n")
            other = is_live()
        finally:
            process.terminate()

    assert live, (tmp_path / "log").read_text()
    assert not other


@pytest.mark.parametrize(
    ("state", "invocation", "live"),
    [("active", "after", True), ("active", "before", False), ("failed", "after", False)],
)
def test_a_caddy_without_that_endpoint_runs_what_is_live_if_it_has_started_since(
    tmp_path: Path, state: str, invocation: str, live: bool
) -> None:
    file = tmp_path / "Caddyfile"
    file.write_text("{\n\tadmin off\n}\n")
    told = f"declare -A ACTIVE=() INVOCATION=()\nCADDY=(caddy.service)\nlearn_units() {{ ACTIVE[$1]={state} INVOCATION[$1]={invocation}; }}"
    words = [
        "bash",
        "-uo",
        "pipefail",
        "-c",
        f"{(REMOTE / 'caddy.sh').read_text()}\n{told}\n{HERE}",
    ]

    result = subprocess.run([*words, "server.sh", program_of(None), file], check=False)

    assert (result.returncode == 0) is live
