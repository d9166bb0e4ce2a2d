"""A protected site is never open, wherever its first update breaks off, and nothing of Access is lost to the stack."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.test_access import LOGIN, SITE, ask, protect
from tests.engine.world import World
from tests.engine.worlds import started
from tests.faults.first_up import ACCESS_CALLS, FAULTS, FirstUp


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sandbox for all rows."""
    with started(tmp_path_factory.mktemp("access")) as world:
        yield world


@pytest.fixture
def first(used: World) -> Iterator[FirstUp]:
    """A stack with a protected site that was never deployed."""
    before = used.stack_file.read_text()
    used.edit(protect)
    first = FirstUp(used)
    yield first
    used.stack_file.write_text(before)
    first.forget()


def ends_well(first: FirstUp) -> None:
    """The next update sees to all, and the one after it takes away what nobody has the secret of."""
    first.world.up()
    assert ask(first.world) == LOGIN
    first.world.up()
    assert first.lost() == set()
    assert {SITE, f"{SITE}/hook/*"} <= {it["body"]["name"] for it in first.of_access()}
    first.world.up("--expect-no-changes")
    assert (ask(first.world), ask(first.world, "/hook/x")) == (LOGIN, 200)
    assert first.world.control("/violations") == []


def test_an_application_whose_maker_was_killed_is_taken_in_and_its_site_is_not_there_until_then(
    first: FirstUp,
) -> None:
    first.spoil("application", "killed after")
    made = {it["id"] for it in first.of_access()}
    meanwhile = ask(first.world)

    ends_well(first)

    assert meanwhile != 200
    assert made
    assert made <= {it["id"] for it in first.of_access()}


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", ACCESS_CALLS)
def test_a_first_update_that_breaks_off_leaves_the_site_protected_or_absent(
    first: FirstUp, call: str, fault: str
) -> None:
    first.spoil(call, fault)
    meanwhile = ask(first.world)

    ends_well(first)

    assert meanwhile != 200


CHANGES = {
    "applications": ("GET", r"/access/apps$"),
    "policy": ("POST", r"/access/policies$"),
    "application": ("POST", r"/access/apps$"),
}


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CHANGES)
def test_a_public_site_becomes_protected_for_good_by_the_next_update(
    first: FirstUp, call: str, fault: str
) -> None:
    protected = first.world.stack_file.read_text()
    first.world.edit(_open)
    first.world.up()
    first.world.stack_file.write_text(protected)
    first.spoil(call, fault)

    ends_well(first)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ["apps", "policies", "service_tokens"])
def test_a_tear_down_that_breaks_off_is_ended_by_what_the_documents_say(
    first: FirstUp, kind: str, fault: str
) -> None:
    first.world.up()
    fault_there = {"method": "DELETE", "path_regex": f"/access/{kind}/", **FAULTS[fault]}
    first.world.control(
        "/faults", {key: value for key, value in fault_there.items() if key != "delay_ms"}
    )
    first.world.pulumi("destroy", "--yes", "--skip-preview", check=False)
    meanwhile = ask(first.world)
    first.clear()
    first.world.pulumi("refresh", "--yes")
    first.world.pulumi("destroy", "--yes", "--skip-preview")

    assert meanwhile != 200
    assert first.of_access() == first.living() == first.world.control("/dump")["records"] == []
    assert not first.state().get("resources")


def _open(config: dict[str, Any]) -> None:
    config["argoweb:sites"][1]["access"] = "public"
