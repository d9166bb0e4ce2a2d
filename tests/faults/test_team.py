"""A state that a team shares in S3: it moves there, one works at a time, and what was cut off goes on."""

import getpass
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import World
from tests.faults.killing import begun, kill
from tests.faults.s3 import ACCESS, make_bucket, make_key, s3
from tests.faults.test_renamed import goes_on, gone, is_now, secret_of

pytestmark = pytest.mark.long


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where an S3 server with a bucket `team` is."""
    with s3(tmp_path / "moto.log") as address:
        make_bucket(address, "team")
        yield address


def into_the_bucket(world: World, address: str) -> None:
    """Moves the stack from its files into the bucket, as docs/team.md has it."""
    world.variables |= ACCESS
    world.pulumi("stack", "export", "--file", "state.json")
    files = world.variables.pop("PULUMI_BACKEND_URL")
    url = f"s3://team?endpoint={address}&disableSSL=true&s3ForcePathStyle=true"
    world.pulumi("login", url)
    world.pulumi("stack", "init", "sandbox")
    world.pulumi("stack", "import", "--file", "state.json")
    (world.root / "state.json").unlink()
    assert world.planned() == {}
    world.pulumi("login", files)
    world.pulumi("stack", "rm", "--force", "--yes", "--preserve-config", "sandbox")
    world.pulumi("login", url)


def serves(status: int) -> Any:
    """A change of the stack file: another answer of one site."""

    def change(config: dict[str, Any]) -> None:
        site = {"hostname": "tea.example.localhost", "service": f"http_status:{status}"}
        others = [each for each in config["argoweb:sites"] if each["hostname"] != site["hostname"]]
        config["argoweb:sites"] = [*others, site]

    return change


def test_a_stack_moves_into_a_bucket_and_one_of_the_team_works_at_a_time(
    fresh: World, address: str
) -> None:
    fresh.up()
    secret = secret_of(fresh)
    into_the_bucket(fresh, address)

    # Of the team is who has the passphrase.
    mine = fresh.variables.pop("PULUMI_CONFIG_PASSPHRASE_FILE")
    fresh.variables["PULUMI_CONFIG_PASSPHRASE"] = "another"
    refused = fresh.pulumi("preview", check=False)
    assert "incorrect passphrase" in refused.stdout + refused.stderr
    fresh.variables["PULUMI_CONFIG_PASSPHRASE"] = Path(mine).read_text().strip()
    assert fresh.planned() == {}

    # Two at once: the second one is refused, and told by whom.
    fresh.edit(serves(418))
    first = begun(fresh)
    second = fresh.pulumi("up", "--yes", "--skip-preview", check=False)
    said = second.stdout + second.stderr
    assert second.returncode != 0
    assert "the stack is currently locked by 1 lock(s)" in said
    assert f"created by {getpass.getuser()}@{socket.gethostname()} (pid {first.pid})" in said
    assert first.communicate(timeout=300)[0] is not None
    assert first.returncode == 0
    assert fresh.get("tea.example.localhost")[0] == 418

    # One that is killed leaves its lock; cancelled, the next one goes on.
    fresh.edit(serves(503))
    killed = begun(fresh)
    kill(killed)
    killed.communicate(timeout=60)
    refused = fresh.pulumi("up", "--yes", "--skip-preview", check=False)
    assert "locked by 1 lock(s)" in refused.stdout + refused.stderr
    fresh.pulumi("cancel", "--yes")
    deadline = time.monotonic() + 300
    while fresh.pulumi("up", "--yes", "--skip-preview", check=False).returncode != 0:
        assert time.monotonic() < deadline
    assert fresh.get("tea.example.localhost")[0] == 503
    assert fresh.planned() == {}

    # By another name and in another project it is the same.
    fresh.pulumi("stack", "rename", "organization/shop/other")
    is_now(fresh, "shop", "other")
    goes_on(fresh, "shop/other")
    fresh.pulumi("destroy", "--yes", "--skip-preview")
    gone(fresh, secret)


def test_a_key_management_service_takes_the_passphrases_place(fresh: World, address: str) -> None:
    fresh.up()
    into_the_bucket(fresh, address)
    fresh.variables |= {"AWS_ENDPOINT_URL": f"http://{address}"}
    key = make_key(address)

    fresh.pulumi("stack", "change-secrets-provider", f"awskms://{key}?region=eu-central-1")
    del fresh.variables["PULUMI_CONFIG_PASSPHRASE_FILE"]

    assert "awskms://" in fresh.stack_file.read_text()
    assert fresh.planned() == {}
    fresh.edit(serves(418))
    fresh.up()
    assert fresh.get("tea.example.localhost")[0] == 418
    fresh.pulumi("destroy", "--yes", "--skip-preview")
