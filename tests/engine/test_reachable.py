"""Sites that `pulumi up` asks for through the edge, as a visitor does: by TLS and by their names."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.world import World
from tests.engine.worlds import started

ASKS = "reachable"


def sites(config: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = config["argoweb:sites"]
    return found


def asks(config: dict[str, Any]) -> None:
    config["argoweb:health"]["edge"] = True


def breaks(config: dict[str, Any]) -> None:
    sites(config)[1]["proxy"] = "127.0.0.1:3999"
    config["argoweb:health"]["timeout"] = 6
    sites(config).append({"hostname": "two.deep.example.localhost", "root": "/srv/www"})


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The example with its site behind Access, deployed without a look at the edge, as by an earlier version."""
    with started(tmp_path_factory.mktemp("guarded"), protected=True) as world:
        world.up()
        world.edit(asks)
        yield world


def test_a_state_of_before_gets_one_resource_which_asks_and_then_rests(guarded: World) -> None:
    planned = guarded.planned()

    guarded.up()

    assert {n: op for n, op in planned.items() if "argoweb-" not in n} == {ASKS: "create"}
    assert guarded.planned() == {}
    stack = guarded.pulumi("stack", "output", "--json").stdout
    assert "https://members.example.localhost/" in stack, "its login is an answer"


def test_what_does_not_answer_fails_the_up_by_its_name_and_hop_until_it_is_mended(
    guarded: World,
) -> None:
    guarded.converge()
    with guarded.changed(breaks):
        planned = guarded.planned()
        failed = guarded.pulumi("up", "--yes", "--skip-preview", check=False)

    assert planned[ASKS] == "update"
    assert failed.returncode != 0
    output = failed.stdout + failed.stderr
    assert 'exit status 1: running "ask each new hostname through Cloudflare"' in output
    assert (
        "https://app.example.localhost/: 502; it is the server: cloudflared does not reach"
        in output
    )
    assert "https://two.deep.example.localhost/: TLS fails; it is the certificate" in output
    assert "https://www.example.localhost/: " not in output
    assert "eval" not in output
    assert guarded.get("two.deep.example.localhost")[0] == 200, "what was changed stays"
    guarded.up()
    assert guarded.planned() == {}


def test_a_destroy_asks_nothing(guarded: World) -> None:
    guarded.control("/weather", {"gone": True})

    guarded.pulumi("destroy", "--yes", "--skip-preview")


@pytest.mark.long
def test_an_account_that_refuses_hostnames_fails_the_up_until_the_stack_names_its_team(
    fresh: World,
) -> None:
    def refused_soon(config: dict[str, Any]) -> None:
        config["argoweb:health"] |= {"edge": True, "timeout": 6}

    account = fresh.api("GET", "/accounts")[0]["id"]
    path = f"/accounts/{account}/access/organizations"
    fresh.api("PUT", path, {"deny_unmatched_requests": True})

    with fresh.changed(refused_soon):
        failed = fresh.pulumi("up", "--yes", "--skip-preview", check=False)
    fresh.edit(lambda config: config.update({"argoweb:access": {"team": "sandbox"}}))
    fresh.edit(asks)
    fresh.up()

    assert failed.returncode != 0
    told = "https://www.example.localhost/: 403 with error code 1043; it is the account"
    assert told in failed.stdout + failed.stderr
    assert fresh.get("www.example.localhost")[0] == 200
    assert fresh.planned() == {}
