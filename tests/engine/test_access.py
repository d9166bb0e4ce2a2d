"""A site that is not for everybody: from the stack file to what a visitor gets, and back."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.engine.world import World

SITE, TEAM = "app.example.localhost", "sandbox"
LOGIN, REFUSED = 302, 403
SPELLINGS = (
    "/", "/hook", "//hook/x", "/./hook/x", "/hook/../admin", "/hook/%2e%2e/admin", "/hook/..;/admin", "/hook//admin",
    "/hook%5c..%5cadmin", "/x/../hook/../admin", "/HOOK/x", "/hook%00/x", "/hook/%2e", "/%2fhook/x",
)  # fmt: skip
"""Paths that are not the open one, and other spellings of it."""


def protect(config: dict[str, Any]) -> None:
    """Lets staff and one program in, and everybody below one path."""
    access = config.setdefault("argoweb:access", {"team": TEAM, "groups": {}})
    access["groups"] |= {"staff": {"emails": "ann@example.com"}, "ci": {"serviceTokens": "deploy"}}
    site = {
        "groups": ["staff", "ci"],
        "except": "^/hook/",
        "denyText": "No, 'you' ${not} \"you\"",
    }
    config["argoweb:sites"][1]["access"] = site


def ask(world: World, target: str = "/", host: str = SITE, **headers: str) -> int:
    """The status that a visitor gets, who follows nothing."""
    edge = urlsplit(world.status["edge_url"])
    connection = http.client.HTTPConnection(edge.hostname or "", edge.port, timeout=30)
    connection.putrequest("GET", target, skip_host=True)
    for name, value in {"Host": host, **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def of_access(world: World) -> dict[str, str]:
    """What there is of Access at Cloudflare: the name of each by its id."""
    kinds = ("apps", "policies", "service_tokens")
    there = world.control("/dump")["access"]
    return {each["id"]: each["body"]["name"] for each in there if each["kind"] in kinds}


def token(world: World) -> dict[str, str]:
    """The headers by which a program comes in."""
    shown = world.pulumi("stack", "output", "serviceTokens", "--show-secrets", "--json").stdout
    made = json.loads(shown)["deploy"]
    return {
        "CF-Access-Client-Id": made["clientId"],
        "CF-Access-Client-Secret": made["clientSecret"],
    }


def test_a_site_is_closed_at_cloudflare_and_at_the_server_and_open_again_only_with_a_warning(
    deployed: World,
) -> None:
    world = deployed
    before = of_access(world)
    assert ask(world) == 200
    with world.changed(protect):
        listed = world.pulumi("preview").stdout
        world.up()
        headers = token(world)
        anonymous = {target: ask(world, target) for target in SPELLINGS}
        opened = ask(world, "/hook/x")
        by_token = ask(world, **headers), ask(world, **{**headers, "CF-Access-Client-Secret": "x"})
        world.up("--expect-no-changes")
        world.pulumi("refresh", "--yes", "--expect-no-changes")
        shown = world.pulumi("stack", "export").stdout
        on_the_server = world.ssh(
            f"grep -rlF {headers['CF-Access-Client-Secret']} /etc /var/lib/argoWeb /var/lib/argoweb-deploy",
            check=False,
        )

        account = yaml.safe_load(world.stack_file.read_text())["config"]["argoweb:accountId"]
        (application,) = [id for id, name in of_access(world).items() if name == SITE]
        world.api("DELETE", f"/accounts/{account}/access/apps/{application}")
        down_the_tunnel = ask(world), ask(world, "/hook/x"), ask(world, **headers)
        gone = world.pulumi("preview", check=False)
        world.pulumi("refresh", "--yes")
        world.up()
        made_again = ask(world), ask(world, **headers)
    told = world.pulumi("preview").stdout
    world.up()

    assert f"{SITE}: staff: ann@example.com, ci: service token deploy, for 24h" in listed
    assert f"{SITE}/hook/*: everybody, without a login" in listed
    assert {
        target: status
        for target, status in anonymous.items()
        if status not in (LOGIN, REFUSED, 404)
    } == {}
    assert anonymous["/"] == LOGIN
    assert opened == 200
    assert by_token[0] == 200 != by_token[1]
    assert headers["CF-Access-Client-Secret"] not in shown + on_the_server
    assert down_the_tunnel == (REFUSED, 200, REFUSED), "nothing but the server stands there then"
    assert gone.returncode != 0
    assert f"The Access application of '{SITE}' that this stack made is gone" in gone.stdout
    assert made_again == (LOGIN, 200)
    assert f"{SITE} becomes public: everybody may come in, without a login." in told
    assert ask(world) == 200
    assert of_access(world) == before
    assert world.control("/violations") == []


DEFAULT = {
    "team": TEAM,
    "groups": {"staff": {"emails": "ann@example.com"}, "ci": {"serviceTokens": "deploy"}},
    "default": ["staff", "ci"],
}
PROTECTED = (SITE, *(f"{name}.example.localhost" for name in ("a", "b", "any", "tcp")), "status.example-two.localhost")  # fmt: skip


def closed_by_default(config: dict[str, Any]) -> None:
    """All but one site for who logs in, whatever kind of site it is; Caddy chooses where it can."""
    config["argoweb:routing"] = "caddy"
    config["argoweb:access"] = DEFAULT
    sites = config["argoweb:sites"]
    sites[0]["access"] = "public"
    sites.append({"hostname": ["a.example.localhost", "b.example.localhost"], "root": "/srv/www"})
    sites.append({"hostname": "tcp.example.localhost", "service": "tcp://127.0.0.1:3000"})
    sites.append({"hostname": "*.example.localhost", "proxy": "127.0.0.1:3000"})


@pytest.mark.long
def test_each_server_asks_for_the_token_of_each_kind_of_site(pair: World) -> None:
    world = pair
    world.edit(closed_by_default)
    world.up()
    first = token(world)
    rotated = {
        **DEFAULT,
        "serviceTokens": {"deploy": {"secretVersion": 2, "oldSecretUntil": "2099-01-01T00:00:00Z"}},
    }
    world.edit(lambda config: config.update({"argoweb:access": rotated}))
    plan = world.planned()
    world.up()
    second = token(world)
    with_login = {host: ask(world, "/", host) for host in (*PROTECTED, SITE.upper())}
    by_token = {host: ask(world, "/", host, **first) for host in PROTECTED}
    again = ask(world, **second), ask(world, **second | {"CF-Access-Client-Secret": "x"})
    world.up("--expect-no-changes")
    account = yaml.safe_load(world.stack_file.read_text())["config"]["argoweb:accountId"]
    for id, name in of_access(world).items():
        if name in (*PROTECTED, "*.example.localhost"):
            world.api("DELETE", f"/accounts/{account}/access/apps/{id}")
    down_the_tunnel = {}
    for server, other in (("web1", "web2"), ("web2", "web1")):
        world.ssh("systemctl start argoWeb argoWeb-2", server)
        world.ssh("systemctl stop argoWeb argoWeb-2", other)
        asked = (*PROTECTED, SITE.upper(), "A.example.localhost", "www.example.localhost")
        down_the_tunnel[server] = {host: ask(world, "/", host) for host in asked}

    assert set(plan) == {"access-token-deploy"}
    assert first["CF-Access-Client-Secret"] != second["CF-Access-Client-Secret"]
    assert first["CF-Access-Client-Id"] == second["CF-Access-Client-Id"]
    assert with_login == dict.fromkeys(with_login, LOGIN)
    assert {host: by_token[host] for host in PROTECTED if not host.startswith("tcp")} == {
        host: 200 for host in PROTECTED if not host.startswith("tcp")
    }
    assert again[0] == 200 != again[1]
    for statuses in down_the_tunnel.values():
        assert statuses.pop("www.example.localhost") == 200
        assert {*statuses.values()} <= {REFUSED, 404}
        assert {statuses[host] for host in PROTECTED} == {REFUSED}
