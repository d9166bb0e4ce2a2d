"""The server program by itself: its folder is a temporary one, and what it calls on a server is put on its PATH."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.remote_programs import SERVER_PROGRAM

REMOTE = Path(__file__).resolve().parents[2] / "remote"
COMMON = (REMOTE / "common.sh").read_text()
CADDY = "".join(
    (REMOTE / name).read_text() for name in ("warnings.sh", "ports.sh", "caddy.sh", "beside.sh")
)
SYSTEMD_RUN = """#!/bin/bash
# Runs nothing: the test writes what the work on the server would.
printf '%s\\n' "$@" >"$STUBS/words"
for word in "$@"; do case $word in --property=StandardOutput=append:*) echo "${word#*append:}" >"$STUBS/log"; esac; done
"""
SYSTEMD_RUN_AT_ONCE = """#!/bin/bash
# Runs the work, and what comes after it as `ExecStopPost=` of the unit.
while [[ $1 != -- ]]; do
  case $1 in
    *=StandardOutput=append:*) log=${1#*append:} ;;
    *=ExecStopPost=*) read -ra after <<<"${1#*ExecStopPost=}" ;;
  esac
  shift
done
"${@:2}" >>"$log" 2>&1
EXIT_STATUS=$? SERVICE_RESULT=success "${after[@]}" >>"$log" 2>&1
exit 0
"""
NIXOS_REBUILD = """#!/bin/bash
# As `_build_system` of nixpkgs' nixos-rebuild: a result that was copied from the build host has no link.
echo "$*" >>"$STUBS/calls"
[[ " $* " == *" --build-host "* ]] || ln -s "$STUBS" result
"""


class Server:
    """A folder that stands for the server."""

    def __init__(self, folder: Path) -> None:
        self.root, self.stubs = folder / "root", folder / "stubs"
        self.environment = folder / "set-environment"
        self.stubs.mkdir()
        self._started: list[subprocess.Popen[str]] = []
        self.stub("systemctl", "#!/bin/sh\necho active\n")

    def stub(self, name: str, text: str) -> None:
        (self.stubs / name).write_text(text)
        (self.stubs / name).chmod(0o755)

    def local(self, program: str) -> str:
        """The program, with the places of this server."""
        for theirs, ours in {
            "ROOT=/var/lib/argoweb-deploy": f"ROOT={self.root}",
            "/etc/set-environment": str(self.environment),
            "SILENCE=20": "SILENCE=1",
            "sleep 0.5\n": "sleep 0.05\n",
        }.items():
            assert theirs in SERVER_PROGRAM
            program = program.replace(theirs, ours)
        return program

    def start(self, *words: str) -> subprocess.Popen[str]:
        surroundings = {
            **os.environ,
            "PATH": f"{self.stubs}:{os.environ['PATH']}",
            "STUBS": str(self.stubs),
            "HOME": "/home/admin",
            "SUDO_UID": "1234",
        }
        process = subprocess.Popen(
            ["bash", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=surroundings,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """Ends what is left of its programs."""
        for process in self._started:
            with process:
                process.kill()

    def call(self, text: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Shell text that uses what the parts share."""
        with self.start("-c", f"{self.local(COMMON)}\n{text}") as process:
            output, _ = process.communicate(stdin, timeout=60)
        return subprocess.CompletedProcess([], process.returncode, output)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.end()


class Work:
    """A run that the SSH session follows; the test is what works."""

    def __init__(self, server: Server, verb: str = "activate") -> None:
        server.stub("systemd-run", SYSTEMD_RUN)
        program = server.root / "staging/web1/server.sh"
        program.parent.mkdir(parents=True)
        program.write_text(server.local(SERVER_PROGRAM))
        self.session = server.start(str(program), verb)
        assert self.session.stdin is not None
        assert self.session.stdout is not None
        self.session.stdin.write("end\n")
        self.session.stdin.close()
        self.lines: Iterator[str] = iter(self.session.stdout)
        # It follows what it has started.
        while not (server.stubs / "log").exists():
            assert self.session.poll() is None
            time.sleep(0.05)
        self.folder = Path((server.stubs / "log").read_text().strip()).parent

    def ends(self, status: str) -> str:
        """What is said then, and by what exit code."""
        (self.folder / "status.new").write_text(f"{status}\n")
        (self.folder / "status.new").rename(self.folder / "status")
        rest = "".join(self.lines)
        return f"{rest}exit {self.session.wait(timeout=60)}"


def test_a_set_environment_that_fails_at_its_end_and_sets_a_umask_changes_nothing(
    server: Server,
) -> None:
    server.environment.write_text(
        "export GREETING=hello\numask 022\n[ -d /nowhere ] && export MORE=$UNSET\n"
    )

    result = server.call("echo $GREETING; umask; false; echo never")

    assert result.stdout.split() == ["hello", "0077"]
    assert result.returncode == 1


