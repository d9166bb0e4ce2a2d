"""What no step of an activation expects, and what is left on the server when one has ended in the middle."""

import json

import pytest

from sandbox.world import World
from tests.faults.direct import Deployment, Direct
from tests.faults.steps import MOVED, STEPS, Steps, boots, power_loss, shows
from tests.faults.test_activation import TAKEN_BACK, live_files

pytestmark = pytest.mark.long

DROP_IN = "/run/systemd/system/argoWeb.service.d/fault.conf"


def test_a_file_that_cannot_be_replaced_takes_everything_back(world: World, direct: Direct) -> None:
    files = live_files(world)
    new = direct.moved()
    direct.stage(new)
    world.ssh("mount --bind /etc/caddy/argoWeb.caddy /etc/caddy/argoWeb.caddy")
    try:
        said = direct.run(new.manifest).refusal()
    finally:
        world.ssh("umount /etc/caddy/argoWeb.caddy")

    assert "/etc/caddy/argoWeb.caddy" in said
    assert "Device or resource busy" in said
    assert TAKEN_BACK in said
    assert live_files(world) == files
    assert "done: the tunnel is connected" in direct.run(new.manifest).output()


def test_a_stopped_service_that_cannot_be_started_again_blocks_no_later_run(
    world: World, direct: Direct
) -> None:
    lines = r"[Service]\nExecStartPre=/bin/false\n"
    world.ssh(
        f"mkdir -p {DROP_IN.rpartition('/')[0]}; printf '{lines}' >{DROP_IN}; systemctl daemon-reload; systemctl stop argoWeb"
    )
    try:
        said = direct.run(direct.original.manifest).refusal()
    finally:
        world.ssh(f"rm {DROP_IN}; systemctl daemon-reload; systemctl reset-failed argoWeb")

    assert "STATE: the new configuration failed and was taken back, but the old one" in said
    assert "done: the tunnel is connected" in direct.deploy(direct.moved())
    assert shows(world, MOVED)()


def test_a_run_that_is_killed_after_its_switch_leaves_neither_files_nor_system_behind(
    world: World, steps: Steps, direct: Direct
) -> None:
    files, before = live_files(world), boots(world)
    new = direct.moved(held=True)
    direct.stage(new)
    run = direct.run(new.manifest).wait_until(STEPS["health"])

    world.ssh("systemctl kill -s KILL argoweb-deploy")
    run.refusal()
    assert boots(world) != before
    steps.let_go()
    direct.deploy(direct.original)

    assert (live_files(world), boots(world)) == (files, before)


def test_files_that_are_staged_during_a_run_are_the_next_runs(
    world: World, steps: Steps, direct: Direct
) -> None:
    new = direct.moved()
    direct.stage(new)
    steps.hold("rebuild-build")
    first = direct.run(new.manifest).wait_until(STEPS["rebuild-build"])
    direct.stage(direct.original)
    steps.let_go()

    assert "done: the tunnel is connected" in first.output()
    assert shows(world, MOVED)()
    assert "done: the tunnel is connected" in direct.run(direct.original.manifest).output()
    assert not shows(world, MOVED)()
    assert not list((world.host_root() / "var/lib/argoweb-deploy").glob("*/*/credentials"))


def test_a_power_loss_after_the_boot_loader_was_set_keeps_the_new_configuration(
    world: World, steps: Steps, direct: Direct
) -> None:
    before = boots(world)
    new = direct.moved()
    direct.stage(new)
    steps.hold("switch-bootloader-done")
    run = direct.run(new.manifest).wait_until(STEPS["switch-bootloader"])
    world.wait_for(lambda: boots(world)[2] != before[2])

    power_loss(world)
    run.cut()
    steps.let_go()

    world.wait_for(shows(world, MOVED))
    assert len(set(boots(world))) == 1
    assert "plan: nothing to do" in direct.run(new.manifest).output()


def test_a_teardown_takes_away_what_an_update_left_of_which_pulumi_does_not_know(
    world: World, direct: Direct
) -> None:
    credentials = json.loads(world.ssh("cat /var/lib/argoWeb/*.json"))
    elsewhere = direct.renamed("/var/lib/argoWeb", "/var/lib/elsewhere")
    direct.deploy(elsewhere)
    assert world.ssh(f"ls /var/lib/elsewhere/{credentials['TunnelID']}.json")

    said = direct.run(direct.original.manifest, "delete").output()

    assert "done: no service, no configuration and no secret of argoweb is left" in said
    left = world.ssh(
        f"grep -rls --devices=skip {credentials['TunnelSecret']} /etc /var/lib",
        check=False,
    )
    assert left == ""
    assert world.ssh("ls /var/lib/elsewhere", check=False) == ""
    assert world.ssh("ls /etc/caddy").split() == ["argoWeb.nix"]


def test_credentials_of_a_run_that_was_killed_stay_in_no_folder_but_their_own(
    world: World, steps: Steps, direct: Direct
) -> None:
    new = direct.moved()
    direct.stage(Deployment(files={**direct.original.files, **new.files}, manifest=""))
    steps.hold("rebuild-build")
    run = direct.run(new.manifest).wait_until(STEPS["rebuild-build"])

    world.ssh("systemctl kill -s KILL argoweb-deploy")
    run.refusal()
    steps.let_go()

    secret = json.loads(world.ssh("cat /var/lib/argoWeb/*.json"))["TunnelSecret"]
    found = world.ssh(f"grep -rls {secret} /var/lib/argoweb-deploy/runs", check=False)
    assert found == ""
