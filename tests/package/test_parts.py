"""The parts, each by itself, against what a whole deployment has of them."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi import InputPropertiesError
from pulumi.runtime import set_all_config

from package.provider import Package
from package.schema import OUTPUTS_OF, make_schema
from render import render_caddyfile, render_cloudflared_yml
from settings.contract import VERSION
from settings.reading.build import build
from tests.components.program import registered
from tests.program.conftest import HOST_KEYS

UUID = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
ZONE = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    set_all_config({}, [])


def made(
    kind: str, name: str, inputs: dict[str, Any] | Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the engine is asked for, and the part's outputs; inputs with outputs are made inside of the program."""
    outputs: dict[str, Any] = {}

    def program() -> None:
        result = Package().construct(
            name, f"argoweb:index:{kind}", inputs() if callable(inputs) else inputs
        )
        pulumi.Output.all(**dict(result.state)).apply(outputs.update)

    return registered(program), outputs


def refused(kind: str, inputs: dict[str, Any]) -> list[str]:
    with pytest.raises(InputPropertiesError) as error:
        made(kind, "web1", inputs)
    assert error.value.errors
    return [each["property_path"] for each in error.value.errors]


def host(prod: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The inputs of a server that serves what the example does."""
    kept = ("sites", "cloudflared", "health")
    credentials = {"tunnelId": UUID, "credentials": "{}"}
    return {
        **prod["servers"]["web1"],
        **{key: prod[key] for key in kept},
        **credentials,
        **more,
    }


def test_pulumi_is_told_the_version_and_the_schema_of_the_package() -> None:
    assert (Package().version, Package().schema) == (VERSION, make_schema())


def test_a_tunnel_has_what_servers_and_records_need() -> None:
    requests, outputs = made("Tunnel", "t", {"accountId": ZONE, "secretVersion": 2.0})

    tunnel = requests["t-tunnel"]["object"]
    assert (tunnel["accountId"], tunnel["configSrc"]) == (ZONE, "local")
    assert outputs["tunnelId"] == "t-tunnel-id"
    assert outputs["target"] == "t-tunnel-id.cfargotunnel.com"
    assert outputs.keys() == OUTPUTS_OF["Tunnel"].keys()
    assert tunnel["name"] == "project-stack-t"
    assert not requests["t-tunnel"].get("protect")


def test_a_tunnel_may_have_a_name_of_its_own_and_be_protected() -> None:
    given = {"accountId": ZONE, "name": "shop", "protect": True}
    requests, _ = made("Tunnel", "t", given)

    assert requests["t-tunnel"]["object"]["name"] == "shop"
    assert requests["t-tunnel"]["protect"]


def test_records_lead_to_the_target() -> None:
    records = [{"hostname": "WWW.example.com", "zoneId": ZONE, "comment": "shop", "tags": ["a:b"]}]
    requests, outputs = made("Records", "r", {"target": "t.cfargotunnel.com", "records": records})

    record = requests["r-www.example.com"]["object"]
    assert (record["content"], record["zoneId"], record["comment"]) == (
        "t.cfargotunnel.com",
        ZONE,
        "shop",
    )
    assert record["tags"] == ["a:b"]
    assert outputs == {"hostnames": ["www.example.com"]}


def test_a_server_gets_the_files_that_a_stack_of_the_same_sites_has(prod: dict[str, Any]) -> None:
    requests, outputs = made("NixosHost", "web1", host(prod))

    whole = build(prod, deployment="project/stack")
    assert requests["web1-argoWeb.yml"]["object"]["stdin"] == render_cloudflared_yml(
        whole, UUID, {}
    )
    assert requests["web1-argoWeb.caddy"]["object"]["stdin"] == render_caddyfile(whole)
    way = requests["web1-activate"]["object"]["connection"]["value"]
    assert way["host"] == prod["servers"]["web1"]["address"]
    assert outputs["hostnames"] == whole.hostnames


def test_access_gives_the_servers_the_audiences_that_they_ask_for(prod: dict[str, Any]) -> None:
    prod["access"] = {"team": "team", "groups": {"staff": {"emails": "ann@example.com"}}}
    prod["sites"][0]["access"] = "staff"
    given = {key: prod[key] for key in ("accountId", "access", "sites")}
    requests, outputs = made("Access", "a", given)

    assert requests["a-policy-staff"]["object"]["name"] == "staff (argoweb project/stack/a)"
    assert [*outputs["audiences"]] == ["www.example.com"]
    with_access = host(prod, access=prod["access"])
    assert refused("NixosHost", with_access) == ["audiences"]
    requests, _ = made("NixosHost", "web1", {**with_access, "audiences": outputs["audiences"]})
    assert (
        outputs["audiences"]["www.example.com"] in requests["web1-argoWeb.yml"]["object"]["stdin"]
    )


@pytest.mark.parametrize(
    ("kind", "inputs", "places"),
    [
        ("Tunnel", {"accountId": "x", "importId": UUID}, ["accountId", "importId"]),
        ("Tunnel", {}, ["accountId"]),
        ("Records", {"target": "t", "records": []}, ["records"]),
        ("Records", {"target": "t", "records": [{"hostname": "a b", "zoneId": ZONE}]}, ["records[0].hostname"]),
        ("Access", {"accountId": ZONE, "sites": []}, ["access"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_part_is_told_with_its_path(
    kind: str, inputs: dict[str, Any], places: list[str]
) -> None:
    assert sorted(refused(kind, inputs)) == places


def test_all_that_is_wrong_with_a_server_is_told_at_once(prod: dict[str, Any]) -> None:
    inputs = host(prod, port=0.0, rot=1, tunnelId="x")
    inputs["sites"][0]["roott"] = "/srv"

    assert sorted(refused("NixosHost", inputs)) == ["port", "rot", "sites[0].roott", "tunnelId"]
    del inputs["rot"], inputs["sites"][0]["roott"], inputs["hostKey"]
    assert refused("NixosHost", inputs | {"port": 22, "tunnelId": UUID}) == ["hostKey"]


def test_a_part_is_warned_of_what_it_was_given_and_of_nothing_else(
    prod: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    inputs = host(prod)
    made("NixosHost", "web1", inputs)
    assert "host-key-unchecked" not in caplog.text

    del inputs["hostKey"]
    made("NixosHost", "web1", inputs | {"insecureHostKey": True})

    warning = "insecureHostKey: whoever stands between can take the tunnel's credentials. [host-key-unchecked]"
    assert [each for each in caplog.messages if "host-key" in each] == [warning]


def test_a_server_is_reached_with_the_key_that_it_is_given(
    prod: dict[str, Any], tmp_path: Path
) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")]
    subprocess.run(command, check=True)
    key = (tmp_path / "key").read_text()

    requests, _ = made("NixosHost", "web1", host(prod, sshPrivateKey=key))

    way = requests["web1-activate"]["object"]["connection"]["value"]
    assert way["privateKey"] == key
    assert refused("NixosHost", host(prod, sshPrivateKey="x")) == ["sshPrivateKey"]


@pytest.mark.parametrize("hostname", [5, ["www.example.com", 5], "a b", "*.a b"])
def test_a_wrong_hostname_is_told_once_and_not_as_one_of_the_zones_that_a_part_does_not_have(
    prod: dict[str, Any], hostname: object
) -> None:
    prod["sites"] = [{"hostname": hostname, "root": "/srv/www"}]

    (place,) = refused("NixosHost", host(prod))

    assert place.startswith("sites[0].hostname")


def told(value: Any, *, known: bool) -> pulumi.Output[Any]:
    """What another resource tells, or will tell once it is made."""
    ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    ready.set_result(value if known else pulumi.UNKNOWN)
    is_known: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    is_known.set_result(known)
    return pulumi.Output(set(), ready, is_known)


def way(requests: dict[str, Any], *to: str) -> dict[str, Any]:
    """What is known of the way to a server, or to a bastion before it."""
    found: Any = requests["web1-activate"]["object"]["connection"]["value"]
    for key in to:
        found = found[key] if isinstance(found, dict) else {}
    return {key: found[key] for key in WAY if key in found} if isinstance(found, dict) else {}


END = {"address": "192.0.2.9", "port": 2222.0, "user": "admin", "hostKey": HOST_KEYS[3]}
"""What may be told of a server, and of a bastion before it."""
WAY = {"host": "192.0.2.9", "port": 2222, "user": "admin", "hostKey": HOST_KEYS[3]}
AUDIENCE = "c" * 64
TOLD: dict[str, tuple[str, dict[str, Any], Callable[[dict[str, Any]], Any], Any]] = {
    "the account of a tunnel": (
        "Tunnel",
        {"accountId": ZONE},
        lambda it: it["web1-tunnel"]["object"].get("accountId"),
        ZONE,
    ),
    "the target of records": (
        "Records",
        {"target": "t.cfargotunnel.com"},
        lambda it: it["web1-a.example.com"]["object"].get("content"),
        "t.cfargotunnel.com",
    ),
    "the zone of a record": (
        "Records",
        {"records": [{"hostname": "a.example.com", "zoneId": ZONE}]},
        lambda it: it["web1-a.example.com"]["object"].get("zoneId"),
        ZONE,
    ),
    "a server": ("NixosHost", END, way, WAY),
    "a bastion": ("NixosHost", {"bastion": END}, lambda it: way(it, "proxy"), WAY),
    "a tunnel": (
        "NixosHost",
        {"tunnelId": UUID},
        lambda it: UUID in str(it["web1-argoWeb.yml"]["object"].get("stdin", "")),
        True,
    ),
    "credentials": (
        "NixosHost",
        {"credentials": '{"a": 1}'},
        lambda it: it["web1-credentials"]["object"]["stdin"].get("value"),
        '{"a": 1}',
    ),
    "an audience": (
        "NixosHost",
        {"audiences": {"www.example.com": AUDIENCE}},
        lambda it: AUDIENCE in str(it["web1-argoWeb.yml"]["object"].get("stdin", "")),
        True,
    ),
}
"""Of which part which arguments other resources may tell, and where they go."""


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("what", TOLD)
def test_what_another_resource_tells_a_part_goes_where_it_belongs(
    prod: dict[str, Any], what: str, known: bool
) -> None:
    kind, arguments, find, expected = TOLD[what]
    prod["access"] = {"team": "team", "groups": {"staff": {"emails": "ann@example.com"}}}
    prod["sites"][0]["access"] = "staff"
    inputs = {
        "Tunnel": {},
        "Records": {"target": "t", "records": [{"hostname": "a.example.com", "zoneId": ZONE}]},
        "NixosHost": host(prod, access=prod["access"], audiences={"www.example.com": "a" * 64}),
    }[kind]

    def as_output(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: as_output(it) for key, it in value.items()}
        if isinstance(value, list):
            return [it | {"zoneId": told(it["zoneId"], known=known)} for it in value]
        return told(value, known=known)

    requests, _ = made(kind, "web1", lambda: inputs | as_output(arguments))

    found = find(requests)
    assert (found == expected) is known
