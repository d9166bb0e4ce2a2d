"""A stack that gets another name, goes to another project, or is imported into another stack, is the same."""

import json
import shutil
from pathlib import Path

import pytest

from sandbox.world import World
from tests.engine.test_secrets import files_with, secrets_in
from tests.faults.load import load

pytestmark = pytest.mark.long

SITES = ("www.example.localhost", "app.example.localhost", "status.example-two.localhost")
STAGING = "ls /var/lib/argoweb-deploy/staging"


def is_now(world: World, project: str, stack: str) -> None:
    """From here on the stack has this name."""
    project_file = world.root / "Pulumi.yaml"
    _, _, rest = project_file.read_text().partition("\n")
    project_file.write_text(f"name: {project}\n{rest}")
    world.variables["PULUMI_STACK"] = stack
    world.stack_file = world.root / f"Pulumi.{stack}.yaml"


def goes_on(world: World, deployment: str) -> None:
    """Its next update changes nothing for visitors; the server, the records and the staging folder have its name then."""
    plan = world.planned()
    with load(world, *SITES) as visitors:
        output = world.pulumi("up", "--yes", "--skip-preview").stdout

    assert visitors.failed == []
    assert plan["web1-credentials"] == "update"
    assert "tunnel-tunnel" not in plan
    assert "which is the same by its id" in output
    assert "plan: nothing to do" in output
    records = world.control("/dump")["records"]
    assert {record["comment"] for record in records} == {f"argoweb {deployment}"}
    (staging,) = world.ssh(STAGING).split()
    assert staging.startswith(deployment.replace("/", "-"))
    assert world.planned() == {}


def gone(world: World, secret: str) -> None:
    """After `destroy`: neither a folder nor the secret is left, wherever it may have been."""
    layers = world.host_root().parent / "layers" / "upper"
    assert files_with(secret.encode(), layers) == []
    assert not (world.host_root() / "var/lib/argoweb-deploy").exists()
    dump = world.control("/dump")
    assert dump["records"] == []
    assert [tunnel for tunnel in dump["tunnels"] if tunnel["deleted_at"] is None] == []


def secret_of(world: World) -> str:
    exported = world.pulumi("stack", "export", "--show-secrets").stdout
    return secrets_in(json.loads(exported))["base64"]


def test_a_stack_that_is_renamed_moves_to_another_project_and_back_goes_on_and_ends_well(
    fresh: World,
) -> None:
    fresh.up()
    secret = secret_of(fresh)

    fresh.pulumi("stack", "rename", "other")
    is_now(fresh, "argoweb", "other")
    goes_on(fresh, "argoweb/other")
    fresh.pulumi("stack", "rename", "organization/shop/other")
    is_now(fresh, "shop", "other")
    goes_on(fresh, "shop/other")
    # Renamed back, it ends before any update has said so to the server.
    fresh.pulumi("stack", "rename", "organization/argoweb/sandbox")
    is_now(fresh, "argoweb", "sandbox")
    fresh.pulumi("destroy", "--yes", "--skip-preview")

    gone(fresh, secret)


def test_a_renamed_stack_whose_update_broke_off_ends_like_any_other(fresh: World) -> None:
    fresh.up()
    secret = secret_of(fresh)
    fresh.pulumi("stack", "rename", "other")
    is_now(fresh, "argoweb", "other")
    # It is refused by the server when all of its files are there under the new name.
    fresh.ssh("echo elsewhere/else/web1 a 00000000 >/var/lib/argoweb-deploy/owner")
    refused = fresh.pulumi("up", "--yes", "--skip-preview", check=False)
    assert refused.returncode != 0
    assert len(fresh.ssh(STAGING).split()) == 2

    fresh.pulumi("destroy", "--yes", "--skip-preview")

    gone(fresh, secret)


def test_a_state_that_is_imported_into_another_project_goes_on_there_and_not_in_both(
    fresh: World,
) -> None:
    fresh.up()
    secret = secret_of(fresh)
    exported = Path(fresh.root / "exported.json")
    fresh.pulumi("stack", "export", "--file", str(exported))
    del fresh.variables["PULUMI_STACK"]
    before = fresh.stack_file
    is_now(fresh, "shop", "copy")
    del fresh.variables["PULUMI_STACK"]
    fresh.pulumi("stack", "init", "copy")
    is_now(fresh, "shop", "copy")
    shutil.copy(before, fresh.stack_file)
    fresh.pulumi("stack", "import", "--force", "--file", str(exported))

    goes_on(fresh, "shop/copy")

    is_now(fresh, "argoweb", "sandbox")
    refused = fresh.pulumi("preview", check=False)
    assert refused.returncode != 0
    assert "the stack shop/copy has marked it as its own since" in refused.stdout + refused.stderr
    fresh.pulumi("stack", "rm", "--force", "--yes", "--preserve-config", "sandbox")
    is_now(fresh, "shop", "copy")
    fresh.pulumi("destroy", "--yes", "--skip-preview")
    gone(fresh, secret)
