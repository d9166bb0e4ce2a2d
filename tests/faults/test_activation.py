"""Whatever fails on the server, the old configuration serves on and the user is told."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.world import World
from tests.faults.faults import Faults

Change = Callable[[dict[str, Any]], None]


def nix_change(config: dict[str, Any]) -> None:
    """Needs a rebuild; and a site moves, so that the new configuration can be told from the old one."""
    config["argoweb:caddy"] = {"group": "webProxy"}
    config["argoweb:sites"][1]["proxy"] = "127.0.0.1:3001"


def caddys_mistake(config: dict[str, Any]) -> None:
    config["argoweb:sites"][1].pop("proxy")
    config["argoweb:sites"][1]["caddyfile"] = "no_such_directive"


def cloudflareds_mistake(config: dict[str, Any]) -> None:
    # Go knows \\pL, the sandbox's cloudflared does not.
    config["argoweb:sites"][2]["path"] = r"^/\pL"


def no_health(config: dict[str, Any]) -> None:
    config["argoweb:sites"][1]["proxy"] = "127.0.0.1:3001"
    config["argoweb:health"] = {"timeout": 15, "urls": ["http://127.0.0.1:9/"]}


def live_files(world: World) -> dict[str, tuple[bytes, int, int]]:
    root = world.host_root()
    paths = [*root.glob("etc/caddy/argoWeb.*"), *root.glob("var/lib/argoWeb/*.json")]
    return {p.name: (p.read_bytes(), p.stat().st_mode, p.stat().st_uid) for p in paths}


UNTOUCHED = "STATE: nothing was changed on this server; it runs what it ran before."
TAKEN_BACK = "STATE: the new configuration failed and was taken back; the server serves what it served before."


@pytest.mark.parametrize(
    ("step", "change", "state"),
    [
        pytest.param(
            "rebuild-evaluate", nix_change, UNTOUCHED, id="evaluation", marks=pytest.mark.long
        ),
        pytest.param("rebuild-build", nix_change, UNTOUCHED, id="build", marks=pytest.mark.long),
        pytest.param("", caddys_mistake, UNTOUCHED, id="caddy refuses", marks=pytest.mark.long),
        pytest.param(
            "", cloudflareds_mistake, UNTOUCHED, id="cloudflared refuses", marks=pytest.mark.long
        ),
        pytest.param("switch-check", nix_change, TAKEN_BACK, id="switch", marks=pytest.mark.long),
        pytest.param("", no_health, TAKEN_BACK, id="health"),
    ],
)
def test_a_failure_leaves_the_old_configuration_serving(
    deployed: World, faults: Faults, step: str, change: Change, state: str
) -> None:
    if change is cloudflareds_mistake and deployed.status["cloudflared"].startswith("real"):
        pytest.skip(
            "wants the imitated cloudflared: what the real one refuses is refused at the preview"
        )
    files, system = live_files(deployed), deployed.ssh("readlink -f /run/current-system")
    secret = json.loads(deployed.ssh("cat /var/lib/argoWeb/*.json"))["TunnelSecret"]
    default = deployed.ssh("readlink -f /nix/var/nix/profiles/system; cat /boot/nixos-default")
    if step:
        faults.fail(step)

    with deployed.changed(change):
        result = deployed.pulumi("up", "--yes", "--skip-preview", check=False)

    assert result.returncode != 0
    assert state in result.stdout + result.stderr
    assert secret not in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert live_files(deployed) == files
    assert deployed.ssh("readlink -f /run/current-system") == system
    assert (
        deployed.ssh("readlink -f /nix/var/nix/profiles/system; cat /boot/nixos-default") == default
    )
    assert "this is app" in deployed.get("app.example.localhost")[1]


@pytest.mark.long
@pytest.mark.parametrize(
    ("step", "report", "warning"),
    [
        ("switch-units", "reports failed units (exit 4)", "switch-units"),
        ("switch-activate", "reports a failed activation script (exit 2)", "switch-script"),
    ],
)
def test_what_others_have_broken_is_told_apart_from_our_own_failure(
    deployed: World, faults: Faults, step: str, report: str, warning: str
) -> None:
    faults.fail(step)

    with deployed.changed(nix_change):
        output = deployed.up()

        assert report in output
        assert f"[{warning}]" in output
        assert "done: the tunnel is connected" in output
        assert "this is status" in deployed.get("app.example.localhost")[1]


@pytest.mark.long
def test_what_others_have_broken_can_be_accepted(deployed: World, faults: Faults) -> None:
    def accepted(config: dict[str, Any]) -> None:
        nix_change(config)
        config["argoweb:accept"] = ["switch-units", "path-slash"]

    faults.fail("switch-units")

    with deployed.changed(accepted):
        output = deployed.up()

        assert "(exit 4)" not in output
        assert "Warnings that argoweb:accept silences: switch-units (1)." in output
        assert "done: the tunnel is connected" in output


@pytest.mark.long
def test_a_boot_default_that_cannot_be_set_takes_everything_back(
    deployed: World, faults: Faults
) -> None:
    faults.fail("switch-bootloader")

    with deployed.changed(nix_change):
        result = deployed.pulumi("up", "--yes", "--skip-preview", check=False)

    assert TAKEN_BACK in result.stdout + result.stderr
    assert "this is app" in deployed.get("app.example.localhost")[1]
    assert deployed.ssh("readlink -f /nix/var/nix/profiles/system") == deployed.ssh(
        "readlink -f /run/current-system"
    )


@pytest.mark.long
def test_a_missing_import_line_is_asked_for_and_never_added(fresh: World) -> None:
    configuration = fresh.host_root() / "etc/nixos/configuration.nix"
    good = configuration.read_text()
    bare = "\n".join(line for line in good.splitlines() if "imports" not in line)
    configuration.write_text(bare)

    result = fresh.pulumi("up", "--yes", "--skip-preview", check=False)

    assert "does not import ours" in result.stdout + result.stderr
    assert good.partition("imports = [ ")[2].partition("\n")[0] in result.stdout + result.stderr
    assert configuration.read_text() == bare
    configuration.write_text(good)
    fresh.up()
    assert fresh.get("www.example.localhost")[0] == 200


@pytest.mark.long
def test_a_server_of_another_deployment_is_left_alone(deployed: World, faults: Faults) -> None:
    owner = deployed.host_root() / "var/lib/argoweb-deploy/owner"
    mine = owner.read_text()
    owner.write_text("argoweb/other/web1 root@192.0.2.1:22\n")

    with deployed.changed(nix_change):
        result = deployed.pulumi("up", "--yes", "--skip-preview", check=False)
    owner.write_text(mine)

    assert "belongs to the deployment 'argoweb/other/web1" in result.stdout + result.stderr
    assert "this is app" in deployed.get("app.example.localhost")[1]


@pytest.mark.long
def test_a_lost_staging_folder_is_named_and_redeploy_mends_it(
    deployed: World, faults: Faults
) -> None:
    def redeploy(config: dict[str, Any]) -> None:
        nix_change(config)
        config["argoweb:servers"]["web1"]["redeploy"] = 1

    deployed.ssh("rm -rf /var/lib/argoweb-deploy/staging")
    with deployed.changed(nix_change):
        result = deployed.pulumi("up", "--yes", "--skip-preview", check=False)
    with deployed.changed(redeploy):
        deployed.up()
        assert "this is status" in deployed.get("app.example.localhost")[1]

    assert "Raise argoweb:servers.<name>.redeploy by one" in result.stdout + result.stderr


@pytest.mark.long
def test_identical_files_cost_nothing(deployed: World, faults: Faults) -> None:
    def redeploy(config: dict[str, Any]) -> None:
        config["argoweb:servers"]["web1"]["redeploy"] = 7

    before = deployed.ssh("systemctl show -p InvocationID argoWeb caddy")
    with deployed.changed(redeploy):
        plan = deployed.planned()
        deployed.up()

    assert plan["web1-server.sh"] == "update"
    assert deployed.ssh("systemctl show -p InvocationID argoWeb caddy") == before
