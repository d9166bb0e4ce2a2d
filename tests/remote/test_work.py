"""The work on a server by itself: real files below a temporary folder; systemd, Nix and the switch are stubs there."""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from components.remote_programs import SERVER_PROGRAM
from tests.codes import note_warnings

SYSTEMCTL = """#!/bin/bash
echo "systemctl $*" >>$FOLDER/calls
there() { CONDITION; }
load() { if there "$1"; then echo loaded; else echo not-found; fi; }
active() { if there "$1"; then echo active; else echo inactive; fi; }
case "$*" in
  "show -p LoadState --value "*) load "$5" ;;
  "show -p LoadState -p ActiveState -p InvocationID -- "*)
    for unit in "${@:9}"; do
      printf '\\nLoadState=%s\\nActiveState=%s\\nInvocationID=same\\n' "$(load "$unit")" "$(active "$unit")"
    done | tail -n +2
    ;;
  is-active*) active "$2" ;;
  "cat -- caddy.service") echo "ExecStart=/bin/caddy run --config /etc/caddy/Caddyfile" ;;
  "cat -- "*) echo "No files found for $3." >&2; exit 1 ;;
  restart*|start*|reload-or-restart*) there "$2" ;;
esac
"""
BUT_OURS_IN_ANOTHER_SYSTEM = "[[ -e $FOLDER/current/argoWeb || $1 != argoWeb* ]]"
IN_THE_NEW_SYSTEM = "[[ $(readlink $FOLDER/current) == */new ]]"


def systemctl(there: str = BUT_OURS_IN_ANOTHER_SYSTEM) -> str:
    """One that knows the units for which a condition of bash holds, and has them all running."""
    return SYSTEMCTL.replace("CONDITION", there)


SYSTEMD_RUN = """#!/bin/bash
echo '{"apps":{}}'
"""
"""What Caddy makes of its file, and what it says that it runs."""
NIX_ENV = """#!/bin/bash
ln -sfn "${@: -1}" "$2"
"""
NIXOS_REBUILD = """#!/bin/bash
ln -sfn $FOLDER/systems/without result
"""
SWITCH = """#!/bin/bash
echo "switch {name} $1" >>$FOLDER/calls
if [[ -e $FOLDER/fail-$1 ]]; then echo "${{LOCKED:-Could not acquire lock}}" >&2; exit 11; fi
if [[ $1 == test ]]; then ln -sfn $FOLDER/systems/{name} $FOLDER/current; fi
"""
REFUSE = "#!/bin/bash\necho '(the validation refuses)'\nexit 1\n"
ACCEPT = "#!/bin/bash\n"
LISTENING = "/proc/net/tcp /proc/net/tcp6"
"""Where the machine says what listens; that of the tests has other things to do."""
_COMPLAINT = re.compile(r"^\w+: .*[Nn]o such (file|process|user)|^Failed to ", re.MULTILINE)
Files = dict[str, str]
LIVE: Files = {"argoWeb.yml": "old yml\n", "argoWeb.caddy": "old\n", "argoWeb.nix": "{ }\n"}


def credentials(secret: str, tunnel: str = "one") -> str:
    return json.dumps({"AccountTag": "a", "TunnelSecret": secret, "TunnelID": tunnel})


