"""A protected site is never open, whatever breaks off, and nothing of Access is lost to the stack."""

import subprocess
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from sandbox.world import World
from tests.engine.test_access import LOGIN, SITE, ask, protect
from tests.engine.worlds import started
from tests.faults.direct import said
from tests.faults.faults import Faults
from tests.faults.first_up import ACCESS_CALLS, ACCESS_DELETIONS, FAULTS, FirstUp
from tests.faults.killing import kill
from tests.faults.steps import STEPS, power_loss
from tests.faults.test_rotation import STAGING
from tests.faults.watch import Watch, watch


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


@pytest.fixture
def visitor(used: World) -> Iterator[Watch]:
    """Somebody who is not logged in."""
    with watch(used, lambda: ask(used)) as visitor:
        yield visitor


def never_open_again(visitor: Watch) -> None:
    """Once somebody was asked for a login, nobody came in without one."""
    visitor.go_on()
    assert LOGIN in visitor.statuses
    assert 200 not in visitor.statuses[visitor.statuses.index(LOGIN) :]


def ends_well(first: FirstUp) -> None:
    """The next update sees to all, and the one after it takes away what nobody has the secret of."""
    first.world.up()
    assert ask(first.world) == LOGIN
    first.world.up()
    assert first.lost() == set()
    assert {SITE, f"{SITE}/hook/*"} <= {it["body"]["name"] for it in first.of_access()}
    assert first.world.planned() == {}
    assert (ask(first.world), ask(first.world, "/hook/x")) == (LOGIN, 200)
    assert first.world.control("/violations") == []


def test_an_application_whose_maker_was_killed_is_taken_in_and_its_site_is_not_there_until_then(
    first: FirstUp, visitor: Watch
) -> None:
    first.spoil("application", "killed after")
    made = {it["id"] for it in first.of_access()}

    ends_well(first)

    assert 200 not in visitor.statuses
    assert made
    assert made <= {it["id"] for it in first.of_access()}


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
def test_a_site_is_never_open_and_nothing_is_lost_wherever_its_updates_break_off(
    first: FirstUp, visitor: Watch, fault: str
) -> None:
    """Made, opened, closed and torn down, with the fault at each call of each of them."""
    protected = first.world.stack_file.read_text()
    _is_made(first, visitor, fault)

    first.world.edit(_open)
    _ends_as_the_documents_say(first, "up", fault)
    first.world.up()
    assert ask(first.world) == 200

    visitor.begin_anew()
    first.world.stack_file.write_text(protected)
    for calls in _in_turn(("applications", "policy", "application"), fault):
        for _ in first.spoil_each(calls, fault):
            visitor.go_on()
    ends_well(first)
    never_open_again(visitor)

    visitor.begin_anew()
    _ends_as_the_documents_say(first, "destroy", fault)
    first.world.pulumi("destroy", "--yes", "--skip-preview")
    assert 200 not in visitor.statuses
    assert first.of_access() == first.living() == first.world.control("/dump")["records"] == []
    assert not first.state().get("resources")


def _is_made(first: FirstUp, visitor: Watch, fault: str) -> None:
    for calls in _in_turn(ACCESS_CALLS, fault):
        for _ in first.spoil_each(calls, fault):
            assert ask(first.world) != 200
    ends_well(first)
    assert 200 not in visitor.statuses


def _in_turn(calls: Iterable[str], fault: str) -> list[list[str]]:
    """The calls with that for an application twice: the first one is the open path's, the second one the site's own.

    What is refused once is tried again at once, so there is one update for all of them.
    """
    names = [*calls]
    if fault == "refused once":
        return [names]
    end = names.index("application") + 1
    return [each for each in (names[:end], ["application"], names[end:]) if each]


def _ends_as_the_documents_say(first: FirstUp, verb: str, fault: str) -> None:
    """Whatever a deletion came to, a refresh comes after it."""
    for _ in first.spoil_each(ACCESS_DELETIONS, fault, verb):
        first.world.pulumi("refresh", "--yes")