def test_a_build_that_says_nothing_is_said_to_go_on_with_its_last_line(server: Server) -> None:
    work = Work(server)
    (work.folder / "build").mkdir()
    (work.folder / "build/log").write_text(f"first\ncopying \x1b‘path~’\x7f {'x' * 300}\n")
    (work.folder / "log").write_text("[  1s] building the system\n")

    line = next(line for line in work.lines if "still building" in line)

    assert line.endswith(
        f"s] still building the system: copying path~ {'x' * (200 - len('copying path~ '))}\n"
    )
    assert work.ends("0 success").endswith("exit 0")


@pytest.mark.parametrize(("log", "told"), [(None, ""), ("first\nstarting a\n", ": starting a")])
def test_a_silent_switch_is_named_with_its_last_line(
    server: Server, log: str | None, told: str
) -> None:
    work = Work(server)
    if log:
        (work.folder / "switching.log").write_text(log)
    (work.folder / "log").write_text("[  1s] switching to the new system\n")

    assert any(
        line.endswith(f"s] still switching to the new system{told}\n") for line in work.lines
    )
    work.ends("0 success")


def test_the_work_is_at_home_with_root_and_knows_whose_sudo_it_is(server: Server) -> None:
    # So Git has root's configuration, and takes a repository of that user's.
    work = Work(server)
    work.ends("0 success")

    bash = shutil.which("bash")
    assert (server.stubs / "words").read_text().splitlines() == [
        "--quiet",
        "--collect",
        "--unit=argoweb-deploy",
        "--property=Type=exec",
        "--property=OOMPolicy=continue",
        f"--setenv=ARGOWEB_STAGING={server.root}/staging/web1",
        f"--setenv=HOME={Path('~root').expanduser()}",
        "--setenv=SUDO_UID=1234",
        f"--property=StandardOutput=append:{work.folder}/log",
        f"--property=StandardError=append:{work.folder}/log",
        f"--property=ExecStopPost={bash} {work.folder}/server.sh ended {work.folder}",
        "--",
        bash,
        f"{work.folder}/server.sh",
        "work-activate",
        str(work.folder),
    ]


@pytest.mark.parametrize(
    ("verb", "left", "state"),
    [
        ("activate", "", "STATE: no change was half done;"),
        ("activate", "transaction", "STATE: the change was cut off half-way."),
        ("activate", "owed", "which restarts them: a deployment was taken back."),
        ("deactivate", "", "STATE: the teardown was cut off. Run pulumi destroy again."),
    ],
)
def test_work_that_was_ended_from_outside_is_said_to_be_with_the_state_it_left(
    server: Server, verb: str, left: str, state: str
) -> None:
    work = Work(server, verb)
    if left:
        (server.root / left).write_text("all a deployment was taken back\n")

    said = work.ends("KILL oom-kill")

    assert "The work on this server was ended by KILL, oom-kill. Its journal: journalctl -u argoweb-deploy\n" in said  # fmt: skip
    assert state in said
    assert said.endswith("exit 1")


def test_a_build_hosts_result_is_linked_by_a_second_build_here(
    server: Server, tmp_path: Path
) -> None:
    server.stub("nixos-rebuild", NIXOS_REBUILD)

    result = server.call(
        f"SETTING[build-host]=root@builder; REBUILD_ARGS=(-L); rebuild build {tmp_path}"
    )

    assert result.returncode == 0, result.stdout
    assert (tmp_path / "result").is_symlink()
    assert (server.stubs / "calls").read_text().splitlines() == [
        "build -L --build-host root@builder",
        "build -L",
    ]


def test_a_build_without_a_result_is_no_missing_import(server: Server, tmp_path: Path) -> None:
    server.stub("nixos-rebuild", "#!/bin/sh\n")

    result = server.call(f"REBUILD_ARGS=(--no-out-link); rebuild build {tmp_path} || echo failed")

    assert "build --no-out-link ended without an error, but left no link 'result'" in result.stdout
    assert result.stdout.endswith("failed\n")