class Server:
    """A server with a deployment that is live."""

    patience = 15

    def __init__(self, folder: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip(
                "NOT CHECKED: the server's program gives files to other users, which takes root"
            )
        self.folder, self.root, self.stubs = folder, folder / "deploy", folder / "stubs"
        self.access: dict[str, str] = {}
        """The mode and the owner of each file that is not everybody's to read."""
        self.config, self.data = folder / "caddy", folder / "data"
        for each in (self.root / "staging/web1", self.stubs, self.config, self.data):
            each.mkdir(parents=True)
        for name in ("old", "new", "without"):
            system = folder / "systems" / name
            (system / "bin").mkdir(parents=True)
            self._program(system / "bin/switch-to-configuration", SWITCH.format(name=name))
            if name != "without":
                (system / "argoWeb").touch()
        (folder / "profiles").mkdir()
        (folder / "switches").mkdir()
        for link in ("current", "profiles/system"):
            (folder / link).symlink_to(folder / "systems/old")
        self.boot = folder / "boot_id"
        self.boot.write_text("first\n")
        self._places = {
            "/var/lib/argoweb-deploy": str(self.root),
            "PROFILES=/nix/var/nix/profiles": f"PROFILES={folder / 'profiles'}",
            "SWITCHES=/run/nixos": f"SWITCHES={folder / 'switches'}",
            "/run/current-system": str(folder / "current"),
            "/proc/sys/kernel/random/boot_id": str(self.boot),
            "/etc/set-environment": str(folder / "none"),
            LISTENING: str(folder / "unheard"),
            "SWITCH_WAIT=300": "SWITCH_WAIT=1",
            "SETTLE=2": "SETTLE=0",
            "sleep 2\n": "sleep 0.4\n",
            "sleep 0.3\n": "sleep 0.05\n",
        }
        assert [theirs for theirs in self._places if theirs not in SERVER_PROGRAM] == []
        self.program = self.root / "staging/web1/server.sh"
        self.program.write_text(self.placed(SERVER_PROGRAM))
        self.stub("systemctl", systemctl())
        self.stub("systemd-run", SYSTEMD_RUN)
        self.stub("nix-env", NIX_ENV)
        self.stub("nixos-rebuild", NIXOS_REBUILD)
        for name in ("curl", "journalctl", "unshare"):
            self.stub(name, ACCEPT)
        for name, text in LIVE.items():
            self.path(name).write_text(text)
            self.path(name).chmod(0o644)
        self.applied = self.root / "manifest"
        self.applied.write_text(self.manifest(LIVE))

    def gives_up_soon(self) -> None:
        """Neither what is new nor what it goes back to is waited for longer than a second."""
        self.patience = 1
        self.applied.write_text(self.manifest(LIVE))

    def stub(self, name: str, text: str) -> None:
        self._program(self.stubs / name, text)

    def _program(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def path(self, name: str) -> Path:
        return (self.data if name == "credentials" else self.config) / name

    def live(self, name: str) -> str:
        return self.path(name).read_text()

    def link(self, name: str) -> str:
        """The system to which `current` or `profiles/system`, the boot default, leads."""
        return (self.folder / name).readlink().name

    def manifest(self, files: Files, *lines: str) -> str:
        entries = [
            f"file {name} {self.access.get(name, '644 root:root')} "
            f"{hashlib.sha256(text.encode()).hexdigest()} {self.path(name)}"
            for name, text in files.items()
        ]
        head = [
            "owner project/stack/web1 root@192.0.2.1:22",
            f"config-dir {self.config}",
            f"data-dir {self.data}",
            "caddy-unit caddy",
            "proxy-group caddyProxy",
            "instance argoWeb.service 127.0.0.1:20241",
            "tunnel-secret made",
            f"health-timeout {self.patience}",
        ]
        return "\n".join([*head, *lines, *entries, "end"]) + "\n"

    def work(self, verb: str, files: Files, *lines: str) -> tuple[str, int]:
        """Does the work of an activation or a teardown; what it said, and its exit code."""
        for name, text in files.items():
            (self.program.parent / name).write_text(text)
        run = self.root / "runs" / f"{len([*self.root.glob('runs/*')])}"
        run.mkdir(parents=True)
        (run / "manifest").write_text(self.manifest(files, *lines))
        return self.run(f"work-{verb}", str(run))

    def run(self, *words: str) -> tuple[str, int]:
        result = subprocess.run(
            ["bash", self.program, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
            env=self.environment(),
        )
        assert "server.sh: line " not in result.stdout, "bash itself complains"
        assert not _COMPLAINT.search(result.stdout), "a program does, of what need not be there"
        if words[0].startswith("work-") and result.returncode >= 0:
            self._check_its_end(result.stdout, result.returncode)
        return note_warnings(result.stdout), result.returncode

    def _check_its_end(self, said: str, code: int) -> None:
        assert code in {0, 1}
        states = ["STATE: " in line for line in said.splitlines()]
        assert not any(states[:-1]), "a state is told before the end"
        assert not code or states[-1], "no state is told"
        left = [
            *self.root.glob("transaction.*"),
            *self.root.glob("*.new"),
            *self.config.glob(".argoweb-*"),
            *self.config.glob("*.new"),
            *self.data.glob(".argoweb-*"),
        ]
        assert not left or (self.root / "transaction").exists()

    def placed(self, program: str) -> str:
        """A program of ours, with the places of this server."""
        for theirs, ours in self._places.items():
            program = program.replace(theirs, ours)
        return program

    def environment(self) -> dict[str, str]:
        """What a program of ours finds here."""
        return {
            **os.environ,
            "PATH": f"{self.stubs}:{os.environ['PATH']}",
            "FOLDER": str(self.folder),
            "ARGOWEB_STAGING": str(self.program.parent),
        }

    def calls(self) -> list[str]:
        """What was asked of systemd and of the systems since the last time, without questions."""
        log = self.folder / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        questions = (" show ", " is-active ", " cat ")
        return [each for each in lines if not any(word in each for word in questions)]

    def was_killed_after_its_switch(self, files: Files) -> None:
        """Leaves what a run leaves that was killed when the new system was the boot default."""
        transaction = self.root / "transaction"
        transaction.mkdir()
        paths = [self.path(name) for name in files]
        for index, (path, text) in enumerate(zip(paths, files.values(), strict=True)):
            (transaction / str(index)).write_text(path.read_text())
            (transaction / str(index)).chmod(0o644)
            path.write_text(text)
        (transaction / "paths").write_text("".join(f"{path}\n" for path in paths))
        for name, value in {
            "system": "old",
            "profile": "old",
            "new": "new",
            "next": "new",
            "proved": "new",
        }.items():
            (transaction / name).write_text(f"{self.folder}/systems/{value}\n")
        (transaction / "boot").write_text(self.boot.read_text())
        (transaction / "server.sh").write_text(self.program.read_text())
        for link in ("current", "profiles/system"):
            (self.folder / link).unlink()
            (self.folder / link).symlink_to(self.folder / "systems/new")


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_what_a_power_loss_left_of_an_ended_transaction_does_not_keep_the_next_one_open(
    server: Server,
) -> None:
    left = server.root / "transaction.done/0"
    left.parent.mkdir()
    left.write_text("an older file\n")

    said, code = server.work("activate", {**LIVE, "argoWeb.yml": "new yml\n"})
    server.boot.write_text("second\n")
    at_boot = server.run("recover")

    assert code == 0, said
    assert at_boot == ("", 0)
    assert server.live("argoWeb.yml") == "new yml\n"


def test_each_file_gets_its_owner_and_mode_and_the_secret_is_in_one_place(server: Server) -> None:
    server.access["credentials"] = "600 daemon:daemon"
    server.data.rmdir()
    secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQ="
    files = {**LIVE, "argoWeb.yml": "new yml\n", "credentials": credentials(secret)}

    said, code = server.work("activate", files)
    run = server.root / "runs/0"
    (run / "log").write_text("its log\n")
    server.run("ended", str(run))

    assert code == 0, said
    assert "uid=" not in said
    live = server.path("credentials")
    assert (live.owner(), live.group(), live.stat().st_mode & 0o777) == ("daemon", "daemon", 0o600)
    assert (server.data.stat().st_mode & 0o777) == 0o755, "systemd-tmpfiles makes it narrower"
    yml = server.path("argoWeb.yml")
    assert (yml.owner(), yml.group(), yml.stat().st_mode & 0o777) == ("root", "root", 0o644)
    words = ["grep", "-rlF", "-e", secret, str(server.folder)]
    found = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert found.splitlines() == [str(live)]
    assert (server.root / "manifest").stat().st_mode & 0o777 == 0o600
    assert ((run / "status").read_text(), (server.root / "log").read_text()) == (" \n", "its log\n")
    assert "nothing to do" in server.work("activate", files)[0]


ROTATED = {**LIVE, "credentials": credentials("new")}


@pytest.mark.parametrize(
    ("program", "state"),
    [
        ("curl", "the server serves what it served before with the tunnel's new secret."),
        ("unshare", "restarts them: the tunnel has a new secret."),
    ],
)
def test_a_new_secret_of_the_tunnel_stays_when_its_deployment_fails(
    server: Server, program: str, state: str
) -> None:
    server.path("credentials").write_text(credentials("old"))
    # Without the URL the health check is content.
    server.stub(program, '#!/bin/bash\nif [[ "$*" == *unshare* || "$*" != *ready* ]]; then exit 1; fi\n')  # fmt: skip

    said, code = server.work(
        "activate",
        {**ROTATED, "argoWeb.yml": "new yml\n"},
        "health-url http://127.0.0.1/",
        "health-timeout 1",
    )

    assert code == 1
    assert state in said
    assert server.live("argoWeb.yml") == "old yml\n"
    assert server.live("credentials") == credentials("new")


def test_units_that_run_with_an_old_secret_are_restarted_by_the_next_deployment(
    server: Server,
) -> None:
    server.path("credentials").write_text(credentials("old"))
    server.stub("unshare", REFUSE)
    server.work("activate", {**ROTATED, "argoWeb.yml": "bad yml\n"})
    server.calls()

    said, code = server.work("activate", ROTATED)

    assert "plan: restart argoWeb (the tunnel has a new secret)" in said
    assert code == 0, said
    assert "systemctl restart argoWeb.service" in server.calls()
    assert "nothing to do" in server.work("activate", ROTATED)[0]


@pytest.mark.parametrize(
    ("new", "lines"),
    [
        (credentials("new", tunnel="two"), ()),
        (credentials("new"), ("tunnel-secret imported",)),
    ],
)
def test_credentials_that_cloudflare_did_not_make_worthless_come_back(
    server: Server, new: str, lines: tuple[str, ...]
) -> None:
    server.path("credentials").write_text(credentials("old"))
    server.stub("curl", "#!/bin/bash\nexit 1\n")
    server.gives_up_soon()

    said, code = server.work("activate", {**LIVE, "credentials": new}, *lines)

    assert code == 1, said
    assert server.live("credentials") == credentials("old")


def test_a_configuration_folder_that_is_a_link_is_validated_in_a_copy(server: Server) -> None:
    server.config.rename(server.folder / "persist")
    server.config.symlink_to(server.folder / "persist")
    server.stub("unshare", REFUSE)

    said, code = server.work("activate", {**LIVE, "argoWeb.yml": "bad yml\n"})

    assert code == 1
    assert said.endswith("STATE: nothing was changed on this server; it runs what it ran before.\n")
    assert server.live("argoWeb.yml") == "old yml\n"


def test_an_undone_run_leaves_the_old_boot_default_and_its_restarts_also_when_the_next_run_is_refused(
    server: Server,
) -> None:
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    server.stub("unshare", REFUSE)

    refused, _ = server.work("activate", {**LIVE, "argoWeb.caddy": "bad\n"})

    assert "restarts them: an unfinished deployment was undone." in refused
    assert (server.link("current"), server.link("profiles/system")) == ("old", "old")
    assert "switch old boot" in server.calls()

    said, code = server.work("activate", LIVE)

    assert code == 0, said
    assert {"systemctl restart argoWeb.service", "systemctl reload-or-restart caddy.service"} == {
        *server.calls()
    }


def test_a_switch_of_somebody_else_undoes_nothing_and_a_boot_undoes_a_killed_run(
    server: Server,
) -> None:
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    (server.folder / "current").unlink()
    (server.folder / "current").symlink_to(server.folder / "systems/old")

    assert server.run("recover") == ("", 0)
    assert server.live("argoWeb.yml") == "new yml\n"

    server.boot.write_text("second\n")
    assert "an unfinished deployment was undone" in server.run("recover")[0]
    assert server.live("argoWeb.yml") == "old yml\n"


def test_a_file_of_which_only_the_mode_was_changed_is_put_back_too(server: Server) -> None:
    server.was_killed_after_its_switch(
        {"argoWeb.yml": LIVE["argoWeb.yml"], "argoWeb.caddy": "new\n"}
    )
    server.path("argoWeb.yml").chmod(0o600)

    said, code = server.work("activate", LIVE)

    assert code == 0, said
    assert server.path("argoWeb.yml").stat().st_mode & 0o777 == 0o644
    assert "plan: restart argoWeb, reload caddy (an unfinished deployment was undone)" in said


def test_a_file_that_a_killed_run_was_writing_goes_with_what_is_undone_and_with_a_teardown(
    server: Server,
) -> None:
    files = {**LIVE, "credentials": credentials("one")}
    server.path("credentials").write_text(files["credentials"])
    half = server.data / ".argoweb-new"
    half.write_text(credentials("two"))
    server.was_killed_after_its_switch({"credentials": credentials("two")})

    server.work("activate", files)
    assert not half.exists()

    half.write_text(credentials("three"))
    said, code = server.work("deactivate", files)
    assert code == 0, said
    assert not server.data.exists()


def test_a_system_that_cannot_be_switched_back_is_said_to_be_there_and_the_next_run_does_it(
    server: Server,
) -> None:
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    (server.folder / "fail-test").touch()

    said, code = server.work("activate", LIVE)

    assert code == 1
    assert "Could not acquire lock" in said
    assert "not everything of the old one could be put back" in said
    assert server.calls().count("switch old test") > 2, "it waits for the other switch"

    (server.folder / "fail-test").unlink()
    said, code = server.work("activate", LIVE)
    assert code == 0, said
    assert (server.link("current"), server.link("profiles/system")) == ("old", "old")


def test_a_rollback_asks_the_old_caddy_and_not_the_new_one(server: Server) -> None:
    server.work("activate", LIVE)
    server.stub("curl", '#!/bin/bash\n[[ "$*" == *ready* ]]\n')
    server.stub("systemctl", systemctl() + '[[ "$*" != *reload-or-restart?web.service ]]\n')

    said, code = server.work(
        "activate",
        {**LIVE, "argoWeb.caddy": "new\n"},
        "caddy-unit web",
        "health-url http://127.0.0.1/",
        "health-timeout 1",
    )

    assert code == 1
    assert "the server serves what it served before." in said
    assert server.calls()[-1] == "systemctl reload-or-restart caddy.service"
    assert not (server.root / "transaction").exists()


def test_a_teardown_after_one_whose_boot_loader_step_failed_does_that_step(server: Server) -> None:
    (server.folder / "fail-boot").touch()

    said, code = server.work("deactivate", LIVE)
    assert code == 1
    assert "the boot default still contains the unit argoWeb. Run pulumi destroy again." in said

    (server.folder / "fail-boot").unlink()
    server.calls()
    said, code = server.work("deactivate", LIVE)
    assert code == 0, said
    assert "switch without boot" in server.calls()
    assert "argoweb was here" in server.live("argoWeb.nix")
    assert not server.path("argoWeb.yml").exists()


def test_a_teardown_leaves_what_was_there_before_the_first_activation_which_failed(
    server: Server,
) -> None:
    server.applied.unlink()
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})

    said, code = server.work("deactivate", {})

    assert code == 0, said
    assert "done: nothing of argoweb was live here" in said
    assert {name: server.live(name) for name in LIVE} == LIVE
    assert (server.link("current"), server.link("profiles/system")) == ("old", "old")


def test_a_teardown_finds_what_a_first_activation_left_that_was_killed_at_its_last_step(
    server: Server,
) -> None:
    server.applied.rename(server.root / "manifest.new")

    said, code = server.work("deactivate", {})

    assert code == 0, said
    assert "systemctl stop argoWeb.service" in server.calls()
    assert not server.path("argoWeb.yml").exists()


BUILD = "#!/bin/bash\nln -sfn $FOLDER/systems/new $FOLDER/deploy/runs/current/build/result\n"
"""What the validation leaves when it has built the new system."""


def loses_power_while_the_boot_loader_is_written(server: Server, files: Files) -> None:
    """The server is up again, in the new system."""
    server.stub("unshare", BUILD)
    switch = server.folder / "systems/new/bin/switch-to-configuration"
    written = switch.read_text()
    switch.write_text(f"{written}\nif [[ $1 == boot ]]; then kill -9 $(ps -o ppid= $PPID); fi\n")
    _, code = server.work("activate", files)
    assert code == -9
    switch.write_text(written)
    server.boot.write_text("second\n")
    said, _ = server.run("recover")
    assert "an unfinished deployment is kept" in said


def test_a_teardown_takes_all_of_a_first_activation_that_a_power_loss_cut_at_the_boot_loader(
    server: Server,
) -> None:
    server.applied.unlink()
    for name in LIVE:
        server.path(name).unlink()
    loses_power_while_the_boot_loader_is_written(
        server, {**LIVE, "credentials": credentials("one")}
    )

    said, code = server.work("deactivate", {})

    assert code == 0, said
    assert "systemctl stop argoWeb.service" in server.calls()
    assert not server.path("argoWeb.yml").exists()
    assert not server.path("credentials").exists()


def test_a_teardown_takes_the_credentials_of_the_tunnel_with_which_a_power_loss_came(
    server: Server,
) -> None:
    server.work("activate", {**LIVE, "credentials": credentials("a", "one")})
    one, two = server.data / "credentials", server.data / "two/credentials"
    server.data = two.parent
    new = {**LIVE, "argoWeb.nix": "{ new = 1; }\n", "credentials": credentials("b", "two")}
    loses_power_while_the_boot_loader_is_written(server, new)
    assert two.exists()

    said, code = server.work("deactivate", {})

    assert code == 0, said
    assert not two.exists()
    assert not one.exists()


def test_a_manifest_of_which_a_power_loss_left_a_part_is_not_taken(server: Server) -> None:
    (server.root / "manifest.new").write_text("owner project/sta")

    said, code = server.work("deactivate", {})

    assert code == 0, said
    assert "systemctl stop argoWeb.service" in server.calls()
    assert not server.path("argoWeb.yml").exists()


def test_the_teardown_of_a_deployment_that_never_went_live_leaves_that_of_another_one(
    server: Server,
) -> None:
    live = server.applied.read_text()
    server.applied.write_text(live.replace("owner project/", "owner other/"))

    said, code = server.work("deactivate", {})

    assert code == 0
    assert "belongs to 'other/stack/web1 root@192.0.2.1:22': left alone" in said
    assert {name: server.live(name) for name in LIVE} == LIVE
    assert server.calls() == []


UPLINK = """
case "$*" in
  "reload-or-restart caddy.service") cp $FOLDER/caddy/argoWeb.caddy $FOLDER/caddy-runs ;;
  restart*|start*) [[ -e $FOLDER/online ]] ;;
esac
"""


def test_caddy_goes_back_also_when_the_tunnel_does_not_and_the_next_run_restarts_what_did_not(
    server: Server,
) -> None:
    online, running = server.folder / "online", server.folder / "caddy-runs"
    online.touch()
    server.stub("systemctl", systemctl() + UPLINK)
    # It goes away once the new configuration is asked for its health.
    server.stub("curl", "#!/bin/bash\nrm -f $FOLDER/online\nexit 1\n")

    said, code = server.work(
        "activate",
        {**LIVE, "argoWeb.yml": "new yml\n", "argoWeb.caddy": "new\n"},
        "health-timeout 1",
    )

    assert code == 1
    assert "the old one is not healthy either" in said
    assert running.read_text() == LIVE["argoWeb.caddy"]

    online.touch()
    server.stub("curl", ACCEPT)
    server.calls()
    said, code = server.work("activate", LIVE)

    assert code == 0, said
    assert "plan: restart argoWeb, reload caddy (a deployment was taken back)" in said
    assert "systemctl restart argoWeb.service" in server.calls()


def test_a_server_that_had_no_caddy_and_one_cloudflared_is_asked_for_that_one_after_a_rollback(
    server: Server,
) -> None:
    server.applied.unlink()
    server.path("argoWeb.nix").unlink()
    server.stub("unshare", BUILD)
    server.stub("curl", '#!/bin/bash\n[[ "$*" == *ready* ]]\n')
    server.stub("systemctl", systemctl(f"[[ $1 == argoWeb.service ]] || {IN_THE_NEW_SYSTEM}"))

    said, code = server.work(
        "activate",
        {**LIVE, "argoWeb.yml": "new yml\n"},
        "instance argoWeb-2.service 127.0.0.1:20242",
        "health-timeout 1",
        "health-url http://127.0.0.1/",
    )

    assert code == 1
    assert said.endswith("taken back; the server serves what it served before.\n")
    assert server.link("current") == "old"
    assert server.live("argoWeb.yml") == "old yml\n"


@pytest.mark.parametrize("module", ["", "argoWeb-recover.service"])
@pytest.mark.parametrize("flake", [False, True])
def test_a_unit_of_our_name_that_our_module_did_not_make_is_no_import(
    server: Server, module: str, flake: bool
) -> None:
    units = server.folder / "systems/new/etc/systemd/system"
    units.mkdir(parents=True)
    other = "/etc/elsewhere" if module else server.config
    (units / "argoWeb.service").write_text(
        f"[Service]\nExecStart=/bin/cloudflared --config {other}/argoWeb.yml tunnel run\n"
    )
    if module:
        (units / module).write_text("[Service]\n")
    (server.stubs / "unshare").unlink()
    server.stub("nixos-rebuild", "#!/bin/bash\nln -sfn $FOLDER/systems/new result\n")

    said, code = server.work(
        "activate",
        {**LIVE, "argoWeb.nix": "{ new = 1; }\n"},
        *(["flake /etc/nixos#web1"] if flake else []),
    )

    assert code == 1
    assert "does not import ours. Put it into its list of imports once" in said
    ours = f"{server.config}/argoWeb.nix"
    line = ours if flake else f"(if builtins.pathExists {ours} then {ours} else {{ }})"
    assert f"\n    imports = [ ./hardware-configuration.nix {line} ];\n" in said
    assert server.live("argoWeb.nix") == LIVE["argoWeb.nix"]


INSTALL = """#!/bin/bash
if [[ ${@: -1} == */.argoweb-new ]]; then echo "No space left on device" >&2; exit 1; fi
exec /usr/bin/install "$@"
"""


def test_a_rollback_after_an_unforeseen_error_asks_for_the_health_of_the_old_one(
    server: Server,
) -> None:
    server.stub("install", INSTALL)

    said, code = server.work("activate", {**LIVE, "argoWeb.yml": "new yml\n"})

    assert code == 1
    assert said.endswith("taken back; the server serves what it served before.\n")
    assert not (server.root / "owed").exists()


def test_a_boot_loader_that_cannot_be_set_back_is_said_and_set_back_by_the_next_run(
    server: Server,
) -> None:
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n", "argoWeb.caddy": "new\n"})
    (server.folder / "fail-boot").touch()

    said, code = server.work("activate", LIVE)

    assert code == 1
    assert "serves what it served before. The boot default could not be set back" in said
    assert {"systemctl restart argoWeb.service", "systemctl reload-or-restart caddy.service"} <= {
        *server.calls()
    }

    (server.folder / "fail-boot").unlink()
    said, code = server.work("activate", LIVE)

    assert code == 0, said
    assert "switch old boot" in server.calls()


def test_a_rollback_that_has_no_unit_forgets_no_failure_of_the_server(server: Server) -> None:
    server.applied.unlink()
    server.stub("unshare", BUILD)
    server.stub("curl", "#!/bin/bash\nexit 1\n")
    server.stub("systemctl", systemctl(IN_THE_NEW_SYSTEM))

    said, code = server.work(
        "activate", {**LIVE, "argoWeb.nix": "{ new = 1; }\n"}, "health-timeout 1"
    )

    assert code == 1
    assert said.endswith("the server has no tunnel, as before this run.\n")
    assert [call for call in server.calls() if "reset-failed" in call] == []


def test_a_teardown_that_leaves_a_server_alone_undoes_what_a_killed_run_left_there(
    server: Server,
) -> None:
    live = server.applied.read_text()
    server.applied.write_text(live.replace("owner project/", "owner other/"))
    server.stub("systemctl", systemctl("[[ $1 != argoWeb-2.service ]]"))
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})

    said, code = server.work("deactivate", {}, "instance argoWeb-2.service 127.0.0.1:20242")

    assert code == 0, said
    assert "left alone" in said
    assert server.live("argoWeb.yml") == LIVE["argoWeb.yml"]
    assert server.link("current") == "old"
    assert server.calls().count("systemctl restart argoWeb.service") == 1
    assert not (server.root / "owed").exists()


