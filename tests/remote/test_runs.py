"""What whole runs of the server's program say and ask of other programs: in `runs/`, for a review to read what changes.

Where a power loss would tell, nothing else does: what is renamed has to be on the disk before, and the folder after it.
"""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.remote.test_drift import report
from tests.remote.test_units import IMPORTS, builds
from tests.remote.test_work import BUILD, LIVE, Files, Server, credentials, systemctl

READ_LAST = Path(__file__).with_name("runs")
IN_ORDER = ("chmod", "chown", "cp", "diff", "flock", "install", "ln", "mkdir", "mv", "rm", "rmdir", "sync", "timeout")  # fmt: skip
"""The machine's own programs that change something or bound it; all else of which the order counts are stubs already."""
STUBS = ("curl", "journalctl", "nix-env", "nixos-rebuild", "systemd-run", "unshare")
QUESTIONS = ("curl", "journalctl", "systemd-run", "systemctl show", "systemctl is-active", "systemctl cat")  # fmt: skip
"""What is asked again and again while something is waited for."""
WHILE_WAITING = (
    "systemctl show -p LoadState -p ActiveState -p InvocationID -- ",
    "timeout 1 tail ",
)
"""How often, of how many units at once, and whether at all, depends on how long the others take."""
HEARS = """#!/bin/bash
echo NAME "${@//$'\\n'/ }" >>$FOLDER/calls
exec PROGRAM "$@"
"""
OTHER_RULES = """#!/bin/bash
if [[ $* == */config ]]; then echo '{"version":3}'; fi
"""
NO_SPACE = """#!/bin/bash
if [[ ${@: -1} == */.argoweb-old ]]; then exit 1; fi
exec PROGRAM "$@"
"""
NOTHING_STAGED = """#!/bin/bash
if [[ $1 == -t ]]; then echo 'ln complains' >&2; exit 1; fi
exec PROGRAM "$@"
"""
CADDY = """/bin/caddy run --config /etc/caddy/Caddyfile
User=daemon
SupplementaryGroups=daemon
EnvironmentFile=-/etc/caddy/secrets"""
NEW: Files = {
    **LIVE,
    "argoWeb.yml": "new yml\n",
    "argoWeb.caddy": "http://www.example.com:8080 {\n\tbind 127.0.0.1\n}\n",
    "argoWeb.nix": "{ new = 1; }\n",
    "credentials": credentials("new"),
}
LINES = (
    "instance argoWeb-2.service 127.0.0.1:20252",
    "flake /etc/nixos#web1",
    "rebuild-arg -L",
    "health-url http://127.0.0.1:3000/",
    "health-site 127.0.0.1:8080 www.example.com http://127.0.0.1:8080/",
    "root www.example.com /nowhere",
)


class Hearing(Server):
    """A server that notes what is said, and which programs are asked for what."""

    def __init__(self, folder: Path) -> None:
        self._said = ""
        super().__init__(folder)
        for name in IN_ORDER:
            self._hear(name, str(shutil.which(name)))
        self.stub("unshare", BUILD)
        (folder / "switches/switch-to-configuration.lock").touch()

    def builds(self) -> None:
        """The validation builds a system with real mounts, and the new credentials are a user's own."""
        cloudflared = self.folder / "cloudflared"
        self._program(cloudflared, "#!/bin/bash\necho 'cloudflared version 2026.8.2 (built)'\n")
        builds(self, cloudflared, CADDY, IMPORTS)
        for name in ("unshare", "mount"):
            self._hear(name, str(shutil.which(name)))
        self.access["credentials"] = "600 daemon:daemon"

    def stub(self, name: str, text: str) -> None:
        if name not in STUBS:
            super().stub(name, text)
            return
        program = self.folder / f"really-{name}"
        self._program(
            program, text.replace("\n", "\necho 'NAME complains' >&2\n".replace("NAME", name), 1)
        )
        self._hear(name, str(program))

    def _hear(self, name: str, program: str) -> None:
        super().stub(name, HEARS.replace("NAME", name).replace("PROGRAM", program))

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "STARTED": "0"}

    def run(self, *words: str) -> tuple[str, int]:
        said, code = super().run(*words)
        self._said += f"{said}exit {code}\n"
        return said, code

    def heard(self) -> str:
        """What was said, what was asked in its order, and what was asked besides."""
        lines = (self.folder / "calls").read_text().splitlines()
        kept = [it for it in lines if not it.startswith(WHILE_WAITING)]
        in_order = [it for it in kept if not it.startswith(QUESTIONS)]
        asked = sorted({it for it in kept if it.startswith(QUESTIONS)})
        heard = "\n".join([self._said, *in_order, "", *asked, ""])
        return re.sub(r"(?m)^\[\d+s\]", "-", heard.replace(str(self.folder), ""))


def rebuilds(server: Hearing) -> None:
    server.builds()
    server.work("activate", NEW, *LINES)


def fails_and_goes_back(server: Hearing) -> None:
    server.builds()
    server.stub("curl", OTHER_RULES)
    server.work("activate", NEW, *LINES, "accept root-missing")


