"""Each recipe of docs/access.md, from the stack file to what visitors get, through the edge and both kinds of cloudflared.

What the program asks the engine for is made by a plugin at the rig's own Cloudflare, and its rules are cloudflared's.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.cloudflare.access.decisions import COUNTRY
from tests.components.program import APPLICATION, audience
from tests.conftest import ROOT
from tests.contract.plugin import Made, Plugin, running
from tests.contract.rig import ACCOUNT, Rig
from tests.program.conftest import Program, cloudflare, program
from tests.real import official_plugin
from tests.sandbox.visitors import Browser, sent
from tests.sandbox.zero_trust import ZeroTrust

__all__ = ["cloudflare", "program"]

ZONE = "e" * 32
ORIGINS, LOGIN, NOT_LET_IN = (200, "hi"), 302, 403
RECIPES = {
    title: re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    for title, text in re.findall(
        r"^### (.*?)\n(.*?)(?=^##)", (ROOT / "docs/access.md").read_text(), re.MULTILINE | re.DOTALL
    )
}


def of(title: str) -> list[Any]:
    """The stack files of a recipe."""
    return [yaml.safe_load(block) for block in RECIPES[title]]


def with_ids(value: Any, made: Mapping[str, Made]) -> Any:
    """What the program asks for, with the ids that Cloudflare has given instead of the mocks'."""
    if isinstance(value, dict):
        return {key: with_ids(each, made) for key, each in value.items()}
    if isinstance(value, list):
        return [with_ids(each, made) for each in value]
    found = made.get(value.removesuffix("-id")) if isinstance(value, str) else None
    return found.id if found else value


class Tried:
    """A recipe at the rig's Cloudflare, with cloudflared running by its rules."""

    def __init__(self, rig: Rig, program: Program, plugin: Plugin, recipe: dict[str, Any]) -> None:
        self._rig, self._program, self._plugin = rig, program, plugin
        self._made: dict[str, tuple[str, Made]] = {}
        seed = {
            "zones": [{"id": ZONE, "name": "example.com", "account_id": ACCOUNT}],
            "organizations": [{"account_id": ACCOUNT, "team": recipe["argoweb:access"]["team"]}],
        }
        rig.control("POST", "/seed", seed)
        self.up(recipe)
        for site in recipe["argoweb:sites"]:
            record = {"name": site["hostname"], "content": f"{rig.tunnel}.cfargotunnel.com"}
            always = {"type": "CNAME", "proxied": True, "ttl": 1}
            rig.api("POST", f"/zones/{ZONE}/dns_records", {**record, **always})
        rig.start(rules=[*map(self._at_the_rig, self._rules)])

    def up(self, recipe: dict[str, Any]) -> None:
        """Makes and changes what the program asks for of Access."""
        values = {key.removeprefix("argoweb:"): value for key, value in recipe.items()}
        self._program.values.update(values)
        requests = self._program.run()
        self._rules = yaml.safe_load(requests["web1-argoWeb.yml"]["object"]["stdin"])["ingress"][
            :-1
        ]
        for name, request in requests.items():
            if "/zeroTrustAccess" not in request["type"]:
                continue
            type = request["type"].rpartition(":")[2]
            inputs = with_ids(request["object"], {key: it for key, (_, it) in self._made.items()})
            known = self._made.get(name)
            made = (
                self._plugin.update(type, known[1], inputs)
                if known
                else self._plugin.create(type, inputs)
            )
            self._made[name] = (request["type"], made)

    def _at_the_rig(self, rule: dict[str, Any]) -> dict[str, Any]:
        """A rule with the audiences that Cloudflare has given, and the rig's service behind it."""
        audiences = {
            audience(name): made.shown()["aud"]
            for name, (type, made) in self._made.items()
            if type == APPLICATION
        }
        access = rule.get("originRequest", {}).get("access")
        checked = (
            {"access": {**access, "audTag": [audiences[each] for each in access["audTag"]]}}
            if access
            else {}
        )
        service = f"http://127.0.0.1:{self._rig.service.port}"
        return {**rule, "service": service, "originRequest": checked}

    def program_gets(self, url: str, token: Made) -> int:
        """The status for one with a token's headers."""
        shown = token.shown()
        headers = [
            ("CF-Access-Client-Id", shown["clientId"]),
            ("CF-Access-Client-Secret", shown["clientSecret"]),
        ]
        return Browser(self.edge).visit(url, "GET", None, *headers).status

    def token(self, name: str) -> Made:
        return self._made[f"access-token-{name}"][1]

    @property
    def edge(self) -> str:
        return str(self._rig.addresses["edge_url"])

    def stranger(self, url: str) -> int:
        """The status for somebody who is not logged in."""
        return Browser(self.edge).visit(url).status

    def person(self, url: str, email: str) -> tuple[int, str]:
        """Status and page for somebody who logs in with an address."""
        browser = Browser(self.edge)
        seen = browser.visit(url)
        assert seen.status == LOGIN
        seen = browser.log_in(seen, email)
        if seen.status != LOGIN:
            return seen.status, seen.body
        back = browser.visit(seen.one("Location"))
        if back.status == LOGIN:
            back = browser.visit(url)
        return back.status, back.body