def steps(said: str) -> list[str]:
    """What is said to be done, in its order."""
    return re.findall(r"^\[ *\d+s\] (.*)$", said, re.MULTILINE)


NEW_MODULE: Files = {**LIVE, "argoWeb.nix": "{ new = 1; }\n"}
WAITING = "waiting until cloudflared is connected and Caddy runs (at most 15 s)"
DONE = "done: the tunnel is connected and serves this configuration"


def test_each_run_says_its_steps_one_that_changes_nothing_too(server: Server) -> None:
    server.stub("unshare", BUILD)

    assert steps(server.work("activate", NEW_MODULE)[0]) == [
        "plan: rebuild NixOS (argoWeb.nix)",
        "switching to the new system",
        WAITING,
        "making the new system the boot default",
        DONE,
    ]
    assert steps(server.work("activate", NEW_MODULE)[0]) == [
        "plan: nothing to do, the server has all of it",
        WAITING,
        DONE,
    ]
    assert steps(server.work("deactivate", {})[0]) == [
        "stopping argoWeb",
        "rebuilding NixOS without the module",
        "reloading caddy",
        "done: no service, no configuration and no secret of argoweb is left",
    ]


def test_a_run_that_fails_says_its_steps_and_those_of_its_way_back(server: Server) -> None:
    server.stub("unshare", BUILD)
    server.stub("curl", '#!/bin/bash\n[[ "$*" == *ready* ]]\n')

    said, _ = server.work(
        "activate",
        {**NEW_MODULE, "argoWeb.yml": "new yml\n", "argoWeb.caddy": "new\n"},
        "health-url http://127.0.0.1/",
        "health-timeout 1",
    )

    assert steps(said) == [
        "plan: rebuild NixOS, restart argoWeb, reload caddy (argoWeb.yml, argoWeb.caddy, argoWeb.nix)",
        "switching to the new system",
        "reloading caddy",
        "restarting argoWeb",
        WAITING.replace("15", "1"),
        "going back to what ran before",
        "switching to the system from before",
        "restarting argoWeb",
        "reloading caddy",
        WAITING,
    ]


