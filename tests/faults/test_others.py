"""The owner's own switches come in the middle of a run: they stay, and what is deployed fits them."""

from collections.abc import Iterator

import pytest

from sandbox.world import World
from tests.faults.direct import Direct
from tests.faults.steps import MOVED, STEPS, Steps, boots, shows
from tests.faults.test_activation import UNTOUCHED, live_files

DONE = "done: the tunnel is connected"


class Owner:
    """Whoever else switches the server: by a file of his own in /etc."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._configuration = world.host_root() / "etc/nixos/configuration.nix"
        self._own = self._configuration.read_text()

    def wants(self, line: str = 'environment.etc.owner.text = "his\\n";') -> None:
        """His configuration has a line more."""
        self._configuration.write_text(f"{self._own.rstrip().removesuffix('}')}  {line}\n}}\n")

    def builds(self) -> str:
        """A system with it, of the files of ours that lie there now."""
        self.wants()
        build = "mkdir -p /root/owner && cd /root/owner && . /etc/set-environment"
        return self._world.ssh(
            f"{build} && nixos-rebuild build 2>/dev/null && readlink -f result"
        ).strip()

    def switches(self, system: str, verb: str = "switch") -> None:
        """As the second half of `nixos-rebuild` does it."""
        if verb != "test":
            self._world.ssh(f"nix-env -p /nix/var/nix/profiles/system --set {system}")
        self._world.ssh(f"{system}/bin/switch-to-configuration {verb}")

    def has_his_file(self) -> bool:
        return self._world.ssh("cat /etc/owner", check=False) == "his\n"

    def repents(self) -> None:
        self._configuration.write_text(self._own)


@pytest.fixture
def owner(world: World, direct: Direct) -> Iterator[Owner]:
    """His change of the configuration ends with the test; the deployment after it takes his file away."""
    owner = Owner(world)
    yield owner
    owner.repents()
    direct.stage(direct.moved())
    assert DONE in direct.run(direct.moved().manifest).output()


@pytest.mark.long
def test_a_switch_while_a_run_waits_for_health_stays_with_its_files(
    world: World, steps: Steps, direct: Direct, owner: Owner
) -> None:
    new = direct.moved(held=True)
    direct.stage(new)
    run = direct.run(new.manifest).wait_until(STEPS["health"])
    system = owner.builds()
    owner.switches(system)

    steps.let_go()
    said = run.output().splitlines()

    assert any(DONE in line for line in said)
    state = next(line for line in said if line.startswith("STATE:"))
    assert f"Somebody else has switched this server to {system} meanwhile, which stays." in state
    assert boots(world) == [system] * 3
    assert owner.has_his_file()
    assert shows(world, MOVED)()


def test_a_switch_to_what_was_built_before_the_run_stays_and_the_next_run_builds_on_it(
    world: World, steps: Steps, direct: Direct, owner: Owner
) -> None:
    files, system = live_files(world), owner.builds()
    new = direct.moved(held=True)
    direct.stage(new)
    run = direct.run(new.manifest).wait_until(STEPS["health"])
    owner.switches(system)

    steps.let_go()
    said = run.refusal()

    assert "It was not built from these files, so they are taken back." in said
    state = next(line for line in said.splitlines() if line.startswith("STATE:"))
    assert f"Somebody else has switched this server to {system} meanwhile" in state
    assert live_files(world) == files
    assert boots(world) == [system] * 3
    assert shows(world, "this is app")()
    again = direct.moved()
    direct.stage(again)
    assert DONE in direct.run(again.manifest).output()
    assert owner.has_his_file()
    assert shows(world, MOVED)()
    assert len(set(boots(world))) == 1


@pytest.mark.long
def test_a_switch_while_the_system_is_built_is_built_upon(
    world: World, steps: Steps, direct: Direct, owner: Owner
) -> None:
    system = owner.builds()
    owner.repents()  # what is built first lacks his change
    new = direct.moved()
    direct.stage(new)
    steps.hold("rebuild-build")
    run = direct.run(new.manifest).wait_until(STEPS["rebuild-build"])
    owner.switches(system)
    owner.wants()

    steps.let_go()
    said = run.output()

    assert "somebody else has switched this server while the new system was built" in said
    assert owner.has_his_file()
    assert shows(world, MOVED)()
    assert len(set(boots(world))) == 1


@pytest.mark.long
@pytest.mark.parametrize("verb", ["switch", "test", "boot"])
def test_a_switch_stays_when_the_run_is_taken_back(
    world: World, steps: Steps, direct: Direct, owner: Owner, verb: str
) -> None:
    before, files = boots(world), live_files(world)
    new = direct.moved(held=True, patience=60)
    direct.stage(new)
    run = direct.run(new.manifest).wait_until(STEPS["health"])
    system = owner.builds()
    owner.switches(system, verb)

    said = run.refusal()

    state = next(line for line in said.splitlines() if line.startswith("STATE:"))
    assert "was taken back; the server serves what it served before" in state
    assert system in state
    assert ("the next pulumi up builds it anew" in state) == (verb != "boot")
    assert live_files(world) == files
    running, profile, loader = boots(world)
    assert running == (before[0] if verb == "boot" else system)
    assert profile == loader == (before[1] if verb == "test" else system)
    assert shows(world, "this is app")()


@pytest.mark.long
def test_the_boot_default_waits_for_another_switch(
    world: World, steps: Steps, direct: Direct
) -> None:
    new = direct.moved(held=True)
    direct.stage(new)
    run = direct.run(new.manifest).wait_until(STEPS["health"])
    lock = "/run/nixos/switch-to-configuration.lock"
    world.ssh(f"systemd-run --quiet flock {lock} sleep 20")

    steps.let_go()

    assert "another switch of this server is at work" in run.output()
    assert len(set(boots(world))) == 1
    assert shows(world, MOVED)()


@pytest.mark.long
def test_a_switch_after_a_run_was_killed_stays(
    world: World, steps: Steps, direct: Direct, owner: Owner
) -> None:
    new = direct.moved(held=True)
    direct.stage(new)
    run = direct.run(new.manifest).wait_until(STEPS["health"])
    world.ssh("systemctl kill -s KILL argoweb-deploy")
    run.refusal()
    system = owner.builds()
    owner.switches(system)
    steps.let_go()

    said = direct.deploy(direct.original)

    assert "an unfinished deployment was undone" in said
    assert f"Somebody else has switched this server to {system} meanwhile" in said
    assert "the running system was built from other files of argoweb" in said
    assert owner.has_his_file()
    assert shows(world, "this is app")()
    assert len(set(boots(world))) == 1


@pytest.mark.long
def test_a_pre_switch_check_of_the_owners_refuses_before_anything_is_touched(
    world: World, direct: Direct, owner: Owner
) -> None:
    before, files = boots(world), live_files(world)
    owner.wants('system.preSwitchChecks.own = "false";')
    new = direct.moved()
    direct.stage(new)

    said = direct.run(new.manifest).refusal()

    assert "Pre-switch check 'own' failed" in said
    assert "run nixos-rebuild boot on the server and restart it" in said
    assert UNTOUCHED in said
    assert (boots(world), live_files(world)) == (before, files)


@pytest.mark.long
def test_a_server_that_runs_a_specialisation_goes_on_running_it(
    world: World, direct: Direct, owner: Owner
) -> None:
    owner.wants('specialisation.fast.configuration.environment.etc.fast.text = "fast";')
    world.ssh(". /etc/set-environment; nixos-rebuild switch --specialisation fast")
    new = direct.moved()

    assert DONE in direct.deploy(new)

    running, profile, loader = boots(world)
    assert world.ssh("cat /etc/fast") == "fast"
    assert world.ssh(f"readlink -f {profile}/specialisation/fast").strip() == running
    assert loader == profile != running
    assert shows(world, MOVED)()
    owner.repents()
    world.ssh(". /etc/set-environment; nixos-rebuild switch")
