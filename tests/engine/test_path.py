"""From a stack file to a site, and what each later command does."""

import json
import os
import stat
from typing import Any

import pytest

from sandbox.world import World

SITES = {
    "www.example.localhost": "through Caddy, cloudflared, the tunnel and the edge",
    "app.example.localhost": "this is app",
    "status.example-two.localhost": "this is status",
}


def hostnames(world: World) -> list[str]:
    return sorted(record["name"] for record in world.control("/dump")["records"])


def test_up_ends_with_every_site_answering_through_the_edge(deployed: World) -> None:
    for hostname, text in SITES.items():
        status, body = deployed.get(hostname)
        assert (status, text in body) == (200, True), hostname

    assert deployed.get("nobody.example.localhost")[0] == 404
    assert hostnames(deployed) == sorted(SITES)


def test_the_app_sees_the_visitors_address_and_protocol(deployed: World) -> None:
    _, seen = deployed.get("app.example.localhost")

    assert "X-Forwarded-Proto: https" in seen
    assert "X-Forwarded-Host: app.example.localhost" in seen
    assert "Cf-Connecting-Ip: 127.0.0.1" in seen


def test_a_second_up_connects_nowhere_and_writes_nothing(deployed: World) -> None:
    deployed.forget_requests()
    logins = deployed.logins()

    assert deployed.planned() == {}
    output = deployed.up("--expect-no-changes")

    assert deployed.logins() == logins
    assert [r for r in deployed.api_requests() if r["method"] != "GET"] == []
    assert "unchanged" in output


@pytest.mark.long
def test_an_order_of_the_sites_that_is_not_the_written_one_is_shown_at_preview(
    deployed: World,
) -> None:
    def sort(config: dict[str, Any]) -> None:
        everything = {"hostname": "*.example.localhost", "root": "/srv/www", "dns": False}
        config["argoweb:sites"].insert(0, everything)
        config["argoweb:siteOrder"] = "sorted"

    with deployed.changed(sort):
        shown = deployed.pulumi("preview").stdout

    *_, listed = shown.rpartition("the sites are tried in this order:")
    assert [line.split()[-1] for line in listed.splitlines()[1:5]] == [
        "www.example.localhost",
        "app.example.localhost",
        "*.example.localhost",
        "status.example-two.localhost",
    ]


def test_refresh_finds_no_drift_and_the_api_was_asked_nothing_it_does_not_know(
    deployed: World,
) -> None:
    deployed.pulumi("refresh", "--yes", "--expect-no-changes")

    assert deployed.control("/violations") == []


def test_a_changed_upstream_changes_its_file_and_the_activation_and_nothing_else(
    deployed: World,
) -> None:
    def move(config: dict[str, Any]) -> None:
        config["argoweb:sites"][1]["proxy"] = "127.0.0.1:3001"

    with deployed.changed(move):
        plan = deployed.planned()
        shown = deployed.pulumi("preview", "--diff").stdout
        output = deployed.up()
        served = deployed.get("app.example.localhost")[1]

    assert plan == {"web1-argoWeb.caddy": "update", "web1-activate": "update"}
    assert "- \t\t\timport argoweb-proxy 127.0.0.1:3000" in shown
    assert "+ \t\t\timport argoweb-proxy 127.0.0.1:3001" in shown
    assert "plan: reload caddy (argoWeb.caddy)" in output
    assert "this is status" in served


@pytest.mark.long
def test_a_changed_service_restarts_cloudflared_without_a_rebuild(deployed: World) -> None:
    def move(config: dict[str, Any]) -> None:
        config["argoweb:sites"][2]["service"] = "http://127.0.0.1:3000"

    builds = deployed.ssh("wc -l < /var/log/sandbox/nixos-rebuild")
    with deployed.changed(move):
        plan = deployed.planned()
        shown = deployed.pulumi("preview", "--diff").stdout
        output = deployed.up()
        served = deployed.get("status.example-two.localhost")[1]

    assert plan == {"web1-argoWeb.yml": "update", "web1-activate": "update"}
    assert "http://127.0.0.1:3000" in shown
    assert "plan: restart argoWeb (argoWeb.yml)" in output
    assert "this is app" in served
    assert deployed.ssh("wc -l < /var/log/sandbox/nixos-rebuild") == builds


