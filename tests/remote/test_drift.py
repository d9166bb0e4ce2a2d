"""What a server tells of itself and of what differs from its stack, for people and for programs; it changes nothing."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from argoweb.programs import write_report_program
from tests.remote.test_others import built, digests
from tests.remote.test_work import LIVE, Server, credentials, systemctl

OWNER = "project/stack/web1 root@192.0.2.1:22 0a1b2c3d"
SECRET = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I="
FILES = {**LIVE, "credentials": credentials(SECRET)}
NOT_AT_WORK = "[[ $1 != argoweb-deploy* ]]"
OTHER_CADDY = """#!/bin/bash
if [[ $* == *curl* ]]; then echo '{"apps":{"other":1}}'; else echo '{"apps":{}}'; fi
"""
HANGS = """#!/bin/bash
if [[ $* == *curl* ]]; then exit 28; fi
echo '{"apps":{}}'
"""
OTHER_RULES = """#!/bin/bash
case $* in
  */ready) echo '{"readyConnections":4}' ;;
  */config) echo '{"version":3,"config":{}}' ;;
esac
"""


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """One on which nothing differs."""
    server = Server(tmp_path)
    server.path("credentials").write_text(FILES["credentials"])
    server.path("credentials").chmod(0o644)
    server.applied.write_text(server.manifest(FILES))
    (server.root / "owner").write_text(f"{OWNER}\n")
    (server.root / "server.sh").symlink_to(server.program)
    (server.program.parent / "argoWeb.yml").write_text(LIVE["argoWeb.yml"])
    built(server, "old", digests(server))
    built(server, "new", "others")
    server.stub("systemctl", systemctl(NOT_AT_WORK))
    return server


def report(server: Server, stdin: str = "", **variables: str) -> list[list[str]]:
    """What programs are told: a kind and its fields each."""
    ran = subprocess.run(
        ["bash", "-s"],
        input=f"{server.placed(write_report_program())}{stdin}",
        env={**server.environment(), **variables},
        text=True,
        capture_output=True,
        check=True,
    )
    assert not ran.stderr
    rows = [line.split("\t") for line in ran.stdout.splitlines()]
    assert rows.pop() == ["end"]
    return rows


def leads_to_new(server: Server, *links: str) -> None:
    for link in links:
        (server.folder / link).unlink()
        (server.folder / link).symlink_to(server.folder / "systems/new")


def files_and_programs(server: Server) -> None:
    server.path("argoWeb.caddy").unlink()
    server.path("argoWeb.nix").chmod(0o666)
    server.path("argoWeb.yml").write_text("by hand\n")
    server.path("credentials").write_text(credentials(f"another{SECRET}"))
    server.stub("systemd-run", OTHER_CADDY)
    server.stub("curl", OTHER_RULES)
    leads_to_new(server, "profiles/system")


def units_and_system(server: Server) -> None:
    server.stub("systemctl", systemctl("[[ $1 == caddy.service ]]"))
    leads_to_new(server, "current", "profiles/system")


def hangs_and_a_folder(server: Server) -> None:
    server.path("argoWeb.caddy").unlink()
    server.path("argoWeb.caddy").mkdir()
    server.stub("systemd-run", HANGS)


def broken_file(server: Server) -> None:
    server.stub("systemd-run", "#!/bin/bash\necho 'no such directive: rot' >&2\nexit 1\n")


def caddy_and_module(server: Server) -> None:
    server.stub("systemctl", systemctl("[[ $1 == argoWeb.service ]]"))
    (server.folder / "systems/old/etc/systemd/system/argoWeb-recover.service").unlink()


DIFFERENCES: list[tuple[Callable[[Server], object], list[tuple[str, str]]]] = [
    (
        files_and_programs,
        [
            (
                "file-edited",
                "CADDY/argoWeb.yml: found another content; the stack says as in its preview\n      | --- the stack\n"
                "      | +++ this server\n      | @@ -1 +1 @@\n      | -old yml\n      | +by hand",
            ),
            ("file-missing", "CADDY/argoWeb.caddy: found no file; the stack says there is one"),
            ("file-access", "CADDY/argoWeb.nix: found 666 root:root; the stack says 644 root:root"),
            ("file-edited", "DATA/credentials: found another content; the stack says as in its preview"),
            ("caddy-runs-another", "caddy.service: found another configuration than its files have; the stack says that of its files"),
            (
                "cloudflared-runs-another",
                "cloudflared: found those of Cloudflare's dashboard (version 3), to which the tunnel was moved; the stack says the "
                "rules of CADDY/argoWeb.yml",
            ),
            ("boot-default", "the boot default: found SYSTEMS/new, built from other files than argoweb's; the stack says from these"),
        ],
    ),
    (
        units_and_system,
        [
            ("unit-stopped", "argoWeb.service: found inactive; the stack says active"),
            ("system-switched", "the running system: found one built from other files of argoweb; the stack says from these"),
        ],
    ),
    (
        hangs_and_a_folder,
        [
            ("file-missing", "CADDY/argoWeb.caddy: found something else; the stack says there is one"),
            ("caddy-runs-another", "caddy.service: found no answer at its admin endpoint, localhost:2019; the stack says that of its files"),
        ],
    ),
    (
        broken_file,
        [("caddy-runs-another", "caddy.service: found another one, since its files cannot be read: no such directive: rot; the stack says that of its files")],
    ),
    (
        caddy_and_module,
        [
            ("unit-stopped", "caddy.service: found inactive; the stack says active"),
            ("system-switched", "the running system: found one without argoweb's module; the stack says one with it"),
        ],
    ),
]  # fmt: skip
"""What somebody does by hand, and what is said of it: its code, and the lines for people."""


def test_a_server_as_its_stack_has_it_differs_in_nothing(server: Server) -> None:
    assert server.run("drift") == ("Nothing differs from the stack.\n", 0)


@pytest.mark.parametrize(("act", "expected"), DIFFERENCES, ids=lambda it: getattr(it, "__name__", ""))  # fmt: skip
def test_all_that_differs_is_said_and_nothing_else_and_no_secret_is_shown(
    server: Server, act: Callable[[Server], object], expected: list[tuple[str, str]]
) -> None:
    act(server)

    said, code = server.run("drift")
    rows = report(server)

    for name, place in (("CADDY", server.config), ("DATA", server.data), ("SYSTEMS", server.folder / "systems")):  # fmt: skip
        said = said.replace(str(place), name)
        rows = [[field.replace(str(place), name) for field in row] for row in rows]
    advice = "To put it right: raise argoweb:servers.<name>.redeploy by one and run pulumi up."
    assert (said.splitlines(), code) == ("\n".join([*(lines for _, lines in expected), advice]).split("\n"), 1)  # fmt: skip
    told = [
        (kind, f"{place}: found {found}; the stack says {stack}")
        for _, kind, place, found, stack in (row for row in rows if row[0] == "differs")
    ]
    assert told == [(kind, lines.partition("\n")[0]) for kind, lines in expected]
    changed = [f"      | {row[1]}" for row in rows if row[0] == "changed"]
    assert changed == [line for line in said.splitlines() if line.startswith("      | ")]
    assert SECRET not in f"{said}{rows}"


UNDECIDED: dict[str, tuple[Callable[[Server], object], str]] = {
    "nothing": (lambda it: it.applied.unlink(), "No deployment of argoweb is live"),
    "cut off": (lambda it: (it.root / "transaction").mkdir(), "at work on this server, or was cut"),
    "at work": (lambda it: it.stub("systemctl", systemctl("true")), "at work on this server, or"),
    "no owner": (lambda it: (it.root / "owner").unlink(), "manifest is not there, or damaged"),
    "emptied": (lambda it: it.applied.write_text(""), "manifest is not there, or damaged"),
    "cut short": (
        lambda it: it.applied.write_text(it.applied.read_text()[:-4]),
        "manifest is not there, or damaged",
    ),
}


@pytest.mark.parametrize("why", UNDECIDED)
def test_of_a_server_that_is_being_changed_no_difference_is_told(server: Server, why: str) -> None:
    act, reason = UNDECIDED[why]
    server.path("argoWeb.yml").write_text("by hand\n")
    act(server)

    said, code = server.run("drift")

    assert reason in said
    assert (said.count("\n"), code) == (1, 2)
    told = [row for row in report(server) if row[0] in ("differs", "undecided")]
    assert told == [["undecided", said.rstrip("\n")]]


ANSWERS = """#!/bin/bash
case "$*" in
  *:20241/ready) echo '{"status":200,"readyConnections":4}' ;;
  *:20241/metrics)
    echo 'cloudflared_tunnel_server_locations{connection_id="0",edge_location="vie05"} 1'
    echo 'cloudflared_tunnel_server_locations{connection_id="1",edge_location="fra08"} 1'
    echo 'cloudflared_tunnel_server_locations{connection_id="1",edge_location="ams01"} 0'
    ;;
  *"--config -"*) cat ;;
