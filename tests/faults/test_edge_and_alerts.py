"""The edge check and the notification, made again, forgotten or edited at somebody's word, and spoilt meanwhile."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.world import World
from tests.engine.test_records import SECRET, hand_made
from tests.engine.worlds import started
from tests.faults.first_up import ALERTS_DELETIONS, FAULTS, FirstUp
from tests.faults.test_replaced import LEFT, SITES, killed, serving, up, urns

pytestmark = pytest.mark.long

ASKS, TELLS = "reachable", "alerts"
OPERATIONS = ("replace", "taint", "target", "target-replace", "delete", "destroy")
KEEPS = ("target", "delete")
"""After which of `OPERATIONS` the notification is the one of before."""


def watched(config: dict[str, Any]) -> None:
    config["argoweb:health"]["edge"] = True
    config["argoweb:alerts"] = {"email": "ann@example.com"}


def unwatched(config: dict[str, Any]) -> None:
    config["argoweb:health"]["edge"] = False
    del config["argoweb:alerts"]


def for_bob(config: dict[str, Any]) -> None:
    config["argoweb:alerts"] = {"email": "bob@example.com", "when": "down"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A deployed world; at its end `destroy` takes all of it away, whatever was done to it."""
    with started(tmp_path_factory.mktemp("watched")) as world:
        world.edit(watched)
        world.up()
        yield world
        world.pulumi("destroy", "--yes", "--skip-preview")
        assert FirstUp(world).of_access() == FirstUp(world).living() == []
        assert world.ssh(LEFT, check=False) == ""


def notifications(world: World) -> dict[str, dict[str, Any]]:
    """What Cloudflare has of them, by id."""
    return {each["id"]: each["body"] for each in FirstUp(world).of_access()}


def noted(world: World, name: str) -> dict[str, Any]:
    """The outputs that the state has of a resource."""
    found: dict[str, Any]
    (found,) = [
        each["outputs"]
        for each in FirstUp(world).state()["resources"]
        if each["urn"].endswith(f"::{name}") and not each.get("delete")
    ]
    return found


def goes_on(world: World) -> None:
    """Nothing is lost or there twice, each site has answered, and nothing is left to do."""
    world.up()
    assert world.planned() == {}
    assert FirstUp(world).lost() == set()
    (body,) = notifications(world).values()
    assert body["mechanisms"]["email"] == [{"id": "ann@example.com"}]
    assert body["filters"]["tunnel_id"] == [each["id"] for each in FirstUp(world).living()]
    assert len(noted(world, ASKS)["stdout"].split()) == len(SITES)
    assert serving(world) == [200, 200, 200]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("name", [ASKS, TELLS])
def test_it_is_there_once_and_says_the_same(table: World, name: str, operation: str) -> None:
    before, urn = notifications(table), urns(table)[name]
    words = [f"--{operation}", urn]
    if operation in ("taint", "delete"):
        table.pulumi("state", operation, "--yes", urn)
        words = []
    if operation == "destroy":
        table.pulumi("destroy", "--yes", "--skip-preview", "--target", urn)
        words = []

    up(table, *words)

    goes_on(table)
    kept = name == ASKS or operation in KEEPS
    assert (notifications(table).keys() == before.keys()) == kept


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", ["notification", *ALERTS_DELETIONS])
def test_one_that_is_made_again_survives_what_becomes_of_a_call(
    table: World, call: str, fault: str
) -> None:
    table.pulumi("state", "taint", "--yes", urns(table)[TELLS])
    FirstUp(table).spoil(call, fault)
    if call in ALERTS_DELETIONS:  # as the documents say
        table.pulumi("refresh", "--yes")

    table.up()  # of two of one name it takes in the second, which the next update deletes
    if call in ALERTS_DELETIONS:
        # Pulumi deleted the old one beside that: of what its state has marked for deletion a program is not told.
        table.pulumi("refresh", "--yes")

    goes_on(table)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_destroy_whose_deletion_of_it_is_spoilt_ends_after_a_refresh(
    table: World, fault: str
) -> None:
    first = FirstUp(table)
    for _ in first.spoil_each(ALERTS_DELETIONS, fault, "destroy"):
        table.pulumi("refresh", "--yes")

    table.pulumi("destroy", "--yes", "--skip-preview")

    assert first.of_access() == first.living() == []
    table.up()
    goes_on(table)


