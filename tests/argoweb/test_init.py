"""The questions of `init` in a terminal, from the first one to the configuration that the answers make."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.argoweb.conftest import Door, as_root
from tests.argoweb.terminal import converse
from tests.argoweb.test_commands import Pulumi, pulumi
from tests.conftest import ROOT
from tests.existing.conftest import ACCOUNT, OTHER_ACCOUNT, TOKEN, Cloudflare

__all__ = ["pulumi"]

ENTER = "\r"
DOWN = "\x1b[B"


@as_root
def test_every_question_says_what_is_asked_for_and_enter_takes_its_default(
    pulumi: Pulumi, door: Door, cloudflare: Cloudflare, tmp_path: Path
) -> None:
    pulumi.keep(stacks=[], current="")
    another = {"id": "d" * 32, "name": "example.net", "account_id": OTHER_ACCOUNT}
    cloudflare.control("/seed", {"zones": [another]})
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/id_ed25519").write_text(door.private_key)

    code, text = converse(
        [sys.executable, "-m", "argoweb", "init"],
        [
            ("? Name of the stack: [prod]", ENTER),
            ("? Cloudflare API token (not shown):", f"{TOKEN}{ENTER}"),
            ("? Cloudflare account:", ENTER),
            ("? Zones:", f" {DOWN} {ENTER}"),
            ("? Name of the server in the stack: [web1]", ENTER),
            ("? Its IP address, or whole name:", f"127.0.0.1{ENTER}"),
            ("? Its SSH port: [22]", f"{door.port}{ENTER}"),
            ("? SSH user, root or one with sudo -n: [root]", ENTER),
            ("The server shows this host key, fingerprint SHA256:", ""),
            ("? Is it that of /etc/ssh/ssh_host_ed25519_key.pub on the server?", "y"),
            ("? SSH key for the servers:", ENTER),
            ("? Hostname of the first site: [www.example.com]", ENTER),
            ("? What answers there:", ENTER),
            ("? Its proxy: [127.0.0.1:3000]", ENTER),
        ],
        {**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert code == 1, "this machine is no NixOS server"
    assert pulumi.config == {
        "argoweb:accountId": ACCOUNT,
        "argoweb:zones": [{"name": "example.com"}, {"name": "example.org"}],
        "argoweb:servers": {"web1": {"address": "127.0.0.1", "port": door.port, "hostKey": door.host_key}},
        "argoweb:sites": [{"hostname": "www.example.com", "proxy": "127.0.0.1:3000"}],
        "argoweb:sshPrivateKey": door.private_key,
        "cloudflare:apiToken": TOKEN,
    }  # fmt: skip
    assert pulumi.secrets == {"argoweb:sshPrivateKey", "cloudflare:apiToken"}
    assert ["stack", "init", "--stack", "prod"] in pulumi.asked()
    assert TOKEN not in text


@as_root
@pytest.mark.parametrize(
    ("downs", "kind", "default"),
    [
        (1, "root", "/srv/www"),
        (2, "redirect", "https://example.org{uri}"),
        (3, "service", "http://127.0.0.1:3000"),
    ],
)
def test_a_first_site_is_proposed_in_the_zone_that_the_stack_has(
    pulumi: Pulumi, door: Door, downs: int, kind: str, default: str
) -> None:
    values = {
        "accountId": ACCOUNT,
        "zones": [{"name": "example.org"}],
        "servers": {"web1": door.server()},
        "sshPrivateKey": door.private_key,
    }
    pulumi.keep(
        config={
            f"argoweb:{key}": {"value": it, "secret": key == "sshPrivateKey"}
            if isinstance(it, str)
            else {"value": json.dumps(it), "objectValue": it, "secret": False}
            for key, it in values.items()
        }
    )

    converse(
        [sys.executable, "-m", "argoweb", "init"],
        [
            ("? Hostname of the first site: [www.example.org]", ENTER),
            ("? What answers there:", f"{DOWN * downs}{ENTER}"),
            (f"? Its {kind}: [{default}]", ENTER),
        ],
        {**os.environ, "CLOUDFLARE_API_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)},
    )

    assert pulumi.config["argoweb:sites"] == [{"hostname": "www.example.org", kind: default}]
    assert {key: pulumi.config[f"argoweb:{key}"] for key in values} == values
