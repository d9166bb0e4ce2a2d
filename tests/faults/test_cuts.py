"""The connection is cut at each step of an activation in turn, and within what is sent."""

import random
import re
import subprocess

import pytest

from sandbox.world import World
from tests.faults.direct import Deployment, Direct
from tests.faults.steps import MOVED, STEPS, Steps, boots, shows
from tests.faults.test_activation import UNTOUCHED, live_files


@pytest.mark.parametrize(
    "step",
    [step if step == "health" else pytest.param(step, marks=pytest.mark.long) for step in STEPS],
)
def test_the_work_goes_on_when_the_connection_is_cut(
    world: World, steps: Steps, direct: Direct, step: str
) -> None:
    new = direct.moved(held=step == "health")
    direct.stage(new)
    steps.hold(step)
    run = direct.run(new.manifest).wait_until(STEPS[step])

    run.cut()
    assert world.get("www.example.localhost")[0] == 200
    steps.let_go()

    world.wait_for(shows(world, MOVED))
    assert "plan: nothing to do" in direct.run(new.manifest).output()
    assert len(set(boots(world))) == 1


def test_a_manifest_that_was_cut_off_anywhere_changes_nothing(world: World, direct: Direct) -> None:
    new = direct.moved()
    direct.stage(new)
    files = live_files(world)
    ends = [index for index, letter in enumerate(new.manifest) if letter == "\n"][:-1]
    lengths = sorted(
        {0, *ends, *(end + 1 for end in ends), *(random.sample(range(len(new.manifest) - 2), 10))}
    )
    (world.host_root() / "root/manifest").write_text(new.manifest)
    program = "$(echo /var/lib/argoweb-deploy/staging/*/server.sh)"

    shown = world.ssh(
        f"for n in {' '.join(map(str, lengths))}; do head -c $n /root/manifest | "
        f"bash {program} activate | tail -n 1; done; find /var/lib/argoweb-deploy/runs -newer /root/manifest -name manifest"
    )

    assert shown.splitlines() == [UNTOUCHED] * len(lengths)
    assert live_files(world) == files


@pytest.mark.long
def test_a_connection_that_is_cut_within_the_manifest_changes_nothing(
    world: World, direct: Direct
) -> None:
    new = direct.moved()
    direct.stage(new)
    files = live_files(world)

    direct.run(new.manifest[: len(new.manifest) // 2]).cut()

    assert "done: the tunnel is connected" in direct.run(direct.original.manifest).output()
    assert live_files(world) == files


@pytest.mark.long
def test_files_that_were_staged_in_part_change_nothing_until_all_are_there(
    world: World, direct: Direct
) -> None:
    new = direct.moved()
    name, text = next(iter(new.files.items()))
    files = live_files(world)

    direct.stage(Deployment(files={name: text}, manifest=""))
    assert live_files(world) == files
    direct.stage(Deployment(files={name: text[:-40]}, manifest=""))
    refused = direct.run(new.manifest).refusal()

    (lost,) = re.findall(r"the staging folder lost (.*?) \(", refused)
    assert name in lost.split()
    assert live_files(world) == files
    assert "done: the tunnel is connected" in direct.deploy(new)


@pytest.mark.long
def test_a_staged_program_that_was_cut_off_neither_activates_nor_tears_down(
    world: World, direct: Direct
) -> None:
    program = direct.original.files["server.sh"]
    with pytest.raises(subprocess.CalledProcessError):
        direct.stage(Deployment(files={"server.sh": program[: len(program) // 2]}, manifest=""))
    world.ssh("truncate -s 30000 /var/lib/argoweb-deploy/staging/*/server.sh")

    for verb in ("create", "delete"):
        assert "was cut short" in direct.run(direct.original.manifest, verb).refusal()

    assert world.get("app.example.localhost")[0] == 200


@pytest.mark.long
def test_work_that_is_killed_says_so_and_the_next_run_undoes_what_it_left(
    world: World, steps: Steps, direct: Direct
) -> None:
    new = direct.moved()
    direct.stage(new)
    steps.hold("switch-activate")
    run = direct.run(new.manifest).wait_until(STEPS["switch-activate"])
    unit = world.ssh("systemctl show -p OOMPolicy -p Environment argoweb-deploy")

    world.ssh("systemctl kill --kill-who=main --signal=KILL argoweb-deploy")
    said = run.refusal()
    steps.let_go()

    assert "OOMPolicy=continue" in unit  # so that a build without memory is a failed build
    assert "HOME=/root" in unit
    assert "The work on this server was ended by KILL, signal." in said
    assert "STATE: the change was cut off half-way." in said
    assert "an unfinished deployment was undone" in direct.run(new.manifest).output()
    assert shows(world, MOVED)()
