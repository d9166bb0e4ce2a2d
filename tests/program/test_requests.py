"""What the engine is asked for by the stacks that people have."""

from collections.abc import Iterator
from typing import Any

import pytest

from components.remote_programs import WHERE_TO_READ
from tests.existing.conftest import ACCOUNT, Cloudflare
from tests.program.conftest import COMMAND, HOST_KEYS, Program, server

SECRET = "1b47061264138c4ac30d75fd1eb44270"
"""What marks a value as secret on the wire (`sig` of sdk/go/common/resource/sig)."""
FILES = ("server.sh", "argoWeb.yml", "argoWeb.json", "argoWeb.nix", "argoWeb.caddy", "credentials")
Requests = dict[str, Any]


def secret(value: Any) -> Any:
    """The value that is marked as one."""
    assert isinstance(value, dict), "not secret"
    assert SECRET in value.values(), "not secret"
    return value["value"]


def commands(requests: Requests) -> Iterator[tuple[str, Any]]:
    """Each command with its name and inputs."""
    for name, request in requests.items():
        if request["type"] == COMMAND:
            yield name, request["object"]


def waits_for(requests: Requests, name: str, other: str) -> bool:
    """Whether one resource is made only when the other one is there, and goes before it."""
    request = requests[name]
    urns = [*request.get("dependencies", ()), request.get("parent", "")]
    names = {urn.rpartition("::")[2] for urn in urns} & requests.keys()
    return other in names or any(waits_for(requests, each, other) for each in names)


def test_each_connection_is_pinned_to_the_servers_key_and_its_private_key_is_secret(
    program: Program,
) -> None:
    program.values["servers"]["web2"] = server(2, user="deploy", port=2222, bastion=server(3))

    requests = program.run()

    seen = {"web1": 0, "web2": 0}
    for name, inputs in commands(requests):
        connection = secret(inputs["connection"])
        host = name.partition("-")[0]
        seen[host] += 1
        assert connection["hostKey"] == HOST_KEYS[int(host[-1])]
        assert "PRIVATE KEY" in connection["privateKey"]
        assert connection["dialErrorLimit"] == 3
        if host == "web2":
            assert (connection["user"], connection["port"]) == ("deploy", 2222)
            assert connection["proxy"]["hostKey"] == HOST_KEYS[3]
            assert connection["proxy"]["host"] == "192.0.2.3"
            assert {
                *(
                    inputs[key].removeprefix(WHERE_TO_READ).partition(" bash ")[0]
                    for key in ("create", "delete")
                    if key in inputs
                )
            } == {"sudo -n"}
    assert seen["web1"] == seen["web2"] == len(FILES) + 2


def test_a_host_key_is_left_out_only_where_that_is_asked_for(program: Program) -> None:
    program.values["servers"]["web1"] = {"address": "192.0.2.1", "insecureHostKey": True}

    assert all("hostKey" not in secret(it["connection"]) for _, it in commands(program.run()))


def test_the_tunnels_secret_and_the_credentials_are_secret_and_reach_the_server_alone(
    program: Program,
) -> None:
    requests = program.run()

    made = secret(requests["tunnel-tunnel"]["object"]["tunnelSecret"])
    credentials = secret(requests["web1-credentials"]["object"]["stdin"])
    assert made in credentials
    assert ACCOUNT in credentials
    assert requests["web1-credentials"]["object"]["logging"] == "none"
    elsewhere = {
        name
        for name, request in requests.items()
        if made in str(request["object"]) and name not in ("tunnel-tunnel", "web1-credentials")
    }
    assert elsewhere == set()


def test_only_argoweb_may_read_the_credentials(program: Program) -> None:
    manifest = program.run()["web1-activate"]["object"]["stdin"]

    owners = {
        line.split()[1]: line.split()[2:4] for line in manifest.splitlines() if "file " in line
    }
    assert owners.pop("credentials") == ["600", "argoWeb:argoWeb"]
    assert set(map(tuple, owners.values())) == {("644", "root:root")}