def test_a_forgotten_one_is_taken_in_where_its_receivers_have_changed_meanwhile(
    table: World,
) -> None:
    before = notifications(table).keys()
    table.pulumi("state", "delete", "--yes", urns(table)[TELLS])

    with table.changed(for_bob):
        table.up()
        (body,) = notifications(table).values()
        assert body["mechanisms"]["email"] == [{"id": "bob@example.com"}]
        assert table.planned() == {}

    goes_on(table)
    assert notifications(table).keys() == before


def test_a_second_one_for_other_receivers_is_taken_in_and_deleted(table: World) -> None:
    ((before, body),) = notifications(table).items()
    account = noted(table, TELLS)["accountId"]
    other = {"email": [{"id": "bob@example.com"}]}
    table.api("POST", f"/accounts/{account}/alerting/v3/policies", {**body, "mechanisms": other})

    said = table.up()

    assert "is there twice" in said
    goes_on(table)
    assert [*notifications(table)] == [before]


@pytest.mark.parametrize("how", ["PUT", "DELETE"])
def test_what_was_done_to_it_in_the_dashboard_is_undone_by_a_refresh(
    table: World, how: str
) -> None:
    ((id, body),) = notifications(table).items()
    account = noted(table, TELLS)["accountId"]
    changed = {**body, "enabled": False} if how == "PUT" else None
    table.api(how, f"/accounts/{account}/alerting/v3/policies/{id}", changed)

    table.up("--refresh")

    goes_on(table)
    assert all(each.get("enabled", True) for each in notifications(table).values())


def test_both_go_and_come_with_their_keys(table: World) -> None:
    with table.changed(unwatched):
        planned = table.planned()
        table.up()
        assert notifications(table) == {}
        assert table.planned() == {}

    assert planned == {ASKS: "delete", TELLS: "delete"}
    goes_on(table)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", [ASKS, TELLS])
def test_an_up_that_is_killed_while_it_makes_it_again_loses_nothing(
    table: World, name: str, seed: int
) -> None:
    seconds = random.Random(seed).uniform(2, 8)

    killed(table, seconds, "--replace", urns(table)[name])

    table.up()
    goes_on(table)


def test_one_that_a_destroy_did_not_know_is_taken_in_for_the_next_tunnel(table: World) -> None:
    before = notifications(table).keys()
    table.pulumi("state", "delete", "--yes", urns(table)[TELLS])
    table.pulumi("destroy", "--yes", "--skip-preview")

    table.up()

    goes_on(table)
    assert notifications(table).keys() == before


def test_both_are_there_again_when_the_state_is_lost(table: World) -> None:
    before = notifications(table).keys()
    FirstUp(table).lose_state()

    table.up()

    goes_on(table)
    assert notifications(table).keys() == before


def test_an_imported_tunnel_gets_its_secret_once_the_changed_receivers_are_told(
    fresh: World,
) -> None:
    """The provider would leave all texts out of what it sends of the notification after the secret (`existing/tunnel.py`)."""
    tunnel = hand_made(fresh)

    def taken_over(config: dict[str, Any]) -> None:
        config["argoweb:tunnel"] = {"importId": tunnel}
        config["argoweb:sites"][2]["dns"] = {"adopt": True}
        config["argoweb:alerts"] = {"email": "ann@example.com"}

    def both(config: dict[str, Any]) -> None:
        config["argoweb:tunnel"]["secretVersion"] = 2
        for_bob(config)

    fresh.edit(taken_over)
    fresh.up()
    fresh.edit(both)

    said = fresh.up()

    assert "The tunnel keeps its secret in this update" in said
    assert [each["secret"] for each in FirstUp(fresh).living()] == [SECRET]
    (body,) = notifications(fresh).values()
    assert body["mechanisms"]["email"] == [{"id": "bob@example.com"}]
    fresh.up()
    assert [each["secret"] == SECRET for each in FirstUp(fresh).living()] == [False]
    assert fresh.planned() == {}
    assert fresh.control("/violations") == []