@pytest.mark.long
def test_an_application_that_is_wanted_no_more_is_told_with_a_way_to_end_it(
    first: FirstUp, visitor: Watch
) -> None:
    def whole(config: dict[str, Any]) -> None:
        config["argoweb:sites"][1]["access"] = "staff"

    first.world.edit(_open)
    first.world.up()
    public = first.world.stack_file.read_text()
    first.world.edit(whole)
    first.spoil("application", "killed after")
    visitor.go_on()
    assert visitor.statuses[-2:] == [200, LOGIN]
    with first.world.changed(_open):
        told = first.world.pulumi("preview").stdout
    first.world.up()
    assert first.lost() == set()
    first.world.stack_file.write_text(public)
    first.world.up()

    assert f"'{SITE}' has an Access application (" in told
    assert "made before it broke off" in told
    assert ask(first.world) == 200
    assert first.of_access() == []


def _open(config: dict[str, Any]) -> None:
    config["argoweb:sites"][1]["access"] = "public"


class Turns:
    """A stack whose site is public and protected in turn; each change needs a rebuild too."""

    def __init__(self, world: World) -> None:
        self.world, self.faults = world, Faults(world)
        self.public = world.stack_file.read_text()
        with world.changed(protect), world.changed(_rebuilt):
            self.protected = world.stack_file.read_text()

    def becomes(self, text: str) -> None:
        """The stack file says so from now on."""
        self.world.stack_file.write_text(text)

    def broken(self, step: str, how: str) -> None:
        """An update that ends so at that step on the server."""
        if how == "fails":
            self._failing(step)
            return
        began, logins = time.time(), self.world.logins()
        if step != "push":
            self.faults.hold(step)
        client = subprocess.Popen(
            ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview"],
            cwd=self.world.root,
            env=self.world.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            if step == "push":
                self.world.wait_for(lambda: self.world.logins() > logins)
            else:
                self.world.wait_for(lambda: said(self.world, began, STEPS[step]))
            match how:
                case "killed":
                    self.world.ssh("systemctl kill --kill-who=main --signal=KILL argoweb-deploy")
                case "without power":
                    power_loss(self.world)
                case "its client killed":
                    kill(client)
            self.faults.clear()
            client.wait(300)
        finally:
            if client.poll() is None:
                kill(client)
                client.wait()
            self.world.pulumi("cancel", "--yes", check=False)

    def _failing(self, step: str) -> None:
        if step == "push":
            self.world.ssh(f"mv {STAGING} {STAGING}.away && touch {STAGING}")
        else:
            self.faults.fail(step)
        result = self.world.pulumi("up", "--yes", "--skip-preview", check=False)
        self.faults.clear()
        if step == "push":
            self.world.ssh(f"rm {STAGING} && mv {STAGING}.away {STAGING}")
        assert result.returncode != 0


def _rebuilt(config: dict[str, Any]) -> None:
    config["argoweb:caddy"] = {"group": "webProxy"}


@pytest.fixture
def turns(used: World) -> Iterator[Turns]:
    """A stack that was deployed with a public site."""
    turns = Turns(used)
    used.up()
    yield turns
    turns.faults.clear()
    turns.becomes(turns.public)
    FirstUp(used).forget()


def breaks_off_both_ways(turns: Turns, visitor: Watch, step: str, how: str) -> None:
    """An update breaks off as the site becomes protected, and one as it becomes public."""
    visitor.begin_anew()
    turns.becomes(turns.protected)
    turns.broken(step, how)
    never_open_again(visitor)
    turns.world.up()
    assert ask(turns.world) == LOGIN
    turns.becomes(turns.public)
    turns.broken(step, how)
    never_open_again(visitor)
    assert turns.world.control("/violations") == []


def test_a_site_that_becomes_protected_or_public_is_never_open_between_when_the_server_is_killed(
    turns: Turns, visitor: Watch
) -> None:
    breaks_off_both_ways(turns, visitor, "switch-activate", "killed")


@pytest.mark.long
@pytest.mark.parametrize(
    "step", ["push", "rebuild-build", "switch-check", "switch-activate", "switch-bootloader"]
)
def test_no_step_of_the_server_that_breaks_off_opens_a_protected_site(
    turns: Turns, visitor: Watch, step: str
) -> None:
    hows = ["its client killed"]
    if step != "switch-activate":  # where an activation script fails, an update only says so
        hows.append("fails")
    if step != "push":
        hows += ["killed", "without power"]
    for how in hows:
        breaks_off_both_ways(turns, visitor, step, how)
        turns.becomes(turns.protected)
        turns.world.up()
        assert turns.world.planned() == {}
        never_open_again(visitor)
        turns.becomes(turns.public)
        turns.world.up()
        assert ask(turns.world) == 200
