"""A site that is not for everybody: from the stack file to what a visitor gets, and back."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from sandbox.world import World

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


OTHER_SITE = "status.example-two.localhost"


class Theirs:
    """An application, its policy and a service token that somebody has made in the dashboard."""

    def __init__(self, world: World) -> None:
        self._world = world
        account = yaml.safe_load(world.stack_file.read_text())["config"]["argoweb:accountId"]
        self._path = f"/accounts/{account}/access"
        made = self._make("service_tokens", {"name": "theirs"})
        self.headers = {
            "CF-Access-Client-Id": made["client_id"],
            "CF-Access-Client-Secret": made["client_secret"],
        }
        include = [{"service_token": {"token_id": made["id"]}}]
        policy = {"name": "theirs", "decision": "non_identity", "include": include}
        self.policy = str(self._make("policies", policy)["id"])
        self.make_application()

    def make_application(self) -> None:
        """One for `SITE`, which has another audience each time."""
        policies = [{"id": self.policy, "precedence": 1}]
        body = {"name": "theirs", "type": "self_hosted", "domain": SITE, "policies": policies}
        self.application = str(self._make("apps", body)["id"])

    def delete_application(self) -> None:
        """Somebody deletes it in the dashboard."""
        self._world.api("DELETE", f"{self._path}/apps/{self.application}")

    def by_id(self, config: dict[str, Any]) -> None:
        """One site by the application, another one by the policy."""
        config["argoweb:access"] = {"team": TEAM, "groups": {}}
        config["argoweb:sites"][1]["access"] = {"application": self.application}
        config["argoweb:sites"][2]["access"] = {"policies": self.policy}

    def asked(self, **headers: str) -> list[int]:
        """What a visitor gets at each of the two sites."""
        return [ask(self._world, "/", host, **headers) for host in (SITE, OTHER_SITE)]

    def forget(self) -> None:
        """All of it goes."""
        for kind in ("apps", "policies", "service_tokens"):
            for each in self._world.api("GET", f"{self._path}/{kind}"):
                self._world.api("DELETE", f"{self._path}/{kind}/{each['id']}")

    def _make(self, kind: str, body: dict[str, Any]) -> Any:
        return self._world.api("POST", f"{self._path}/{kind}", body)


@pytest.fixture
def theirs(deployed: World) -> Iterator[Theirs]:
    theirs = Theirs(deployed)
    yield theirs
    theirs.forget()


@pytest.mark.long
def test_an_application_and_a_policy_of_somebody_else_are_used_and_outlive_the_stack(
    deployed: World, theirs: Theirs
) -> None:
    world, there = deployed, of_access(deployed)
    with world.changed(theirs.by_id):
        listed = world.pulumi("preview").stdout
        world.up()
        used = of_access(world)
        answers = theirs.asked(), theirs.asked(**theirs.headers)
        world.up("--expect-no-changes")
        world.pulumi("refresh", "--yes", "--expect-no-changes")
    told = world.pulumi("preview").stdout
    world.up()
    removed = of_access(world), theirs.asked()
    with world.changed(theirs.by_id):
        world.up()
        world.pulumi("destroy", "--yes", "--skip-preview")

    assert f"{SITE}: whom the application {theirs.application} lets in" in listed
    assert f"{OTHER_SITE}: whom the policy {theirs.policy} lets in, for 24h" in listed
    assert {id: used[id] for id in there} == there
    assert [used[id] for id in used.keys() - there] == [OTHER_SITE]
    assert answers == ([REFUSED, REFUSED], [200, 200])
    assert f"{OTHER_SITE} becomes public" in told
    assert removed == (there, [REFUSED, 200]), "their application asks at the edge as before"
    assert of_access(world) == there
    assert world.control("/violations") == []


@pytest.mark.long
def test_an_application_of_somebody_else_that_is_gone_opens_nothing_and_another_one_takes_its_place(
    deployed: World, theirs: Theirs
) -> None:
    with deployed.changed(theirs.by_id):
        deployed.up()
        theirs.delete_application()
        down_the_tunnel = theirs.asked(), theirs.asked(**theirs.headers)
        gone = deployed.pulumi("preview", check=False)
        theirs.make_application()
    with deployed.changed(theirs.by_id):
        unknown = theirs.asked(**theirs.headers)
        plan = deployed.planned()
        deployed.up()
        again = theirs.asked(**theirs.headers)
    deployed.up()

    assert down_the_tunnel == ([REFUSED, REFUSED], [REFUSED, 200])
    assert gone.returncode != 0
    assert "sites[1].access.application: the account has no Access application" in gone.stdout
    assert unknown == [REFUSED, 200], "the server wants the token of the one that is gone"
    assert set(plan) == {"web1-argoWeb.yml", "web1-activate"}
    assert again == [200, 200]


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
