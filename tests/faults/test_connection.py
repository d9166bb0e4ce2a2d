"""The SSH connection of a `pulumi up` dies, or two of them meet; `test_cuts.py` has each step in turn."""

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from components.remote_programs import PACKED_PROGRAM
from sandbox.world import World
from tests.faults.direct import said
from tests.faults.faults import Faults
from tests.faults.test_activation import live_files, nix_change

pytestmark = pytest.mark.long

WITHIN_THE_PROGRAM = 24_000
"""Bytes of a connection that end within server.sh, and only there: no other file is as long."""


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
        ("rebuild-evaluate", "building the system"),
        ("switch-activate", "switching to the new system"),
    ],
)
def test_the_work_goes_on_when_the_connection_dies(
    deployed: World, faults: Faults, step: str, line: str
) -> None:
    faults.hold(step)
    with deployed.changed(nix_change):
        deployment = Deployment(deployed)
        deployed.wait_for(lambda: said(deployed, deployment.began, line))
        cut_connections(deployed)
        deployment.join()
        faults.clear()
        assert deployment.result is not None
        assert deployment.result.returncode != 0

        deployed.wait_for(lambda: "this is status" in deployed.get("app.example.localhost")[1])
        output = deployed.up()

        assert "plan: nothing to do" in output or "another deployment" in output
        assert deployed.planned() == {}


def test_a_stack_that_is_set_back_after_a_cut_takes_the_server_back_with_it(
    deployed: World, faults: Faults
) -> None:
    files = live_files(deployed)
    faults.hold("rebuild-build")
    with deployed.changed(nix_change):
        deployment = Deployment(deployed)
        deployed.wait_for(lambda: said(deployed, deployment.began, "building the system"))
        cut_connections(deployed)
        deployment.join()
        faults.clear()
    deployed.wait_for(lambda: "this is status" in deployed.get("app.example.localhost")[1])

    deployed.up()

    assert "this is app" in deployed.get("app.example.localhost")[1]
    assert live_files(deployed) == files


def test_a_first_deployment_that_was_cut_off_is_torn_down_like_any_other(
    deployed: World, faults: Faults
) -> None:
    deployed.pulumi("destroy", "--yes", "--skip-preview")
    faults.hold("rebuild-build")
    deployment = Deployment(deployed)
    deployed.wait_for(lambda: said(deployed, deployment.began, "building the system"))
    cut_connections(deployed)
    deployment.join()
    faults.clear()
    deployed.wait_for((deployed.host_root() / "var/lib/argoweb-deploy/owner").exists)

    deployed.pulumi("destroy", "--yes", "--skip-preview")

    assert [t for t in deployed.control("/dump")["tunnels"] if t["deleted_at"] is None] == []
    assert "argoWeb" not in deployed.ssh("systemctl list-unit-files --no-legend", check=False)
    assert not (deployed.host_root() / "var/lib/argoweb-deploy").exists()


def test_two_machines_deploy_one_after_the_other(deployed: World, faults: Faults) -> None:
    backend = Path(os.environ.get("TMPDIR", "/tmp")) / f"{deployed.root.parent.name}-second"
    shutil.copytree(deployed.root / ".sandbox/pulumi-state", backend)
    faults.hold("rebuild-build")
    try:
        with deployed.changed(nix_change):
            first = Deployment(deployed)
            deployed.wait_for(lambda: said(deployed, first.began, "building the system"))
            second = Deployment(deployed, PULUMI_BACKEND_URL=f"file://{backend}")
            deployed.wait_for(lambda: waits(deployed))
            faults.clear()
            assert "done: the tunnel is connected" in first.output()
            assert "another deployment is at work on this server" in second.output()
            assert "plan: nothing to do" in second.output()
    finally:
        shutil.rmtree(backend)


def test_a_connection_that_is_cut_within_a_file_leaves_the_old_configuration(
    deployed: World, faults: Faults
) -> None:
    def redeploy(config: dict[str, Any]) -> None:
        nix_change(config)
        config["argoweb:servers"]["web1"]["redeploy"] = 21

    files = live_files(deployed)
    (program,) = deployed.host_root().glob("var/lib/argoweb-deploy/staging/*/server.sh")
    sent_before = program.stat().st_mtime_ns
    assert len(PACKED_PROGRAM) > WITHIN_THE_PROGRAM + 1000
    cut = deployed.host_root().with_name("cut-ssh-after")
    with deployed.changed(redeploy):
        cut.write_text(str(WITHIN_THE_PROGRAM))
        failed = deployed.pulumi("up", "--yes", "--skip-preview", check=False)
        cut.unlink()

        assert failed.returncode != 0
        assert program.stat().st_mtime_ns == sent_before
        assert live_files(deployed) == files
        assert "this is app" in deployed.get("app.example.localhost")[1]
        deployed.up()
        assert "this is status" in deployed.get("app.example.localhost")[1]
