"""What somebody does to a protected site beside `pulumi up`: Pulumi's other commands, the dashboard, other names."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from sandbox.world import World
from tests.engine.test_access import LOGIN, REFUSED, SITE, ask, protect, token
from tests.engine.test_records import SECRET, hand_made
from tests.engine.worlds import started
from tests.faults.first_up import FirstUp
from tests.faults.test_renamed import is_now
from tests.faults.test_replaced import urns
from tests.faults.watch import Watch, watch

pytestmark = pytest.mark.long

APPLICATION, POLICY = f"access-{SITE}", "access-policy-staff"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A protected site; `destroy` leaves nothing of it, whatever was done."""
    with started(tmp_path_factory.mktemp("by-hand")) as world:
        world.edit(protect)
        world.up()
        yield world
        world.pulumi("destroy", "--yes", "--skip-preview")
        of_it = FirstUp(world)
        assert of_it.of_access() == of_it.living() == world.control("/dump")["records"] == []
        assert not of_it.state().get("resources")
        assert world.control("/violations") == []


@pytest.fixture
def visitor(world: World) -> Iterator[Watch]:
    """Somebody who is not logged in, and never comes in."""
    with watch(world, lambda: ask(world)) as visitor:
        yield visitor
    assert 200 not in visitor.statuses


def goes_on(world: World) -> None:
    """Nothing is lost and nothing is left to do, and who may come in does."""
    assert FirstUp(world).lost() == set()
    assert world.planned() == {}
    assert (ask(world), ask(world, "/hook/x"), ask(world, **token(world))) == (LOGIN, 200, 200)


def of_access(world: World) -> dict[str, dict[str, Any]]:
    """What there is of Access, by id."""
    return {each["id"]: each["body"] for each in FirstUp(world).of_access()}


def at_cloudflare(world: World, method: str, path: str, body: object = None) -> Any:
    """What somebody does in the dashboard."""
    account = yaml.safe_load(world.stack_file.read_text())["config"]["argoweb:accountId"]
    return world.api(method, f"/accounts/{account}/access/{path}", body)


def id_of(world: World, name: str) -> str:
    """The id of what has this name at Cloudflare."""
    (found,) = [id for id, body in of_access(world).items() if body["name"] == name]
    return found


@pytest.mark.parametrize("how", ["taint", "replace"])
def test_an_application_that_would_be_replaced_is_refused_with_advice_that_works(
    world: World, visitor: Watch, how: str
) -> None:
    urn = urns(world)[APPLICATION]
    if how == "taint":
        world.pulumi("state", "taint", "--yes", urn)
    words = ["--replace", urn] if how == "replace" else []

    refused = world.pulumi("up", "--yes", *words, check=False)
    said = refused.stdout + refused.stderr
    (advice,) = set(re.findall("pulumi (state untaint --yes '[^']*')", said))
    unasked = world.pulumi("up", "--yes", "--skip-preview", *words, check=False)
    if how == "taint":
        world.pulumi(*shlex.split(advice))

    assert refused.returncode != 0
    assert f"The Access application of '{SITE}' would be replaced" in said
    assert unasked.returncode != 0
    assert "11010" in unasked.stdout + unasked.stderr
    assert visitor.statuses == [LOGIN]
    goes_on(world)


@pytest.mark.parametrize("what", ["policy", "token"])
def test_policies_and_tokens_are_made_again_and_nobody_comes_in_between(
    world: World, visitor: Watch, what: str
) -> None:
    before = of_access(world).keys()

    world.up("--replace", f"**::access-{what}-**")

    assert len(before - of_access(world).keys()) == {"policy": 3, "token": 1}[what]
    assert visitor.statuses == [LOGIN]
    goes_on(world)


def test_a_policy_that_was_deleted_in_the_dashboard_stops_the_preview_until_it_is_made_again(
    world: World, visitor: Watch
) -> None:
    application = id_of(world, SITE)
    body = of_access(world)[application]
    policy = next(id for id, it in of_access(world).items() if it["name"].startswith("staff ("))
    kept = [each for each in body["policies"] if each["id"] != policy]
    by_hand = {"name": SITE, "type": "self_hosted", "destinations": body["destinations"]}
    at_cloudflare(world, "PUT", f"apps/{application}", {**by_hand, "policies": kept})
    at_cloudflare(world, "DELETE", f"policies/{policy}")

    refused = world.pulumi("up", "--yes", "--skip-preview", check=False)
    world.pulumi("refresh", "--yes")
    world.up()

    assert refused.returncode != 0
    assert "The Access policy 'staff (" in refused.stdout
    assert "that this stack made is gone at Cloudflare" in refused.stdout
    goes_on(world)