def test_hostnames_come_go_and_change_their_name(deployed: World) -> None:
    def more(config: dict[str, Any]) -> None:
        config["argoweb:sites"].append(
            {"hostname": "new.example.localhost", "proxy": "127.0.0.1:3000"}
        )

    def renamed(config: dict[str, Any]) -> None:
        config["argoweb:sites"].append(
            {"hostname": "other.example.localhost", "proxy": "127.0.0.1:3000"}
        )

    with deployed.changed(more):
        assert deployed.planned() == {
            "web1-argoWeb.yml": "update",
            "web1-argoWeb.caddy": "update",
            "web1-activate": "update",
            "records-new.example.localhost": "create",
        }
        deployed.up()
        assert deployed.get("new.example.localhost")[0] == 200
    with deployed.changed(renamed):
        plan = deployed.planned()
        deployed.up()
        assert deployed.get("other.example.localhost")[0] == 200
        assert deployed.get("new.example.localhost")[0] == 404
    deployed.up()

    assert plan["records-new.example.localhost"] == "delete"
    assert plan["records-other.example.localhost"] == "create"
    assert hostnames(deployed) == sorted(SITES)
    assert deployed.get("other.example.localhost")[0] == 404


def test_the_credentials_are_the_confined_users_and_nobody_elses(deployed: World) -> None:
    shown = deployed.ssh("stat -c '%a %U:%G' /var/lib/argoWeb /var/lib/argoWeb/*.json")
    files = deployed.ssh("stat -c '%a %U:%G %n' /etc/caddy/argoWeb.*").splitlines()

    assert shown.splitlines() == ["700 argoWeb:argoWeb", "600 argoWeb:argoWeb"]
    assert {line.rsplit(" ", 1)[0] for line in files} == {"644 root:root"}
    assert "caddyProxy" in deployed.ssh("id -nG argoWeb")
    assert deployed.ssh("systemctl show -p User --value argoWeb").strip() == "argoWeb"


Kept = tuple[int, int, int] | None
"""Mode, owner and group of a file; none for one that is not there."""


def looked_at(path: str) -> Kept:
    try:
        about = os.lstat(path)
    except OSError:
        return None
    is_taken_away = stat.S_ISCHR(about.st_mode) and about.st_rdev == 0  # as an overlay notes it
    return None if is_taken_away else (stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid)


def written(world: World) -> dict[str, Kept]:
    """What the server has made of each file that it has touched, outside of what a machine writes by itself.

    What other programs do to this machine's files, which lie below, is not the server's.
    """
    upper = world.host_root().parent / "layers/upper"
    left_out = ("nix", "run", "tmp", "opt", "var/log", "var/lib/systemd", "var/tmp", "var/lib/nixos", "var/cache")  # fmt: skip
    found = {}
    for top, folders, names in os.walk(upper):
        inside = os.path.relpath(top, upper)
        folders[:] = [
            f for f in folders if os.path.normpath(os.path.join(inside, f)) not in left_out
        ]
        for name in [*names, *folders]:
            path = os.path.normpath(os.path.join(inside, name))
            found[path] = looked_at(os.path.join(upper, path))
    return found


def test_destroy_leaves_nothing_behind_and_up_works_again(fresh: World) -> None:
    world = fresh
    before = written(world)
    world.up()
    during = written(world)

    world.pulumi("destroy", "--yes", "--skip-preview")

    dump = world.control("/dump")
    assert dump["records"] == []
    assert [t for t in dump["tunnels"] if t["deleted_at"] is None] == []
    after = written(world)
    assert len(during) > len(before)
    documented = {"etc/caddy", "etc/caddy/argoWeb.nix", "boot/nixos-default"}

    def differs(path: str) -> bool:
        below = looked_at(f"/{path}")
        return before.get(path, below) != after.get(path, below)

    changed = {path for path in before.keys() | after.keys() if differs(path)}
    backups = {
        "etc/group-",
        "etc/gshadow-",
        "etc/passwd-",
        "etc/shadow-",
        "etc/subuid-",
        "etc/subgid-",
    }
    caddys = {path for path in changed if path.startswith("var/lib/caddy")}
    assert changed - documented - backups - caddys == set()
    assert (
        world.ssh("systemctl list-unit-files --no-legend 'argoWeb*' 'argoweb*'", check=False) == ""
    )
    assert "argoWeb" not in world.ssh("ps -e -o user,args | grep -v grep", check=False)
    world.up()
    assert world.get("www.example.localhost")[0] == 200