esac
"""
TELLS = """#!/bin/bash
case "$*" in
  *"-p ActiveState"*) echo active ;;
  *"-p ActiveEnterTimestamp"*) echo @1790000000 ;;
  *"-p NRestarts"*) echo 2 ;;
  *"-p LoadState"*) echo loaded ;;
  "cat -- argoWeb.service") echo "ExecStart=$FOLDER/stubs/cloudflared --config /x tunnel run" ;;
  "cat -- caddy.service") echo "ExecStart=$FOLDER/stubs/caddy run" ;;
esac
"""


def test_a_server_tells_what_it_runs_since_when_and_what_its_sites_answer(server: Server) -> None:
    server.stub("cloudflared", "#!/bin/bash\necho 'cloudflared version 2026.8.2 (built)'\n")
    server.stub("caddy", "#!/bin/bash\necho 'v2.11.4 h1:x'\n")
    server.stub("curl", ANSWERS)
    server.stub("systemctl", TELLS)
    (server.folder / "systems/old/nixos-version").write_text("26.05.1\n")
    (server.folder / "profiles/system").unlink()
    (server.folder / "profiles/system-7-link").symlink_to(server.folder / "systems/old")
    (server.folder / "profiles/system").symlink_to("system-7-link")
    os.utime(server.applied, (1_780_000_000, 1_780_000_000))
    os.utime(server.folder / "profiles/system-7-link", (1_770_000_000, 1_770_000_000), follow_symlinks=False)  # fmt: skip
    answer = ["site", "0", "200", "0.012"]

    rows = report(server, "\t".join(answer) + "\n")

    system = str(server.folder / "systems/old")
    manifest = server.applied.read_text().splitlines()
    (first,) = [row for row in rows if row[0] == "system"]
    ((_, clock),) = [row for row in rows if row[0] == "clock"]
    assert abs(float(clock) - time.time()) < 3600
    assert first[:-1] == ["system", system, "26.05.1", system]
    assert float(first[-1].split()[0]) > 0
    assert [row for row in rows if row[0] not in ("clock", "system", "differs", "undecided")] == [
        ["generation", "system-7-link", "1770000000"],
        ["owner", OWNER, "1780000000"],
        *(["manifest", line] for line in manifest),
        ["unit", "argoWeb.service", "active", "1790000000", "2"],
        ["unit", "caddy.service", "active", "1790000000", "2"],
        ["cloudflared", "argoWeb.service", "4", "2026.8.2", "fra08 vie05", ""],
        ["caddy", "caddy.service", "v2.11.4"],
        answer,
    ]


def test_a_pipe_in_the_place_of_the_rules_holds_nobody_up(server: Server) -> None:
    server.stub("curl", OTHER_RULES)
    server.path("argoWeb.yml").unlink()
    os.mkfifo(server.path("argoWeb.yml"))

    said, code = server.run("drift")

    assert (said.splitlines()[0], code) == (
        f"{server.path('argoWeb.yml')}: found something else; the stack says there is one",
        1,
    )


def test_a_server_that_lacks_what_is_asked_of_it_makes_no_noise(server: Server) -> None:
    """Its errors would stand among those of the connection."""
    server.stub("curl", "#!/bin/bash\necho 'curl: (7) refused' >&2\nexit 7\n")

    ran = subprocess.run(
        ["bash", "-s"],
        input=server.placed(write_report_program()),
        env=server.environment(),
        text=True,
        capture_output=True,
        check=True,
    )

    assert ran.stderr == ""
    assert "cloudflared\targoWeb.service\t" in ran.stdout


def test_a_number_has_a_point_where_the_servers_locale_has_a_comma(
    server: Server, tmp_path: Path
) -> None:
    made = tmp_path / "locales/de_DE.UTF-8"
    made.parent.mkdir()
    words = ["localedef", "-f", "UTF-8", "-i", "de_DE", str(made)]
    if shutil.which("localedef") is None or subprocess.run(words, check=False).returncode:
        pytest.skip("NOT CHECKED: this machine has no sources of locales (Debian package locales)")

    rows = report(server, LOCPATH=str(made.parent), LC_ALL="de_DE.UTF-8")

    ((_, clock),) = [row for row in rows if row[0] == "clock"]
    assert abs(float(clock) - time.time()) < 3600
