"""A site that is not for everybody: from the stack file to what a visitor gets, and back."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

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