def test_a_refused_stack_is_told_all_that_is_wrong_with_it_once(deployed: World) -> None:
    def wrong(config: dict[str, Any]) -> None:
        config["argoweb:tunnel"] = 5
        config["argoweb:zones"] = "example.localhost"
        config["argoweb:sites"][1] = "app.example.localhost"

    def clashing(config: dict[str, Any]) -> None:
        config["argoweb:sites"].append({"hostname": "taken.example.localhost", "root": "/srv/www"})

    zone = deployed.api("GET", "/zones?name=example.localhost")[0]["id"]
    record = {"name": "taken.example.localhost", "type": "A", "content": "192.0.2.7"}
    taken = deployed.api("POST", f"/zones/{zone}/dns_records", record)
    with deployed.changed(wrong):
        malformed = deployed.pulumi("preview", check=False)
    with deployed.changed(clashing):
        clash = deployed.pulumi("up", "--yes", "--skip-preview", check=False)
    deployed.api("DELETE", f"/zones/{zone}/dns_records/{taken['id']}")

    for refused, places in (
        (malformed, ["argoweb:tunnel", "argoweb:zones", "argoweb:sites[1]"]),
        (clash, ["argoweb:sites[3].hostname"]),
    ):
        *_, told = refused.stdout.partition("Diagnostics:")
        assert refused.returncode != 0
        assert told.count("error:") == 1, told
        lines = [line.strip() for line in told.splitlines() if line.startswith("      - ")]
        assert [line.split(": ")[0].removeprefix("- ") for line in lines] == places


def test_outputs_name_the_tunnel_and_the_hostnames(deployed: World) -> None:
    outputs = json.loads(deployed.pulumi("stack", "output", "--json").stdout)

    (tunnel,) = [t for t in deployed.control("/dump")["tunnels"] if t["deleted_at"] is None]
    assert outputs == {
        "tunnelId": tunnel["id"],
        "hostnames": list(SITES),
        "urls": [f"https://{hostname}/" for hostname in SITES],
    }


def test_of_new_servers_the_first_comes_alone_then_the_others_and_changes_one_after_another(
    three: World,
) -> None:
    def move(config: dict[str, Any]) -> None:
        config["argoweb:sites"][1]["proxy"] = "127.0.0.1:3001"

    def spans(output: str, begins: str, ends: str) -> list[tuple[int, int]]:
        """Where the activation of each server begins, and where it ends."""
        names = ("web1", "web2", "web3")
        return [
            (output.index(f"{name}-activate {begins}"), output.index(f"{name}-activate {ends}"))
            for name in names
        ]

    first, second, third = spans(three.up(), "creating", "created")
    assert first[1] < min(second[0], third[0])
    assert max(second[0], third[0]) < min(second[1], third[1])

    with three.changed(move):
        first, second, third = spans(three.up(), "updating", "updated")
    assert first[1] < second[0]
    assert second[1] < third[0]


@pytest.mark.long
def test_a_server_that_is_gone_is_let_go_without_a_connection(pair: World) -> None:
    pair.up()
    logins = pair.logins("web2")

    def let_go(config: dict[str, Any]) -> None:
        config["argoweb:servers"]["web2"]["letGo"] = True

    def without(config: dict[str, Any]) -> None:
        del config["argoweb:servers"]["web2"]

    with pair.changed(let_go):
        pair.up()
    with pair.changed(without):
        pair.up()
        left = pair.pulumi("stack", "--show-urns").stdout

    assert "web2-activate" not in left
    assert pair.logins("web2") == logins
    assert pair.get("www.example.localhost")[0] == 200
