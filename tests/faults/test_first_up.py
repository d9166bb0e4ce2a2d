"""Nothing that Cloudflare has made is lost to the stack, wherever its first update breaks off."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.world import World
from tests.engine.worlds import started
from tests.faults.first_up import ALERTS_CALLS, CALLS, FAULTS, FirstUp
from tests.faults.test_renamed import is_now

PAGES = ("www.example.localhost", "app.example.localhost", "status.example-two.localhost")
MANY = 50


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sandbox for all rows."""
    with started(tmp_path_factory.mktemp("first")) as world:
        yield world


@pytest.fixture
def first(used: World) -> Iterator[FirstUp]:
    """A stack that was never deployed."""
    before = used.stack_file.read_text()
    first = FirstUp(used)
    yield first
    used.stack_file.write_text(before)
    first.forget()


def many(config: dict[str, Any]) -> None:
    """As many sites as `MANY`."""
    config["argoweb:sites"] += [
        {"hostname": f"site-{number}.example.localhost", "proxy": "127.0.0.1:3000"}
        for number in range(MANY - len(PAGES))
    ]


def ends_well(first: FirstUp, records: int = len(PAGES)) -> str:
    """What the next update said; the one after it has nothing to do."""
    said = first.world.up()
    assert len(first.living()) == 1
    assert len(first.world.control("/dump")["records"]) == records
    assert first.lost() == set()
    exported = first.world.pulumi("stack", "export").stdout
    assert [each["secret"] in said + exported for each in first.living()] == [False]
    assert [first.world.get(page)[0] for page in PAGES] == [200] * len(PAGES)
    first.world.up("--expect-no-changes")
    assert first.world.control("/violations") == []
    return said


def test_a_tunnel_whose_maker_was_killed_is_taken_in_and_one_lost_answer_for_each_record_too(
    first: FirstUp,
) -> None:
    first.world.edit(many)
    first.spoil("tunnel", "killed after")
    (tunnel,) = first.living()
    pending = first.world.pulumi("preview").stdout

    first.spoil("record", "no answer", times=None)
    made = len(first.world.control("/dump")["records"])
    said = ends_well(first, MANY)

    assert f"({tunnel['id']}, made on " in pending
    assert "nothing has ever connected to it: it is taken in" in pending
    assert made > 1
    assert "Taken in, since they have this stack's mark" in said
    assert [each["id"] for each in first.living()] == [tunnel["id"]]
    assert "records-site-9.example.localhost" in said


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_the_next_update_ends_well(first: FirstUp, call: str, fault: str) -> None:
    first.spoil(call, fault)
    orphans = first.lost() if first.state().get("resources") else set()

    said = ends_well(first)

    assert ("taken in" in said.lower()) == bool(orphans)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
def test_so_it_does_with_fifty_records(first: FirstUp, fault: str) -> None:
    first.world.edit(many)
    first.spoil("record", fault)

    ends_well(first, MANY)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", ALERTS_CALLS)
def test_so_it_does_with_a_notification(first: FirstUp, call: str, fault: str) -> None:
    first.world.edit(lambda config: config.update({"argoweb:alerts": {"email": "ann@example.com"}}))
    first.spoil(call, fault)

    first.world.up()  # of two of one name it takes in the second, which the next update deletes
    ends_well(first)

    assert len(first.of_access()) == 1


@pytest.mark.long
@pytest.mark.parametrize("call", ["tunnel", "record", "nothing"])
def test_so_it_does_when_the_state_is_lost(first: FirstUp, call: str) -> None:
    if call == "nothing":
        first.world.up()
    else:
        first.spoil(call, "killed after")
    (tunnel,) = first.living()
    first.lose_state()

    said = ends_well(first)

    assert [each["id"] for each in first.living()] == [tunnel["id"]]
    assert tunnel["id"] in said


@pytest.mark.long
def test_so_it_does_under_another_name(first: FirstUp) -> None:
    first.spoil("record", "killed after")
    orphans = first.lost()
    first.world.pulumi("stack", "rename", "other")
    is_now(first.world, "argoweb", "other")

    said = ends_well(first)

    first.world.pulumi("stack", "rename", "sandbox")
    is_now(first.world, "argoweb", "sandbox")
    assert orphans
    assert "Taken in, since they have this stack's mark" in said


@pytest.mark.long
def test_what_a_killed_update_was_making_is_named_until_it_is_cleared(first: FirstUp) -> None:
    first.spoil("record", "killed after")

    said = ends_well(first)
    left = [each["resource"]["urn"] for each in first.state().get("pending_operations", [])]
    first.world.pulumi("refresh", "--yes", "--clear-pending-creates")

    assert left
    assert "pulumi refresh" in said
    assert not first.state().get("pending_operations")
    assert "pulumi refresh" not in ends_well(first)


@pytest.mark.long
@pytest.mark.parametrize("call", ["record", "tunnel"])
def test_a_destroy_that_lost_an_answer_is_ended_by_what_the_documents_say(
    first: FirstUp, call: str
) -> None:
    first.world.up()
    path = {"record": "/dns_records/", "tunnel": "/cfd_tunnel/"}[call]
    fault = {"method": "DELETE", "path_regex": path, "after_commit": True, "drop": True}
    first.world.control("/faults", fault)
    broken = first.world.pulumi("destroy", "--yes", "--skip-preview", check=False)
    if call == "record":
        first.world.pulumi("refresh", "--yes")
    else:
        (urn,) = [
            each["urn"]
            for each in first.state()["resources"]
            if each["urn"].endswith("::tunnel-tunnel")
        ]
        first.world.pulumi("state", "delete", "--yes", urn)
    first.world.pulumi("destroy", "--yes", "--skip-preview")

    assert ("81044" if call == "record" else "1003") in broken.stdout
    assert first.living() == first.world.control("/dump")["records"] == []
    assert not first.state().get("resources")