@pytest.mark.parametrize(
    "start",
    [
        "-/store/bin/caddy run --config /etc/caddy/caddy_config --adapter caddyfile --resume",
        '"/store/bin/caddy" "run" "--config" "/etc/caddy/caddy_config" "--adapter" "caddyfile"',
        "/store/bin/caddy run --adapter=caddyfile --config=/etc/caddy/caddy_config",
    ],
)
def test_the_last_lines_of_a_units_text_count(server: Server, start: str) -> None:
    unit = f"""[Service]
User=caddy
Group=caddy
SupplementaryGroups=dropped
ExecStart=/usr/bin/caddy run --environ --config /etc/caddy/Caddyfile
ExecStart=
SupplementaryGroups=
ExecStart={start}
Group=web
SupplementaryGroups=acme secrets
SupplementaryGroups=logs
"""
    text = """unit=$(cat)
for part in exec_program "exec_option config" "exec_option adapter" exec_user exec_groups; do $part <<<"$unit"; done"""

    assert server.call(text, unit).stdout.splitlines() == [
        "/store/bin/caddy",
        "/etc/caddy/caddy_config",
        "caddyfile",
        "caddy",
        "web acme secrets logs",
    ]


@pytest.mark.parametrize(
    ("binds", "interface", "refused"),
    [
        ("127.0.0.1 ::1", "eth0", True),
        ("127.0.0.1", "eth0", False),
        ("127.0.0.1 ::1", "lo", False),
    ],
)
def test_caddy_may_not_listen_on_ipv6_where_the_server_has_none(
    server: Server, tmp_path: Path, binds: str, interface: str, refused: bool
) -> None:
    interfaces, own = tmp_path / "if_inet6", tmp_path / "argoWeb.caddy"
    interfaces.write_text(f"{1:032x} 01 80 10 80 {interface:>8}\n")
    own.write_text(f"http://:8080 {{\n\tbind {binds}\n}}\n")
    (tmp_path / "candidate").mkdir()
    # `validate` gets the configuration on standard input, and whoever writes to it must not be cut off.
    stub = "#!/bin/sh\ncase $* in *validate*) cat >/dev/null ;; esac\necho argoweb-probe.invalid\n"
    server.stub("systemd-run", stub)
    caddy = CADDY.replace("/proc/net/if_inet6", str(interfaces))
    assert caddy != CADDY

    result = server.call(
        f"WORK={tmp_path}; SETTING[config-dir]=/etc/caddy; FILE_PATH[argoWeb.caddy]={own}; {caddy}\n"
        f"validate_caddy $'[Service]\\nExecStart=/bin/caddy run --config {own}' ''"
    )

    assert ("set argoweb:caddy.bind to 127.0.0.1" in result.stdout) == refused
    assert result.returncode == refused, result.stdout


@pytest.mark.parametrize("hidden", ["ProtectHome=true", "ProtectHome=tmpfs"])
def test_caddy_is_checked_with_the_homes_that_its_unit_sees(
    server: Server, tmp_path: Path, hidden: str
) -> None:
    result = server.call(
        f"WORK={tmp_path}; SETTING[config-dir]=/etc/caddy; {CADDY}\n"
        f"read_surroundings $'[Service]\\nUser=root\\n{hidden}'; printf '%s\\n' \"${{SURROUNDINGS[@]}}\""
    )

    assert f"--property={hidden}" in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "config", "adapter"),
    [
        ("", "/own/argoWeb.caddy", "caddyfile"),
        ("--config /own/argoWeb.caddy", "/own/argoWeb.caddy", "caddyfile"),
        ("--config /etc/Caddyfile.prod", "/etc/Caddyfile.prod", "caddyfile"),
        ("--config /etc/shop.caddyfile", "/etc/shop.caddyfile", "caddyfile"),
        ("--config /etc/caddy.json", "/etc/caddy.json", ""),
        ("--config /etc/caddy.yaml --adapter yaml", "/etc/caddy.yaml", "yaml"),
    ],
)
def test_caddy_runs_the_file_of_its_unit_and_ours_where_it_names_none(
    server: Server, words: str, config: str, adapter: str
) -> None:
    result = server.call(
        f"FILE_PATH[argoWeb.caddy]=/own/argoWeb.caddy; {CADDY}\n"
        f"read_surroundings $'[Service]\\nExecStart=/bin/caddy run {words}'\n"
        'echo "$PROGRAM_OF_CADDY|$CONFIG|$ADAPTER"'
    )

    assert result.stdout == f"/bin/caddy|{config}|{adapter}\n"


def staged(server: Server, name: str) -> Path:
    """The staging folder of a deployment that has sent the server program."""
    folder = server.root / "staging" / name
    folder.mkdir(parents=True)
    (folder / "server.sh").write_text(server.local(SERVER_PROGRAM))
    return folder