def test_an_application_that_was_made_anew_in_the_dashboard_is_refused_until_it_is_the_stacks(
    world: World, visitor: Watch
) -> None:
    application = id_of(world, SITE)
    at_cloudflare(world, "DELETE", f"apps/{application}")
    # With the one of before gone, the server alone stands there: it takes no other one's token.
    visitor.go_on()
    assert visitor.statuses[-1] == REFUSED
    anyone = {"name": "p", "decision": "bypass", "include": [{"everyone": {}}]}
    policy = at_cloudflare(world, "POST", "policies", anyone)["id"]
    theirs = {"name": "by hand", "type": "self_hosted", "domain": SITE}
    policies = [{"id": policy, "precedence": 1}]
    other = at_cloudflare(world, "POST", "apps", {**theirs, "policies": policies})
    visitor.go_on()
    assert visitor.statuses[-1] == REFUSED

    gone = world.pulumi("preview", check=False)
    world.pulumi("refresh", "--yes")
    taken = world.pulumi("preview", check=False)
    at_cloudflare(world, "DELETE", f"apps/{other['id']}")
    at_cloudflare(world, "DELETE", f"policies/{policy}")
    world.up()

    assert (gone.returncode != 0, taken.returncode != 0) == (True, True)
    assert f"The Access application of '{SITE}' that this stack made is gone" in gone.stdout
    assert "has an Access application that is not of this stack: 'by hand'" in taken.stdout
    goes_on(world)


def test_a_target_that_leaves_the_rest_out_opens_nothing(world: World, visitor: Watch) -> None:
    def public(config: dict[str, Any]) -> None:
        config["argoweb:sites"][1]["access"] = "public"

    application, activation = urns(world)[APPLICATION], urns(world)["web1-activate"]
    with world.changed(public):
        first = world.pulumi("up", "--yes", "--skip-preview", "--target", application, check=False)
        visitor.go_on()
    with world.changed(lambda config: config["argoweb:sites"].reverse()):
        world.pulumi("up", "--yes", "--skip-preview", "--target", activation, check=False)
    # The application is gone, or stands there still; the server asks as before.
    assert set(visitor.statuses) <= {LOGIN, REFUSED}, first.stdout
    world.pulumi("refresh", "--yes")
    world.up()
    goes_on(world)


def test_where_the_account_refuses_unknown_hostnames_public_sites_are_served_by_the_next_update(
    world: World, visitor: Watch
) -> None:
    public = "www.example.localhost"
    before = ask(world, "/", public)
    at_cloudflare(world, "PUT", "organizations", {"deny_unmatched_requests": True})
    refused = ask(world, "/", public)
    said = world.up()
    opened = ask(world, "/", public), ask(world)
    at_cloudflare(world, "PUT", "organizations", {"deny_unmatched_requests": False})
    world.up()

    assert (before, refused) == (200, 403)
    assert "Public ones get one that lets everybody in: " in said
    assert opened == (200, LOGIN)
    assert ask(world, "/", public) == 200
    assert visitor.statuses == [LOGIN]
    goes_on(world)


def test_a_new_secret_and_a_new_name_of_the_tunnel_ask_nothing_of_access(
    world: World, visitor: Watch
) -> None:
    before = of_access(world)

    def other(config: dict[str, Any]) -> None:
        config["argoweb:tunnel"] = {"name": "other", "secretVersion": 2}

    world.forget_requests()
    with world.changed(other):
        world.up()
    world.up()
    writes = [it["path"] for it in world.api_requests() if it["method"] != "GET"]

    assert writes
    assert [path for path in writes if "/access/" in path] == []
    assert of_access(world) == before
    goes_on(world)


def test_a_renamed_stack_has_the_same_applications_with_the_same_audiences(
    world: World, visitor: Watch
) -> None:
    before = of_access(world)
    secret = token(world)

    world.pulumi("stack", "rename", "other")
    is_now(world, "argoweb", "other")
    world.up()
    between = of_access(world)
    assert token(world) == secret
    world.pulumi("stack", "rename", "sandbox")
    is_now(world, "argoweb", "sandbox")
    world.up()

    assert between.keys() == before.keys()
    names = {body["name"] for body in between.values()}
    assert {name for name in names if "argoweb/sandbox" in name} == set()
    assert {id: it.get("aud") for id, it in between.items()} == {
        id: it.get("aud") for id, it in before.items()
    }
    assert {id: it["name"] for id, it in of_access(world).items()} == {
        id: it["name"] for id, it in before.items()
    }
    assert visitor.statuses == [LOGIN]
    goes_on(world)


def test_an_imported_tunnel_gets_its_secret_in_the_update_that_sets_up_access(fresh: World) -> None:
    """The provider would leave all texts out of what it sends of Access after the secret (`existing/tunnel.py`)."""
    tunnel = hand_made(fresh)

    def taken_over(config: dict[str, Any]) -> None:
        config["argoweb:tunnel"] = {"importId": tunnel}
        config["argoweb:sites"][2]["dns"] = {"adopt": True}

    def all_at_once(config: dict[str, Any]) -> None:
        protect(config)
        config["argoweb:access"]["serviceTokens"] = {"unused": {}}
        config["argoweb:tunnel"]["secretVersion"] = 2

    fresh.edit(taken_over)
    fresh.up()
    kept = [each["secret"] for each in FirstUp(fresh).living()]
    with watch(fresh, lambda: ask(fresh)) as visitor:
        fresh.edit(all_at_once)
        fresh.up()
        visitor.go_on()

    assert kept == [SECRET]
    assert [each["secret"] == SECRET for each in FirstUp(fresh).living()] == [False]
    assert visitor.statuses == [200, LOGIN]
    goes_on(fresh)
    assert fresh.control("/violations") == []
