"""The server's power fails at each step of an activation in turn."""

import pytest

from sandbox.world import World
from tests.faults.direct import Direct
from tests.faults.steps import MOVED, STEPS, Steps, boots, power_loss, shows
from tests.faults.test_activation import live_files

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    "step",
    ["rebuild-build", "switch-check", "switch-activate", "health", "switch-bootloader"],
)
def test_a_power_loss_brings_the_old_configuration_back_and_the_next_run_converges(
    world: World, steps: Steps, direct: Direct, step: str
) -> None:
    files, system = live_files(world), world.ssh("readlink -f /run/current-system")
    new = direct.moved(held=step == "health")
    direct.stage(new)
    steps.hold(step)
    run = direct.run(new.manifest).wait_until(STEPS[step])

    power_loss(world)
    run.cut()
    steps.let_go()

    world.wait_for(shows(world, "this is app"))
    assert live_files(world) == files
    assert world.ssh("readlink -f /run/current-system") == system
    assert "done: the tunnel is connected" in direct.run(new.manifest).output()
    assert len(set(boots(world))) == 1
    assert shows(world, MOVED)()


def test_a_power_loss_after_the_end_leaves_the_new_configuration(
    world: World, direct: Direct
) -> None:
    direct.deploy(direct.moved())
    files, defaults = live_files(world), boots(world)

    power_loss(world)

    world.wait_for(shows(world, MOVED))
    assert (live_files(world), boots(world)) == (files, defaults)