def test_what_a_teardown_has_undone_of_a_killed_run_no_start_undoes_again(server: Server) -> None:
    server.path("credentials").write_text(credentials("one"))
    server.was_killed_after_its_switch({"credentials": credentials("two")})
    (server.folder / "fail-boot").touch()
    _, code = server.work("deactivate", {**LIVE, "credentials": credentials("one")})
    assert code == 1

    server.boot.write_text("second\n")

    assert server.run("recover") == ("", 0)
    assert not server.path("credentials").exists()


def test_a_caddy_that_goes_on_with_the_sites_after_a_teardown_is_told(server: Server) -> None:
    fails = "{ echo it cannot be reloaded >&2; exit 1; }"
    server.stub(
        "systemctl", f'{systemctl()}[[ $* != *" caddy.service" || $* == *-* ]] || {fails}\n'
    )
    server.stub("systemd-run", "#!/bin/bash\nexit 1\n")

    said, code = server.work("deactivate", {})

    assert code == 0, said
    assert "      | it cannot be reloaded\n" in said
    assert "Caddy may still serve the sites until it is restarted." in said


def test_a_link_in_the_place_of_a_file_comes_back_as_it_was(server: Server) -> None:
    kept, path = server.folder / "kept.yml", server.path("argoWeb.yml")
    path.rename(kept)
    path.symlink_to(kept)
    server.stub("curl", "#!/bin/bash\nexit 1\n")
    server.gives_up_soon()

    said, code = server.work("activate", {**LIVE, "argoWeb.yml": "new yml\n"})

    assert code == 1, said
    assert path.readlink() == kept
    assert kept.read_text() == LIVE["argoWeb.yml"]