def cannot_put_files_back(server: Hearing) -> None:
    server.builds()
    server.stub("curl", OTHER_RULES)
    server.stub("cp", NO_SPACE.replace("PROGRAM", str(shutil.which("cp"))))
    server.work("activate", NEW, *LINES)


def cannot_switch(server: Hearing) -> None:
    server.builds()
    (server.folder / "profiles/system").unlink()
    switch = server.folder / "systems/new/bin/switch-to-configuration"
    switch.write_text(
        f"{switch.read_text()}if [[ $1 == test ]]; then echo 'it fails' >&2; exit 1; fi\n"
    )
    server.work("activate", NEW, *LINES)


def is_refused(server: Hearing) -> None:
    server.builds()
    server.stub("nixos-rebuild", "#!/bin/bash\nexit 1\n")
    server.work("activate", NEW, *LINES)


def is_refused_by_caddy(server: Hearing) -> None:
    server.builds()
    server.stub("systemd-run", "#!/bin/bash\nexit 1\n")
    server.work("activate", NEW, *LINES)


def is_refused_by_cloudflared(server: Hearing) -> None:
    server.builds()
    with (server.folder / "cloudflared").open("a") as program:
        program.write("if [[ $1 == tunnel ]]; then echo 'it is wrong' >&2; exit 1; fi\n")
    server.work("activate", NEW, *LINES)


def lacks_a_file(server: Hearing) -> None:
    server.builds()
    server.work("activate", NEW, *LINES, "reads cloudflared /nowhere", "reads Caddy /nowhere")


def lost_what_was_staged(server: Hearing) -> None:
    server.stub("ln", NOTHING_STAGED.replace("PROGRAM", str(shutil.which("ln"))))
    server.work("activate", NEW, *LINES)


def changes_nothing(server: Hearing) -> None:
    server.work("activate", LIVE)


def belongs_to_another(server: Hearing) -> None:
    (server.root / "owner").write_text("other/stack/web1 root@192.0.2.1:22\n")
    server.work("activate", NEW, *LINES)


def leaves_files_out(server: Hearing) -> None:
    server.applied.write_text(server.manifest(NEW))
    server.path("credentials").write_text(NEW["credentials"])
    server.work("activate", LIVE)


def takes_a_new_secret(server: Hearing) -> None:
    server.path("credentials").write_text(credentials("old"))
    server.work("activate", {**LIVE, "credentials": credentials("new")})


def undoes_a_killed_run(server: Hearing) -> None:
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    server.work("activate", LIVE)


def is_started_anew(server: Hearing) -> None:
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    server.boot.write_text("second\n")
    server.run("recover")


def ends(server: Hearing) -> None:
    server.path("credentials").write_text(NEW["credentials"])
    server.applied.write_text(server.manifest({**LIVE, "credentials": NEW["credentials"]}))
    server.work("deactivate", {})


def ends_but_cannot_build(server: Hearing) -> None:
    server.stub("nixos-rebuild", "#!/bin/bash\nexit 1\n")
    server.work("deactivate", {})


def ends_beside_another(server: Hearing) -> None:
    live = server.applied.read_text()
    server.applied.write_text(live.replace("owner project/", "owner other/"))
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    server.work("deactivate", {"credentials": credentials("c2VjcmV0IHNlY3JldCBzZWNyZXQ=")})


def ends_without_having_been_live(server: Hearing) -> None:
    server.applied.unlink()
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    server.work("deactivate", {})


def looks_for_differences(server: Hearing) -> None:
    (server.root / "owner").write_text("project/stack/web1 root@192.0.2.1:22 0a1b2c3d\n")
    (server.program.parent / "argoWeb.yml").write_text(LIVE["argoWeb.yml"])
    server.path("argoWeb.yml").write_text("edited\n")
    server.stub("systemctl", systemctl("[[ $1 != argoweb-deploy* ]]"))
    server.run("drift")
    report(server)


RUNS: tuple[Callable[[Hearing], None], ...] = (
    rebuilds, fails_and_goes_back, cannot_put_files_back, cannot_switch, is_refused, is_refused_by_caddy,
    is_refused_by_cloudflared, lacks_a_file, lost_what_was_staged, changes_nothing, belongs_to_another, leaves_files_out, takes_a_new_secret,
    undoes_a_killed_run, is_started_anew, ends, ends_but_cannot_build, ends_beside_another,
    ends_without_having_been_live, looks_for_differences,
)  # fmt: skip


@pytest.mark.parametrize("act", RUNS, ids=lambda act: act.__name__)
def test_what_a_run_says_and_asks_of_other_programs_is_what_was_read_last(
    tmp_path: Path, act: Callable[[Hearing], None]
) -> None:
    server = Hearing(tmp_path)

    act(server)

    file = READ_LAST / f"{act.__name__}.txt"
    if "WRITE" in os.environ:  # as `make messages` does
        file.write_text(server.heard())
    assert server.heard() == file.read_text(), "run `make messages` and read what has changed"