@pytest.fixture(params=["stand-in", pytest.param("official", marks=pytest.mark.long)])
def plugin(request: pytest.FixtureRequest, rig: Rig) -> Iterator[Plugin]:
    official: Path | None = None
    if request.param == "official":
        official = official_plugin("cloudflare", "what the recipes of Access come to")
    with running(official, ZeroTrust(rig.addresses)) as plugin:
        yield plugin


def test_there_are_five() -> None:
    assert [*RECIPES] == [
        "Only me", "A team", "A service", "A webhook inside", "Everything but one site",
    ]  # fmt: skip


def test_only_me(rig: Rig, program: Program, plugin: Plugin) -> None:
    tried = Tried(rig, program, plugin, of("Only me")[0])
    url = "http://admin.example.com/"

    assert tried.stranger(url) == LOGIN
    assert tried.person(url, "eve@example.com")[0] == NOT_LET_IN
    assert rig.service.received == []
    assert tried.person(url, "me@example.com") == ORIGINS


def test_a_team(rig: Rig, program: Program, plugin: Plugin) -> None:
    (recipe,) = of("A team")
    tried = Tried(rig, program, plugin, recipe)
    url = "http://wiki.example.com/"
    from_elsewhere = tried.person(url, "ann@example.com")
    recipe["argoweb:access"]["groups"]["team"]["require"] = {"countries": COUNTRY}
    tried.up(recipe)

    assert from_elsewhere[0] == NOT_LET_IN
    status, page = tried.person(url, "intern@example.com")
    assert status == NOT_LET_IN
    assert "Ask the office for access." in page
    assert tried.person(url, "ann@example.org")[0] == NOT_LET_IN
    assert tried.person(url, "ann@example.com") == ORIGINS


def test_a_service(rig: Rig, program: Program, plugin: Plugin) -> None:
    first, rotation = of("A service")
    tried = Tried(rig, program, plugin, first)
    url = "http://api.example.com/"
    old = tried.token("deploy")
    before = tried.stranger(url), tried.program_gets(url, old)

    tried.up(rotation)
    new = tried.token("deploy")
    both = tried.program_gets(url, old), tried.program_gets(url, new)
    rotation["argoweb:access"]["serviceTokens"]["deploy"]["oldSecretUntil"] = "2026-01-01T00:00:00Z"
    tried.up(rotation)
    after = tried.program_gets(url, old), tried.program_gets(url, new)

    assert before == (NOT_LET_IN, 200)
    assert old.shown()["clientSecret"] != new.shown()["clientSecret"]
    assert both == (200, 200)
    assert after == (401, 200)


def test_a_webhook_inside(rig: Rig, program: Program, plugin: Plugin) -> None:
    tried = Tried(rig, program, plugin, of("A webhook inside")[0])
    url = "http://git.example.com"
    paths = (
        "/",
        "/webhook",
        "/webhooks/x",
        "/WEBHOOK/x",
        "//webhook/x",
        "/x/webhook/",
        "/%2fwebhook/x",
    )

    assert tried.stranger(f"{url}/webhook/push?a=b") == 200
    assert tried.stranger(f"{url}/%77ebhook/push") == 200
    found = {path: tried.stranger(url + path) for path in paths}
    assert {path: it for path, it in found.items() if it not in (LOGIN, NOT_LET_IN, 404)} == {}
    assert tried.person(f"{url}/", "ann@example.com") == ORIGINS
    # With no Access before it, as by another tunnel, the server still asks but for the one path.
    for app in rig.api("GET", f"/accounts/{ACCOUNT}/access/apps"):
        rig.api("DELETE", f"/accounts/{ACCOUNT}/access/apps/{app['id']}")
    bare = [sent(tried.edge, "GET", path, [("Host", "git.example.com")]).status for path in paths]
    assert {*bare} <= {NOT_LET_IN, 404}
    assert tried.stranger(f"{url}/webhook/push") == 200


def test_everything_but_one_site(rig: Rig, program: Program, plugin: Plugin) -> None:
    tried = Tried(rig, program, plugin, of("Everything but one site")[0])

    assert tried.stranger("http://www.example.com/") == 200
    assert tried.stranger("http://new.example.com/") == LOGIN
    assert tried.person("http://new.example.com/", "eve@example.org")[0] == NOT_LET_IN
    assert tried.person("http://new.example.com/", "ann@example.com") == ORIGINS
