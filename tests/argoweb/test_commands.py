"""The commands as somebody runs them, against a Cloudflare and an OpenSSH server; a program on PATH has Pulumi's part."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from argoweb.__main__ import main
from argoweb.doctor import servers
from tests.argoweb.conftest import Door, as_root
from tests.conftest import ROOT
from tests.existing.conftest import ACCOUNT, TOKEN, ZONE, Cloudflare
from tests.ports import free_port

PULUMI = f"""#!{sys.executable} -S
import json, sys
from pathlib import Path
folder = Path(__file__).parent
words = [it for it in sys.argv[1:] if it != "--non-interactive"]
with (folder / "asked").open("a") as asked:
    print(json.dumps(words), file=asked)
kept = json.loads((folder / "kept.json").read_text())
match words[:2]:
    case ["stack", "ls"]:
        print(json.dumps([{{"name": it, "current": it == kept["current"]}} for it in kept["stacks"]]))
    case ["stack", "init"]:
        kept["stacks"].append(words[3])
    case ["stack", "export"]:
        print(json.dumps({{"deployment": {{"resources": kept["resources"]}}}}))
    case ["stack", "history"]:
        print("[]")
    case ["config", "--json"]:
        print(json.dumps(kept["config"]))
    case ["config", "set-all"]:
        kept["config"].update(json.loads(words[3]))
    case ["config", "set"]:
        kept["config"][words[3]] = {{"value": sys.stdin.read(), "secret": True}}
    case ["plugin", _]:
        print("[]")
    case ["whoami", _]:
        print('{{"user": "ann", "url": "file:///x"}}')
    case _:
        print("v3.259.0")
if words[:2] in (["stack", "init"], ["config", "set-all"], ["config", "set"]):
    (folder / "kept.json").write_text(json.dumps(kept))
"""
SITES = ("--site", "www.example.com=proxy:127.0.0.1:3000", "--site", "git.example.org=root:/srv/x")


class Pulumi:
    """What stands for Pulumi: it keeps a configuration, and a state that is empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.keep(stacks=["prod"], current="prod", config={}, resources=[])
        (folder / "pulumi").write_text(PULUMI)
        (folder / "pulumi").chmod(0o755)

    def keep(self, **kept: Any) -> None:
        file = self._folder / "kept.json"
        before = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps({**before, **kept}))

    @property
    def config(self) -> dict[str, Any]:
        """The values of the configuration, those of tables and lists as they are."""
        kept = json.loads((self._folder / "kept.json").read_text())["config"]
        return {key: it.get("objectValue", it["value"]) for key, it in kept.items()}

    @property
    def secrets(self) -> set[str]:
        kept = json.loads((self._folder / "kept.json").read_text())["config"]
        return {key for key, it in kept.items() if it["secret"]}

    def asked(self) -> list[list[str]]:
        """What it was asked for since the last time."""
        file = self._folder / "asked"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]


