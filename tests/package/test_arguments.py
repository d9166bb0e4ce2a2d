"""What a component is told, against what a stack file of the same keys says."""

import asyncio
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import set_all_config
from pulumi.runtime.settings import SETTINGS

from package.arguments import Arguments, read_arguments
from package.words import reword_finding
from settings import FindingsError
from settings.reading.build import build
from tests.components.program import Engine, ask, run_to_the_end
from tests.existing.conftest import TOKEN
from tests.program.conftest import HOST_KEYS
from tests.settings.messages import ROWS, changed_by, findings
from values.findings import Findings
from values.remedies import Remedy, RemoveKey, SetKey
from values.tables import MISSING_KEY

SECRET = "-----BEGIN something-----"


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A program that has a token for Cloudflare and an SSH agent."""
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
    ask(Engine(), project="shop", stack="dev")
    set_all_config({}, [])
    yield
    SETTINGS.outputs.clear()


def as_pulumi_sends(value: Any) -> Any:
    """Every number has a fraction there."""
    if isinstance(value, dict):
        return {key: as_pulumi_sends(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_pulumi_sends(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def read(inputs: Callable[[], dict[str, Any]] | dict[str, Any]) -> Arguments:
    """The arguments; outputs have to be made by a function, inside of the program."""

    async def program() -> Arguments:
        given = inputs() if callable(inputs) else inputs
        return await read_arguments(as_pulumi_sends(given), "web")

    return run_to_the_end(program())


def refused(inputs: Callable[[], dict[str, Any]] | dict[str, Any]) -> list[str]:
    """What is wrong, by its code and the path of the argument."""
    with pytest.raises(FindingsError) as error:
        read(inputs)
    return [f"{each.kind.code} {reword_finding(each).place}" for each in error.value.findings]


def unknown() -> pulumi.Output[Any]:
    """What another resource tells once it is made."""
    known: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    known.set_result(False)
    value: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    value.set_result(pulumi.UNKNOWN)
    return pulumi.Output(set(), value, known)


def test_they_are_read_as_a_stack_file_of_the_same_keys(prod: dict[str, Any]) -> None:
    assert read(prod).settings == build(prod, deployment="shop/dev/web")


@pytest.mark.parametrize("row", ROWS[::4], ids=[row["place"] for row in ROWS[::4]])
def test_a_mistake_earns_what_it_earns_in_a_stack_file_in_the_words_of_a_program(
    row: dict[str, Any],
) -> None:
    expected = findings(row)
    with pytest.raises(FindingsError) as error:
        read(changed_by(row))

    told = [reword_finding(each) for each in error.value.findings]
    assert {each.place for each in told} == {
        each.place.removeprefix("argoweb:") for each in expected
    }
    assert not [each for each in told if re.search(r"\bargoweb:\w|pulumi config", str(each))]


SET_IT = "Set it with: "


@pytest.mark.parametrize(
    ("remedy", "in_a_stack_file", "in_a_program"),
    [
        (
            (SET_IT, SetKey("argoweb:sites[0].dns.adopt", "true")),
            "Set it with: pulumi config set --path 'argoweb:sites[0].dns.adopt' true",
            "Set it with: sites[0].dns.adopt: true",
        ),
        (
            (SET_IT, SetKey("argoweb:sshPrivateKey", "~/.ssh/id_ed25519", secret=True, from_file=True)),
            "Set it with: pulumi config set --secret argoweb:sshPrivateKey < ~/.ssh/id_ed25519",
            "Set it with: sshPrivateKey: the text of ~/.ssh/id_ed25519",
        ),
        (
            ("ssh-add ~/.ssh/id_ed25519, then ", RemoveKey("argoweb:sshPrivateKey")),
            "ssh-add ~/.ssh/id_ed25519, then pulumi config rm argoweb:sshPrivateKey",
            "ssh-add ~/.ssh/id_ed25519, then leave out sshPrivateKey",
        ),
        (
            (SET_IT, SetKey("argoweb:servers.web1.address", "<value>")),
            "Set it with: pulumi config set --path argoweb:servers.web1.address <value>",
            "Set it with: servers.web1.address: <value>",
        ),
        (
            (SET_IT, SetKey("sites.yaml[3].hostname", "<value>")),
            "Set it with: `hostname: <value>` at sites.yaml[3]",
            "Set it with: `hostname: <value>` at sites.yaml[3]",
        ),
        (
            (SET_IT, SetKey("cloudflare:apiToken", secret=True)),
            "Set it with: pulumi config set --secret cloudflare:apiToken",
            "Set it with: pulumi config set --secret cloudflare:apiToken",
        ),
        ("a group of `argoweb:access.groups`",) * 2 + ("a group of `access.groups`",),
    ],
)  # fmt: skip
def test_advice_is_in_the_words_of_a_program(
    remedy: Remedy, in_a_stack_file: str, in_a_program: str
) -> None:
    findings = Findings()
    findings.add(MISSING_KEY, "argoweb:sites", "missing.", remedy)
    (found,) = findings.errors

    assert found.advice == in_a_stack_file
    assert reword_finding(found).advice == in_a_program


def test_all_is_said_at_once_with_the_path_of_each_argument(prod: dict[str, Any]) -> None:
    def inputs() -> dict[str, Any]:
        prod["sites"][0] |= {"rot": "/srv", "path": unknown()}
        prod["servers"]["web1"]["port"] = 99999
        return {**prod, "sshPrivateKey": pulumi.Output.secret(SECRET)}

    assert sorted(refused(inputs)) == [
        "not-known sites[0].path",
        "unknown-key sites[0].rot",
        "unusable-ssh-key sshPrivateKey",
        "wrong-value servers.web1.port",
    ]


@pytest.mark.parametrize("key", ["accountId", "zones", "sites", "servers", "tunnelSecret"])
def test_what_is_not_known_yet_is_told_and_not_that_it_is_missing(
    prod: dict[str, Any], key: str
) -> None:
    assert refused(lambda: {**prod, key: unknown()})[0] == f"not-known {key}"
    assert f"missing-key {key}" not in refused(lambda: {**prod, key: unknown()})


def test_a_secret_in_the_place_of_what_is_plain_on_the_servers_is_refused(
    prod: dict[str, Any],
) -> None:
    assert refused(lambda: {**prod, "accountId": pulumi.Output.secret(prod["accountId"])}) == [
        "encrypted accountId"
    ]


def test_the_way_to_a_server_may_be_told_by_another_resource(prod: dict[str, Any]) -> None:
    told = ("address", "hostKey", "port", "user")

    def inputs() -> dict[str, Any]:
        made = {key: unknown() for key in told}
        prod["servers"] = {
            "web1": {**made, "bastion": {key: unknown() for key in told}},
            "web2": {**made, "address": unknown(), "hostKey": unknown()},
        }
        return prod

    arguments = read(inputs)

    assert set(arguments.connections) == {"web1", "web2"}
    assert arguments.settings.servers[0].address.endswith(".invalid")


def test_what_another_resource_has_told_is_looked_at_and_kept_as_its_output(
    prod: dict[str, Any],
) -> None:
    def inputs(port: int = 2222) -> dict[str, Any]:
        told = {"hostKey": f"{HOST_KEYS[1]} root@web1", "port": float(port), "user": "admin"}
        prod["servers"] = {
            "web1": {
                **{key: pulumi.Output.from_input(each) for key, each in told.items()},
                "address": pulumi.Output.from_input("192.0.2.9"),
                "bastion": {
                    **{key: pulumi.Output.from_input(each) for key, each in told.items()},
                    "address": pulumi.Output.from_input("192.0.2.8"),
                },
            },
            "web2": {"address": "192.0.2.7", "hostKey": HOST_KEYS[2]},
        }
        return prod

    async def read_end(end: Any) -> dict[str, Any]:
        return {name: await each.future() for name, each in vars(end).items()}

    async def program() -> list[dict[str, Any]]:
        connections = (await read_arguments(inputs(), "web")).connections
        (way,) = connections.values()
        assert way.bastion is not None
        return [await read_end(way.server), await read_end(way.bastion)]

    told = {"host_key": HOST_KEYS[1], "port": 2222, "user": "admin"}
    assert run_to_the_end(program()) == [
        {"address": "192.0.2.9", **told},
        {"address": "192.0.2.8", **told},
    ]
    assert refused(lambda: inputs(port=0)) == [
        "wrong-value servers.web1.port",
        "wrong-value servers.web1.bastion.port",
    ]


def test_the_ssh_key_is_that_of_the_connection_and_a_secret(
    prod: dict[str, Any], tmp_path: Path
) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")]
    subprocess.run(command, check=True)
    key = (tmp_path / "key").read_text()

    async def program() -> tuple[Any, bool]:
        found = (await read_arguments({**prod, "sshPrivateKey": key}, "web")).settings
        assert found.ssh_private_key is not None
        return await found.ssh_private_key.future(), await found.ssh_private_key.is_secret()

    assert run_to_the_end(program()) == (key, True)
