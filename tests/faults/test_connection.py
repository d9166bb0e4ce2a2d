"""The SSH connection dies, two deployments meet, the server loses its power."""

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.engine.world import World
from tests.faults.conftest import Faults
from tests.faults.test_activation import live_files, nix_change


class Deployment(threading.Thread):
    """A `pulumi up` that runs beside the test."""

    def __init__(self, world: World, **variables: str) -> None:
        super().__init__()
        self._world, self._variables = world, variables
        self.began = time.time()
        self.result: subprocess.CompletedProcess[str] | None = None
        self.start()

    def run(self) -> None:
        assignments = [f"{name}={value}" for name, value in self._variables.items()]
        self.result = self._world.run(
            "env", *assignments, "pulumi", "--non-interactive", "up", "--yes", "--skip-preview",
            check=False,
        )  # fmt: skip

    def output(self) -> str:
        """What it said, once it has ended."""
        self.join()
        assert self.result is not None
        return self.result.stdout + self.result.stderr


def said(world: World, deployment: Deployment, line: str) -> bool:
    """Whether the run that the deployment started on the server has come so far."""
    folder = world.host_root() / "var/lib/argoweb-deploy/runs"
    logs = [log for log in folder.glob("*/log") if not log.parent.is_symlink()]
    return any(log.stat().st_mtime >= deployment.began and line in log.read_text() for log in logs)


def waits(world: World) -> bool:
    """Whether a run on the server has found another one at work."""
    folder = world.host_root() / "var/lib/argoweb-deploy/runs"
    return any(log.read_text() for log in folder.glob("*/start.log"))


def cut_connections(world: World) -> None:
    """Kills the server's end of every SSH session: the client gets no farewell."""
    listener = world.ssh("systemctl show -p MainPID --value ssh").strip()
    world.ssh(f"kill -9 $(pgrep -P {listener})", check=False)


@pytest.mark.parametrize(
    ("step", "line"),
    [
        pytest.param("rebuild-evaluate", "building the system", marks=pytest.mark.long),
        pytest.param("rebuild-build", "building the system", marks=pytest.mark.long),
        ("switch-activate", "switching to the new system"),
        pytest.param(
            "switch-bootloader",
            "making the new system the boot default",
            marks=pytest.mark.long,
        ),
    ],
)
def test_the_work_goes_on_when_the_connection_dies(
    deployed: World, faults: Faults, step: str, line: str
) -> None:
    faults.hold(step)
    with deployed.changed(nix_change):
        deployment = Deployment(deployed)
        deployed.wait_for(lambda: said(deployed, deployment, line))
        cut_connections(deployed)
        deployment.join()
        faults.clear()
        assert deployment.result is not None
        assert deployment.result.returncode != 0

        deployed.wait_for(lambda: "this is status" in deployed.get("app.example.localhost")[1])
        output = deployed.up()

        assert "plan: nothing to do" in output or "another deployment" in output
        assert deployed.planned() == {}


def test_two_machines_deploy_one_after_the_other(deployed: World, faults: Faults) -> None:
    backend = Path(os.environ.get("TMPDIR", "/tmp")) / f"{deployed.root.parent.name}-second"
    shutil.copytree(deployed.root / ".sandbox/pulumi-state", backend)
    faults.hold("rebuild-build")
    try:
        with deployed.changed(nix_change):
            first = Deployment(deployed)
            deployed.wait_for(lambda: said(deployed, first, "building the system"))
            second = Deployment(deployed, PULUMI_BACKEND_URL=f"file://{backend}")
            deployed.wait_for(lambda: waits(deployed))
            faults.clear()
            assert "done: the tunnel is connected" in first.output()
            assert "another deployment is at work on this server" in second.output()
            assert "plan: nothing to do" in second.output()
    finally:
        shutil.rmtree(backend)


def test_a_power_loss_in_the_middle_leaves_the_old_configuration(
    deployed: World, faults: Faults
) -> None:
    files = live_files(deployed)
    faults.hold("switch-activate")
    with deployed.changed(nix_change):
        deployment = Deployment(deployed)
        deployed.wait_for(lambda: said(deployed, deployment, "switching to the new system"))
        assert live_files(deployed) != files
        deployed.ssh("systemctl reboot --force --force", check=False)
        deployment.join()
        faults.clear()

    deployed.wait_for(lambda: "this is app" in deployed.get("app.example.localhost")[1])
    assert live_files(deployed) == files