def test_a_new_version_of_argoweb_changes_one_resource_of_a_server(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(commands(program.run()))
    monkeypatch.setattr("render.manifest.VERSION", "1.2.3")
    after = dict(commands(program.run()))

    changed = {name for name, inputs in after.items() if inputs != before[name]}
    assert changed == {"web1-activate"}
    lines = [it["web1-activate"]["stdin"].splitlines() for it in (before, after)]
    assert set(lines[1]) - set(lines[0]) == {"argoweb 1.2.3"}


def test_records_are_proxied_and_lead_to_the_tunnel_when_the_server_serves(
    program: Program,
) -> None:
    requests = program.run()

    for hostname, zone in (("www.example.com", "b" * 32), ("git.example.org", "c" * 32)):
        record = requests[f"records-{hostname}"]
        assert record["object"] == {
            "zoneId": zone,
            "name": hostname,
            "type": "CNAME",
            "content": "tunnel-tunnel-id.cfargotunnel.com",
            "proxied": True,
            "ttl": 1,
            "comment": "argoweb argoweb/prod",
            "tags": [],
        }
        assert record["deleteBeforeReplace"]
        assert waits_for(requests, f"records-{hostname}", "web1-activate")


def test_each_file_is_staged_after_the_teardown_is_known_and_before_the_activation(
    program: Program,
) -> None:
    requests = program.run()

    assert waits_for(requests, "web1-teardown", "tunnel-tunnel")
    for file in FILES:
        assert waits_for(requests, "web1-activate", f"web1-{file}")
        assert waits_for(requests, f"web1-{file}", "web1-teardown")


@pytest.mark.parametrize(
    ("in_use", "second_waits_for"), [(False, ("web1",)), (True, ("web1", "web2"))]
)
def test_a_new_stacks_servers_follow_the_first_one_and_those_of_one_in_use_one_another(
    program: Program, in_use: bool, second_waits_for: tuple[str, ...]
) -> None:
    for number in (2, 3):
        program.values["servers"][f"web{number}"] = server(number)
    if in_use:
        program.in_use()

    requests = program.run()

    assert waits_for(requests, "web2-activate", "web1-activate")
    for name in ("web1", "web2"):
        found = waits_for(requests, "web3-activate", f"{name}-activate")
        assert found == (name in second_waits_for)
    for name in ("web1", "web2", "web3"):
        assert waits_for(requests, "records-www.example.com", f"{name}-activate")
        assert not waits_for(requests, "web3-argoWeb.yml", "web1-activate"), (
            "staging waits for none"
        )


def test_servers_in_use_follow_one_another_in_the_batches_of_the_stack(program: Program) -> None:
    program.in_use()
    program.values["servers"] = {f"web{number}": server(1) for number in range(8)}
    for number, each in enumerate(program.values["servers"].values()):
        each["address"] = f"192.0.2.{number}"
    program.values["servers"]["web3"]["letGo"] = True
    program.values["rollout"] = {"canary": 1, "batch": 3, "pause": "90s"}

    requests = program.run()

    waits = {
        name: {
            other
            for other in program.values["servers"]
            if other != name and waits_for(requests, f"{name}-activate", f"{other}-activate")
        }
        for name in program.values["servers"]
    }
    second = {"web0"}
    third = second | {"web1", "web2", "web4"}
    assert waits == {
        "web0": set(), "web1": second, "web2": second, "web3": set(), "web4": second,
        "web5": third, "web6": third, "web7": third,
    }  # fmt: skip
    assert waits_for(requests, "records-www.example.com", "web7-activate")
    assert "\npause 90\n" in requests["web0-activate"]["object"]["stdin"]


def test_a_server_that_is_gone_is_not_connected_to(program: Program) -> None:
    program.in_use()
    program.values["servers"] |= {"web2": server(2, letGo=True)}

    requests = program.run()

    for name, inputs in commands(requests):
        gone = name.startswith("web2-")
        assert requests[name].get("retainOnDelete", False) == gone
        assert ("create" in inputs) == (not gone)
        assert bool(requests[name].get("ignoreChanges")) == gone


def test_an_imported_tunnel_is_imported_once_and_keeps_its_name(
    program: Program, cloudflare: Cloudflare
) -> None:
    body = {"name": "by-hand", "config_src": "local", "tunnel_secret": "c2VjcmV0" * 6}
    made = cloudflare.api("POST", f"/accounts/{ACCOUNT}/cfd_tunnel", body)
    program.values["tunnel"] = {"importId": made["id"], "secretVersion": 2}

    first = program.run()["tunnel-tunnel"]
    program.in_the_state(made)
    second = program.run()["tunnel-tunnel"]

    assert first["importId"] == f"{ACCOUNT}/{made['id']}"
    assert "importId" not in second
    for request in (first, second):
        assert "name" in request["ignoreChanges"]
        assert "configSrc" not in request["object"]


def test_an_imported_tunnel_keeps_the_secret_that_the_stack_was_given(
    program: Program, cloudflare: Cloudflare
) -> None:
    given = "c2VjcmV0" * 6
    body = {"name": "by-hand", "config_src": "local", "tunnel_secret": given}
    made = cloudflare.api("POST", f"/accounts/{ACCOUNT}/cfd_tunnel", body)
    program.values["tunnel"] = {"importId": made["id"]}
    program.secrets["tunnelSecret"] = given

    requests = program.run()

    assert secret(requests["tunnel-tunnel"]["object"]["tunnelSecret"]) == given
    assert given in secret(requests["web1-credentials"]["object"]["stdin"])
    assert requests["tunnel-tunnel"]["ignoreChanges"] == ["name", "tunnelSecret"]
    assert "tunnel-secret" not in requests
    assert "tunnel-secret imported" in requests["web1-activate"]["object"]["stdin"]


def test_a_protected_tunnel_is_protected(program: Program) -> None:
    assert not program.run()["tunnel-tunnel"].get("protect")
    program.values["tunnel"]["protect"] = True
    assert program.run()["tunnel-tunnel"]["protect"]


def test_a_raised_version_makes_a_new_secret_for_the_same_tunnel(program: Program) -> None:
    first = program.run()
    program.values["tunnel"]["secretVersion"] = 2
    second = program.run()

    keepers = [it["tunnel-secret"]["object"]["keepers"] for it in (first, second)]
    assert keepers[0] != keepers[1]
    assert first["tunnel-tunnel"]["object"] == second["tunnel-tunnel"]["object"]
    assert second["tunnel-secret"]["object"]["length"] == 64


def test_the_outputs_name_the_tunnel(program: Program) -> None:
    program.run()
    assert program.outputs == {
        "tunnelId": "tunnel-tunnel-id",
        "hostnames": ["www.example.com", "git.example.org"],
        "urls": ["https://www.example.com/", "https://git.example.org/"],
    }


def test_a_stack_in_use_is_asked_for_the_same_things(program: Program) -> None:
    before = program.run()
    program.in_use()
    after = program.run()

    for name, request in before.items():
        assert after[name]["object"] == request["object"], name


def test_a_state_of_another_stack_is_taken_on_resource_by_resource(program: Program) -> None:
    program.in_use()
    (tunnel,) = program.state.values()
    urns = {
        "tunnel-tunnel": f"urn:pulumi:old::argoweb::argoweb:index:Tunnel${tunnel['type']}::tunnel-tunnel",
        "web1": "urn:pulumi:old::argoweb::argoweb:index:NixosHost::web1",
        "web1-teardown": f"urn:pulumi:old::argoweb::argoweb:index:NixosHost${COMMAND}::web1-teardown",
    }
    program.state.clear()
    for name, urn in urns.items():
        kind = urn.split("::")[2].rpartition("$")[2]
        outputs = tunnel["outputs"] if name == "tunnel-tunnel" else {}
        program.state[urn] = {"type": kind, "outputs": outputs}

    requests = program.run()

    aliases = {
        name: [alias["urn"] for alias in request["aliases"] if "urn" in alias]
        for name, request in requests.items()
        if "aliases" in request
    }
    assert {name: found for name, found in aliases.items() if found} == {
        name: [urn] for name, urn in urns.items()
    }
