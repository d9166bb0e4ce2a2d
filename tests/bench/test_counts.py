"""The short form of the measurements: what can be counted is exact, times are only shown."""

import json

import pytest

from bench import activation, counts, route
from bench.lab import Lab
from bench.rounds import Row
from bench.stacks import sites


@pytest.fixture(scope="module")
def counted(lab: Lab) -> list[Row]:
    return counts.rows(lab)


def test_no_more_calls_connections_and_evaluations_than_the_targets_allow(
    lab: Lab, counted: list[Row], times: list[str]
) -> None:
    missed = [f"{row.measure}: {row.value}, at most {row.target}" for row in counted if not row.met]

    assert missed == []
    assert len(counted) == 11
    connections = {row.measure: row.value for row in counted if "connections" in row.measure}
    (resources,) = (row.value for row in counted if row.measure == "resources of the first up")
    assert resources == counts.RESOURCES
    assert connections == {
        "SSH connections of the first up": counts.CONNECTIONS,
        "SSH connections of a no-op up": 0,
        "SSH connections, one route changed": 2,
    }
    times.append(f"no-op preview, {counts.SITES + 1} sites: {lab.ours.preview_seconds():.1f} s")


@pytest.mark.long
def test_ours_and_the_flat_program_make_the_same_of_cloudflare_and_both_serve(
    lab: Lab, times: list[str]
) -> None:
    lab.deploy(4)

    records = {
        mark: [
            (record["type"], record["proxied"], record["ttl"], record["content"].partition(".")[2])
            for record in lab.world.control("/dump")["records"]
            if f".{mark}-" in record["name"]
        ]
        for mark in ("ours", "flat")
    }

    def served() -> list[str]:
        """Ours has waited until it serves, the flat one has not."""
        return [
            lab.world.get(site.hostname)[1].partition("\n")[0]
            for mark in ("ours", "flat")
            for site in sites(4, mark=mark)
        ]

    assert records["ours"] == records["flat"] == [("CNAME", True, 1, "cfargotunnel.com")] * 4
    each = ["this is app", "this is app", "this is app", "this is status"]
    assert served()[:4] == each
    lab.world.wait_for(lambda: served()[4:] == each)
    times += [
        f"no-op preview, 4 sites, {name}: {getattr(lab, name).preview_seconds():.1f} s"
        for name in ("empty", "ours", "flat")
    ]


@pytest.mark.long
def test_a_route_changes_without_an_evaluation_beside_a_rebuild_whose_evaluation_is_modelled(
    lab: Lab, times: list[str]
) -> None:
    changed, evaluations = route.rows(lab, rounds=1)

    assert min(changed.samples["other"]) > route.EVALUATION_SECONDS * route.NEARLY
    assert evaluations.value == 0
    times.append(f"{changed.measure}: {changed.detail}")


AT_THE_EDGE = 15
"""Seconds; one or two where nothing else runs."""


@pytest.mark.long
def test_a_change_is_at_the_edge_a_moment_after_its_activation_has_begun(
    lab: Lab, times: list[str]
) -> None:
    rows = activation.rows(lab, rounds=1)

    assert [row.measure for row in rows if row.value > AT_THE_EDGE] == []
    times += [f"{row.measure}: {row.detail}" for row in rows]


@pytest.mark.long
def test_only_the_activations_of_several_servers_follow_one_another(lab: Lab) -> None:
    lab.declare(lab.ours, sites(4, mark="ours"), ["web1", "web2"])
    plan = json.loads(lab.ours.pulumi("preview", "--json"))["steps"]
    needed = {
        step["urn"].rpartition("::")[2]: {
            urn.rpartition("::")[2] for urn in step["newState"].get("dependencies", [])
        }
        for step in plan
        if "newState" in step
    }

    of_web2 = {name: it for name, it in needed.items() if name.startswith("web2-")}
    waiting = {name: {it for it in of_web2[name] if it.startswith("web1-")} for name in of_web2}

    assert len(of_web2) == 9
    assert {name: it for name, it in waiting.items() if it} == {"web2-activate": {"web1-activate"}}