def test_a_server_that_a_newer_deployment_has_taken_is_left_alone_and_the_teardown_succeeds(
    server: Server,
) -> None:
    server.stub("systemd-run", SYSTEMD_RUN_AT_ONCE)
    old, new = staged(server, "old"), staged(server, "new")
    live = "owner argoweb/prod/new root@192.0.2.1:22\nend\n"
    (server.root / "manifest").write_text(live)

    manifest = "owner argoweb/prod/old root@192.0.2.1:22\ncaddy-unit caddy\nend\n"
    with server.start(str(old / "server.sh"), "deactivate") as teardown:
        said, _ = teardown.communicate(manifest, 60)

    assert "this server belongs to 'argoweb/prod/new root@192.0.2.1:22': left alone" in said
    assert teardown.returncode == 0
    assert not old.exists()
    assert (new / "server.sh").exists()
    assert (server.root / "manifest").read_text() == live


def test_what_another_deployment_has_sent_survives_the_teardown_of_the_one_before_it(
    server: Server,
) -> None:
    server.stub("systemd-run", SYSTEMD_RUN_AT_ONCE)
    ours, theirs = staged(server, "ours"), staged(server, "theirs")
    (server.root / "runs/dead").mkdir(parents=True)

    with server.start(str(ours / "server.sh"), "deactivate") as teardown:
        said, _ = teardown.communicate("owner argoweb/prod/ours a:22\nend\n", 60)

    assert teardown.returncode == 0, said
    assert [path for path in server.root.rglob("*") if path.is_file()] == [theirs / "server.sh"]
    assert not (server.root / "runs").exists()


def test_what_was_sent_under_another_name_ends_with_the_teardown_of_its_set(server: Server) -> None:
    server.stub("systemd-run", SYSTEMD_RUN_AT_ONCE)
    names = ("new-0a1b2c3d", "old-0a1b2c3d", "other-99999999")
    ours, before, theirs = (staged(server, name) for name in names)
    for ended in (before, theirs):
        (ended / "ended").touch()

    with server.start(str(ours / "server.sh"), "deactivate") as teardown:
        said, _ = teardown.communicate("owner argoweb/prod/new a:22 0a1b2c3d\nend\n", 60)

    assert teardown.returncode == 0, said
    assert [*(server.root / "staging").iterdir()] == [theirs]


def test_a_teardown_that_waited_for_another_one_finds_nothing_left_and_succeeds(
    server: Server,
) -> None:
    first = Work(server, "deactivate")
    busy = server.stubs / "busy"
    busy.touch()
    head, rest = SYSTEMD_RUN_AT_ONCE.split("\n", 1)
    server.stub("systemd-run", f"{head}\nif [[ -e {busy} ]]; then exit 1; fi\n{rest}")
    second = server.start(str(server.root / "staging/web1/server.sh"), "deactivate")
    assert second.stdin is not None
    assert second.stdout is not None
    second.stdin.write("owner argoweb/prod/web1 a:22\nend\n")
    second.stdin.close()
    assert "another deployment is at work" in second.stdout.readline()

    *before, last = first.ends("0 success").splitlines()
    assert last == "exit 0"
    assert all(line.endswith("still at work") for line in before), "on a slow machine"
    busy.unlink()
    said = second.stdout.read()

    assert second.wait(timeout=60) == 0, said
    assert said.endswith("done: nothing of argoweb was live here\n")
    assert not server.root.exists()


def test_a_manifest_that_did_not_come_whole_begins_nothing(server: Server) -> None:
    program = staged(server, "web1") / "server.sh"

    with server.start(str(program), "activate") as session:
        said, _ = session.communicate("owner argoweb/prod/web1 a:22\n", 60)

    assert session.returncode == 1
    assert said == (
        "argoweb: the connection broke before all of the manifest was here. Run the same command again.\n"
        "STATE: nothing was changed on this server; it runs what it ran before.\n"
    )
    assert not [*(server.root / "runs").iterdir()]


def test_a_unit_that_systemd_does_not_start_is_tried_ten_times(server: Server) -> None:
    tried = server.stubs / "tried"
    server.stub("systemctl", "#!/bin/sh\necho inactive\n")
    server.stub("systemd-run", f"#!/bin/sh\necho >>{tried}\necho 'Unit is masked.' >&2\nexit 1\n")
    program = staged(server, "web1") / "server.sh"

    with server.start(str(program), "activate") as session:
        said, _ = session.communicate("end\n", 60)

    assert session.returncode == 1
    assert said == (
        "Unit is masked.\nSTATE: nothing was changed on this server; it runs what it ran before.\n"
    )
    assert len(tried.read_text()) == 10


def test_what_runs_of_more_than_a_day_ago_left_goes(server: Server) -> None:
    old, new = server.root / "runs/old", server.root / "runs/new"
    for folder, age in ((old, 25), (new, 23)):
        folder.mkdir(parents=True)
        then = time.time() - age * 3600
        os.utime(folder, (then, then))

    Work(server).ends("0 success")

    assert [*(server.root / "runs").iterdir()] == [new]