@pytest.fixture
def pulumi(tmp_path: Path, cloudflare: Cloudflare, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", cloudflare.api_url)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("CLOUDFLARE_API_TOKEN", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(ROOT)
    closed = f"127.0.0.1:{free_port()}"  # Cloudflare's own is far away
    monkeypatch.setattr(servers, "list_edge_addresses", lambda settings: [closed])
    return Pulumi(folder)


@pytest.fixture
def flags(tmp_path: Path, door: Door) -> dict[str, str]:
    """What answers each question of init."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    (tmp_path / "key").write_text(door.private_key)
    return {
        "--stack": "new",
        "--token-file": str(tmp_path / "token"),
        "--zone": "example.com",
        "--address": "127.0.0.1",
        "--port": str(door.port),
        "--host-key": f"{door.host_key} a comment",
        "--ssh-key": str(tmp_path / "key"),
    }


def words(flags: dict[str, str]) -> list[str]:
    return [word for pair in flags.items() for word in pair]


@as_root
def test_init_sets_what_its_flags_say_and_shows_no_secret(
    pulumi: Pulumi, flags: dict[str, str], door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["init", *words(flags), "--zone", "example.org", "--server", "web7", *SITES])

    assert code == 1, "this machine is no NixOS server"
    assert pulumi.config == {
        "argoweb:accountId": ACCOUNT,
        "argoweb:zones": [{"name": "example.com"}, {"name": "example.org"}],
        "argoweb:servers": {
            "web7": {"address": "127.0.0.1", "port": door.port, "hostKey": door.host_key}
        },
        "argoweb:sites": [
            {"hostname": "www.example.com", "proxy": "127.0.0.1:3000"},
            {"hostname": "git.example.org", "root": "/srv/x"},
        ],
        "argoweb:sshPrivateKey": door.private_key,
        "cloudflare:apiToken": TOKEN,
    }
    assert pulumi.secrets == {"argoweb:sshPrivateKey", "cloudflare:apiToken"}
    asked = pulumi.asked()
    assert ["stack", "init", "--stack", "new"] in asked
    assert all("new" in each for each in asked if each[0] == "config")
    said = capsys.readouterr()
    for secret in (TOKEN, door.private_key.splitlines()[1]):
        assert secret not in f"{asked}{said}"
    assert "(if builtins.pathExists /etc/caddy/argoWeb.nix then" in said.out
    assert "argoweb/new can be read, its secrets too" in said.out
    assert "[nixos-missing]" in said.out


@pytest.fixture
def made(pulumi: Pulumi, door: Door) -> Pulumi:
    """The configuration of a stack that has not been deployed."""
    values: dict[str, Any] = {
        "accountId": ACCOUNT,
        "zones": [{"name": "example.com", "id": ZONE}],
        "servers": {"web1": door.server()},
        "sites": [{"hostname": "www.example.com", "root": "/srv/www"}],
    }
    config: dict[str, Any] = {
        "cloudflare:apiToken": {"value": TOKEN, "secret": True},
        "argoweb:sshPrivateKey": {"value": door.private_key, "secret": True},
    }
    for key, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value)
        config[f"argoweb:{key}"] = {"value": text, "secret": False}
    pulumi.keep(config=config)
    return pulumi


@as_root
def test_init_leaves_what_is_there(made: Pulumi) -> None:
    before = made.config

    again = main(["init", "--zone", "example.org", "--ssh-key", "new", "--json", *SITES])

    assert again == 1, "this machine is no NixOS server"
    assert made.config == before
    assert {each[1] for each in made.asked() if each[0] == "config"} == {"--json"}


@as_root
def test_init_takes_what_is_missing_or_empty(
    pulumi: Pulumi, flags: dict[str, str], door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", TOKEN)
    pulumi.keep(config={"argoweb:zones": {"value": "[]", "objectValue": [], "secret": False}})
    shown = {key: it for key, it in flags.items() if key != "--host-key"}
    shown |= {"--stack": "prod", "--ssh-key": "new", "--user": "admin"}

    main(["init", *words(shown), "--trust-host-key", *SITES[:2]])

    assert pulumi.config["argoweb:zones"] == [{"name": "example.com"}]
    assert pulumi.config["argoweb:servers"] == {
        "web1": {"address": "127.0.0.1", "port": door.port, "user": "admin", "hostKey": door.host_key}
    }  # fmt: skip
    assert load_ssh_private_key(pulumi.config["argoweb:sshPrivateKey"].encode(), None)
    assert pulumi.secrets == {"argoweb:sshPrivateKey"}, "the variable has the token"
    assert ["stack", "init", "--stack", "prod"] not in pulumi.asked()


REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "no terminal": ({"--host-key": None}, "--host-key is needed where nobody can be asked"),
    "a server that is not there": ({"--host-key": None, "--port": "1"}, "port 1 shows no host key"),
    "a port": ({"--port": "65536"}, "--port: found '65536': a port is a number from 1 to 65535."),
    "a site": ({"--site": "www"}, "--site: found 'www', expected HOSTNAME=KIND:VALUE"),
    "a kind": ({"--site": "www.example.com=x:y"}, "expected HOSTNAME=KIND:VALUE"),
    "a key file": ({"--ssh-key": "/nowhere"}, "/nowhere cannot be read"),
    "a key": ({"--ssh-key": str(ROOT / "LICENSE")}, "LICENSE: "),
    "a token file": ({"--token-file": "/nowhere"}, "/nowhere cannot be read"),
    "a token": ({"--token-file": str(ROOT / "Pulumi.yaml")}, "cloudflare:apiToken: is no API token"),
    "another account": ({"--account": ZONE}, f"The token sees no zone of the account {ZONE}."),
}  # fmt: skip


def test_what_init_cannot_use_is_said_and_sets_nothing(
    pulumi: Pulumi, flags: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for changed, said in REFUSED.values():
        given = {"--site": SITES[1], **flags, **changed}
        trust = ["--trust-host-key"] if "shows no host key" in said else []

        code = main(["init", *words({k: v for k, v in given.items() if v is not None}), *trust])

        assert code == 2, said
        assert said in capsys.readouterr().err
        assert pulumi.config == {}


@as_root
def test_drift_and_status_tell_of_a_stack_that_is_nowhere_yet(
    made: Pulumi, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*command: str) -> tuple[int, str]:
        code = main([*command])
        return code, capsys.readouterr().out

    code, text = told("drift")
    same, shown = told("drift", "--stack", "prod", "--json")
    whole, status = told("status", "--json", "--edge", "http://127.0.0.1:1")

    assert (code, same, whole) == (1, 1, 1)
    found = json.loads(shown)
    assert (found["stack"], found["exit"]) == ("argoweb/prod", 1)
    assert [(it["code"], it["place"]) for it in found["lines"]] == [
        ("record-missing", "www.example.com"),
        ("server-undeployed", "web1"),
    ]
    assert text == (
        "✗ error   www.example.com: has no record yet [record-missing]\n    → pulumi up --refresh makes it.\n"
        "! warning web1: no deployment of argoweb is live here [server-undeployed]\n"
        "    → pulumi up. If it finds nothing to do: Raise argoweb:servers.web1.redeploy by one, then: pulumi up\n"
    )
    (seen,) = json.loads(status)
    assert seen["stack"] == "argoweb/prod"
    assert seen["tunnel"]["id"] is None
    (site,) = seen["sites"]
    assert (site["hostname"], site["path"], site["protected"], site["record"]) == (
        "www.example.com", "", False, "missing",
    )  # fmt: skip
    assert seen["servers"][0]["reached"] is True
    assert {it["code"] for it in seen["lines"]} == {
        "edge-unreachable", "origin-error", "record-missing", "server-undeployed", "tunnel-not-made",
    }  # fmt: skip


JOURNALCTL = """#!/bin/bash
echo "$*"
if [[ $* == *json* ]]; then
  echo '{"MESSAGE": [104, 195, 182, 255], "_SYSTEMD_UNIT": "x.service", "__REALTIME_TIMESTAMP": "1790000000500000"}'
fi
"""


@as_root
def test_logs_are_those_of_the_stacks_units_or_of_others_by_server(
    made: Pulumi, door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bin/journalctl").write_text(JOURNALCTL)
    (tmp_path / "bin/journalctl").chmod(0o755)
    asked = "--no-pager --quiet --lines={} --unit={} --output="

    assert main(["logs"]) == 0
    usual = asked.format(100, "argoWeb.service --unit=argoWeb-2.service --unit=caddy.service")
    assert capsys.readouterr().out == f"{usual}short-iso\n"

    assert main(["logs", "web1", "--json", "-n", "3", "-u", "x.service", "--since", "today"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "server": "web1", "unit": "x.service", "time": 1790000000.5, "message": "h\u00f6\ufffd",
    }  # fmt: skip

    servers = {"web1": door.server(), "another": door.server(port=free_port())}
    kept = {key: {"value": it if isinstance(it, str) else json.dumps(it), "secret": key in made.secrets} for key, it in made.config.items()}  # fmt: skip
    made.keep(config={**kept, "argoweb:servers": {"value": json.dumps(servers), "secret": False}})
    assert main(["logs", "-n", "3"]) == 2
    said = capsys.readouterr()
    assert (
        said.out
        == f"web1    | {asked.format(3, 'argoWeb.service --unit=argoWeb-2.service --unit=caddy.service')}short-iso\n"
    )
    assert "another: " in said.err
    assert "[server-unreachable]" in said.err


def test_a_stack_of_which_pulumi_does_not_tell_ends_with_2(
    pulumi: Pulumi, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pulumi.keep(current="")
    none = main(["drift"])
    (tmp_path / "bin/pulumi").write_text("#!/bin/sh\necho 'error: no way' >&2\nexit 1\n")
    failed = main(["drift", "--stack", "x"])

    said = capsys.readouterr().err.splitlines()
    assert (none, failed) == (2, 2)
    assert said[0].startswith("No stack is selected.")
    assert "failed: error: no way" in said[1]
