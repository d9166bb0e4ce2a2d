"""The package in programs of others: what they make, change and take away, and what they are told."""

import json
from pathlib import Path

import pytest

from sandbox.world import ROOT, World
from tests.engine.consumer import PARTS, Consumer, python_program, sdk_program, yaml_program
from tests.engine.languages import GO, TYPESCRIPT, Language, document_program


def test_a_program_that_makes_its_server_in_the_same_run_uses_the_component(
    fresh: World, tmp_path: Path
) -> None:
    fresh.own_environment()
    given = json.loads(fresh.pulumi("package", "get-schema", "./package").stdout)
    committed = json.loads((ROOT / "tests" / "package" / "schema.json").read_text())
    assert given["resources"].keys() == committed["resources"].keys()
    assert given["types"] == committed["types"]
    shop = python_program(fresh, tmp_path / "shop")
    shop.pulumi("stack", "init", "sandbox")

    good = shop.inputs["sites"]
    shop.inputs["sites"] = [{**good[0], "rot": 1, "path": 5}]
    shop.inputs["servers"]["web1"]["dialTimeout"] = 0
    shop.write()
    refused = shop.pulumi("preview", check=False)
    told = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert (
        "argoweb:index:Sites resource 'web' has a problem: The arguments of 'web' have 3 errors"
        in told
    )
    for place in ("sites[0].rot", "sites[0].path", "servers.web1.dialTimeout"):
        assert f"- property {place} " in told
    assert "package/sites.py" not in told, "a trace of the component"
    del shop.inputs["servers"]["web1"]["dialTimeout"]
    shop.inputs["sites"] = good
    shop.write()

    planned = shop.planned()
    assert {planned[name] for name in ("web", "web-begun", "web-tunnel", "web-web1-activate")} == {
        "create"
    }
    shop.pulumi("up", "--yes", "--skip-preview")
    assert shop.planned() == {}
    status, page = fresh.get("www.example.localhost")
    assert (status, "<html" in page) == (200, True)
    assert json.loads(shop.pulumi("stack", "output", "--json").stdout)["hostnames"] == [
        "www.example.localhost"
    ]
    exported = shop.pulumi("stack", "export").stdout
    key = shop.inputs["sshPrivateKey"].splitlines()[1]
    assert key not in exported

    shop.inputs["sites"].append({"hostname": "tea.example.localhost", "service": "http_status:418"})
    shop.write()
    assert shop.planned() == {
        "web-web1-argoWeb.yml": "update",
        "web-web1-activate": "update",
        "web-records-tea.example.localhost": "create",
        "web-reachable": "update",
    }
    shop.pulumi("up", "--yes", "--skip-preview")
    assert fresh.get("tea.example.localhost")[0] == 418
    assert shop.planned() == {}

    shop.pulumi("destroy", "--yes", "--skip-preview")
    assert not [each for each in fresh.host_root().glob("var/lib/argoWeb/*") if each.is_file()]
    assert fresh.api("GET", "/zones/00112233445566778899aabbccddee01/dns_records") == []


def lives(shop: Consumer, prefix: str = "web-", *also: str) -> None:
    """Up, nothing to do, one site more, and all of it gone."""
    shop.pulumi("stack", "init", "sandbox")
    shop.pulumi("config", "set", "--secret", "sshPrivateKey", "--", shop.inputs["sshPrivateKey"])
    token = shop.world.variables.pop("CLOUDFLARE_API_TOKEN")
    shop.pulumi("config", "set", "--secret", "cloudflare:apiToken", token)
    shop.pulumi("up", "--yes")
    assert shop.planned() == {}
    assert shop.world.get("www.example.localhost")[0] == 200
    key = shop.inputs["sshPrivateKey"].splitlines()[1]
    exported = shop.pulumi("stack", "export").stdout
    assert not [secret for secret in (key, token) if secret in exported]

    shop.inputs["sites"].append({"hostname": "tea.example.localhost", "service": "http_status:418"})
    shop.write()
    assert shop.planned() == {
        f"{prefix}web1-argoWeb.yml": "update",
        f"{prefix}web1-activate": "update",
        f"{prefix}records-tea.example.localhost": "create",
        **dict.fromkeys(also, "update"),
    }
    shop.pulumi("up", "--yes", "--skip-preview")
    assert shop.world.get("tea.example.localhost")[0] == 418

    shop.pulumi("destroy", "--yes", "--skip-preview")
    shop.world.variables["CLOUDFLARE_API_TOKEN"] = token
    assert shop.world.api("GET", "/zones/00112233445566778899aabbccddee01/dns_records") == []


@pytest.mark.long
def test_the_yaml_program_of_the_document_uses_it(fresh: World, tmp_path: Path) -> None:
    lives(yaml_program(fresh, tmp_path / "shop"), "web-", "web-reachable")


@pytest.mark.long
def test_a_python_program_uses_the_sdk_that_pulumi_makes_of_it(
    fresh: World, tmp_path: Path
) -> None:
    lives(sdk_program(fresh, tmp_path / "shop"), "web-", "web-reachable")


@pytest.mark.long
@pytest.mark.parametrize("language", [TYPESCRIPT, GO], ids=lambda it: it.runtime)
def test_the_typescript_and_go_programs_of_the_document_use_such_an_sdk_too(
    fresh: World, tmp_path: Path, language: Language
) -> None:
    lives(document_program(fresh, tmp_path / "shop", language), "web-", "web-reachable")


@pytest.mark.long
def test_a_program_puts_the_parts_together(fresh: World, tmp_path: Path) -> None:
    fresh.own_environment()
    lives(python_program(fresh, tmp_path / "shop", PARTS), "")
