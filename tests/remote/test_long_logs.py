"""Of what another program has said before it failed, the end is shown: enough to see why, and no more."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.remote.test_work import BUILD, LIVE, Server

NEW = {**LIVE, "argoWeb.nix": "{ new = 1; }\n"}
SAYS = "#!/bin/bash\nif [[ $1 == VERB ]]; then for n in {1..100}; do echo line $n failed; done; exit STATUS; fi\n"


def says(verb: str, status: int = 3) -> str:
    return SAYS.replace("VERB", verb).replace("STATUS", str(status))


def builds(server: Server) -> str:
    (server.stubs / "unshare").unlink()
    server.stub("nixos-rebuild", says("build"))
    return server.work("activate", NEW)[0]


def switches(server: Server) -> str:
    return with_system(server, "new", "test", "activate")


def warns(server: Server) -> str:
    return with_system(server, "new", "test", "activate", 4)


def boots(server: Server) -> str:
    return with_system(server, "new", "boot", "activate")


def goes_back(server: Server) -> str:
    server.was_killed_after_its_switch({"argoWeb.yml": "new yml\n"})
    return with_system(server, "old", "test", "activate")


def builds_without(server: Server) -> str:
    server.stub("nixos-rebuild", says("build"))
    return server.work("deactivate", {})[0]


def switches_to_none(server: Server) -> str:
    return with_system(server, "without", "test", "deactivate")


def with_system(server: Server, system: str, verb: str, work: str, status: int = 3) -> str:
    """What is said where this system's switch ends so."""
    switch = server.folder / "systems" / system / "bin/switch-to-configuration"
    switch.write_text(says(verb, status) + switch.read_text())
    return server.work(work, NEW)[0]


@pytest.fixture
def server(tmp_path: Path) -> Server:
    server = Server(tmp_path)
    server.stub("unshare", BUILD)
    return server


@pytest.mark.parametrize(
    ("act", "lines", "told"),
    [
        (builds, 40, "the new configuration was refused, see above."),
        (switches, 30, "switch-to-configuration failed with exit code 3:"),
        (warns, 5, "reports failed units (exit 4)"),
        (boots, 20, "the server serves what it served before"),
        (goes_back, 20, "switch-to-configuration failed with exit code 3:"),
        (builds_without, 40, "The rebuild above failed: mend the server's configuration."),
        (switches_to_none, 30, "without argoWeb failed with exit code 3."),
    ],
)
def test_the_end_of_a_long_log_is_shown(
    server: Server, act: Callable[[Server], str], lines: int, told: str
) -> None:
    said = act(server)

    shown = re.findall(r"^      \| line (\d+) failed$", said, re.MULTILINE)
    assert sorted({*map(int, shown)}) == [*range(101 - lines, 101)]
    assert told in said


def test_of_a_units_journal_the_last_errors_and_lines_are_shown(server: Server) -> None:
    server.gives_up_soon()
    server.stub("curl", "#!/bin/bash\nexit 7\n")
    server.stub(
        "journalctl",
        '#!/bin/bash\nfor n in {a..z}; do echo "error $n"; done\nfor n in {a..z}; do echo "INF $n"; done\n',
    )

    said, _ = server.work("activate", {**LIVE, "argoWeb.yml": "new yml\n"})

    errors = "".join(f"      | error {letter}\n" for letter in "qrstuvwxyz")
    last = "".join(f"      | INF {letter}\n" for letter in "vwxyz")
    unit = "argoWeb.service"
    assert f"Errors of {unit}:\n{errors}Last journal lines of {unit}:\n{last}Errors" in said
