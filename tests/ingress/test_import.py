"""A configuration file of cloudflared becomes a stack file that does the same."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cloudflared.go.regexp import Pattern
from cloudflared.go.urls import UrlError, parse
from cloudflared.unclean import UNCLEAN
from importing.file import File, read
from importing.stack_file import StackFile, write_stack_file
from render import render_cloudflared_yml
from settings import Settings
from settings.reading.build import build
from tests.ingress.corpus import Case, cases

TUNNEL = "6ff42ae2-765d-4adf-8112-31c55c1551ef"
SECRET = json.dumps({"AccountTag": "0" * 32, "TunnelID": TUNNEL, "TunnelSecret": "A" * 43 + "="})
SERVER = {"web1": {"address": "192.0.2.1", "insecureHostKey": True}}
_HOST_OF_DNS = re.compile(r"\w+://[a-z0-9._-]+(?:[:/]|$)")
"""A stack's hostnames are as DNS and browsers write them; cloudflared also tells letters by their case."""
ACCEPTED = [case for case in cases() if case.accepted]


def declared(made: StackFile) -> Settings:
    """The settings of a stack that has what is printed, and what the printed comments say to add."""
    config: dict[str, Any] = yaml.safe_load(made.write())["config"]
    values = {key.removeprefix("argoweb:"): value for key, value in config.items()}
    imported = "tunnel" in values
    values = {
        "accountId": "0" * 32,
        "servers": SERVER,
        "zones": [{"name": "x.y"}],
        "sites": [],
    } | values
    return build(values, deployment="argoweb/moved", tunnel_secret=SECRET if imported else None)


def is_clean(url: str) -> bool:
    """Whether a stack answers a path at all, where it has sites with a path."""
    try:
        return not Pattern(UNCLEAN).is_found_in(parse(url).path)
    except UrlError:
        return True


def service(file: File, url: str) -> str | None:
    """Where a request goes; nothing for what is no request."""
    try:
        return file.rules[file.match(url)].service
    except UrlError:
        return None


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_every_file_that_cloudflared_takes_becomes_a_stack_that_settings_take(case: Case) -> None:
    original = read(case.config.encode())
    made = write_stack_file(original)

    rendered = read(render_cloudflared_yml(declared(made), TUNNEL).encode())

    assert not rendered.refused
    if not any("ingress[" in text for text in made.left):
        urls = [
            *case.urls,
            *(f"https://{rule.hostname.replace('*', 'a')}/" for rule in original.rules),
        ]
        urls = [url for url in urls if _HOST_OF_DNS.match(url) and is_clean(url)]
        assert {url: service(rendered, url) for url in urls} == {
            url: service(original, url) for url in urls
        }


def test_most_of_the_corpus_is_carried_over_whole() -> None:
    whole = [
        case
        for case in ACCEPTED
        if not [t for t in write_stack_file(read(case.config.encode())).left if "ingress[" in t]
    ]

    assert len(whole) > len(ACCEPTED) / 2


def test_a_tunnel_that_is_called_by_its_name_is_known_by_its_credentials() -> None:
    file = f"tunnel: Home\ncredentials-file: ~/.cloudflared/{TUNNEL}.json\ningress: [{{service: http_status:404}}]\n"

    made = write_stack_file(read(file.encode()))

    assert made.config["tunnel"] == {"importId": TUNNEL}
    assert made.left == []


@pytest.mark.parametrize(
    "path", ["{home}/x.json", "{home}/it's here/x y.json", "~/.cloudflared/x.json"]
)
def test_the_command_that_it_prints_reads_the_credentials_on_the_server(
    tmp_path: Path, path: str
) -> None:
    there = tmp_path / "server"
    path = path.format(home=there)
    credentials = Path(path.replace("~", str(there)))
    credentials.parent.mkdir(parents=True)
    credentials.write_text(SECRET)
    # As OpenSSH does it: the words joined by blanks, for the user's shell on the server.
    program(tmp_path / "ssh", f'shift; HOME={there} exec sh -c "$*"')
    program(tmp_path / "pulumi", 'echo "$*"; cat')
    file = {"tunnel": TUNNEL, "credentials-file": path, "ingress": [{"service": "http_status:404"}]}

    text = write_stack_file(read(json.dumps(file).encode())).write()

    (command,) = re.findall(r"^# +(ssh .*)$", text, re.MULTILINE)
    ran = subprocess.run(
        ["bash", "-c", command],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert ran.stdout == f"config set --secret argoweb:tunnelSecret\n{SECRET}"


def program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def test_rules_that_a_stack_adds_by_itself_are_left_out_of_the_import_and_of_the_warnings() -> None:
    sites = [
        {"hostname": "a.x.y", "path": "^/public", "service": "http://127.0.0.1:1"},
        {"hostname": "*.x.y", "path": "^/api", "service": "http://127.0.0.1:2"},
        {"hostname": "a.x.y", "service": "http://127.0.0.1:3"},
    ]
    values = {"accountId": "0" * 32, "servers": SERVER, "zones": [{"name": "x.y"}], "sites": sites}
    written = render_cloudflared_yml(build(values, deployment="argoweb/test"), TUNNEL)

    file = read(written.encode())
    made = write_stack_file(file)

    assert [rule.path for rule in file.rules].count(UNCLEAN) == 2
    assert [str(problem) for problem in file.problems] == []
    assert [
        (site["hostname"], site.get("path"), site["service"]) for site in made.config["sites"]
    ] == [(site["hostname"], site.get("path"), site["service"]) for site in sites]


@pytest.mark.parametrize(
    ("hostname", "zone"),
    [
        ("a.b.example.com", "example.com"),
        ("*.example.com", "example.com"),
        *(
            (f"www.example.{second}.uk", f"example.{second}.uk")
            for second in ("ac", "co", "com", "edu", "gov", "net", "org")
        ),
        ("co.uk", "co.uk"),
        ("www.me.uk", "me.uk"),
        ("www.co.info", "co.info"),
    ],
)
def test_a_zone_is_what_stands_before_the_ending_of_a_country(hostname: str, zone: str) -> None:
    rules = [{"hostname": hostname, "service": "http://a:1"}, {"service": "http_status:404"}]

    made = write_stack_file(read(json.dumps({"ingress": rules}).encode()))

    assert made.config["zones"] == [{"name": zone}]


def test_what_is_left_to_be_done_stands_before_the_stack() -> None:
    rules = [{"service": "http://a:1", "x": 1}, {"service": "http_status:404"}]

    text = write_stack_file(read(json.dumps({"ingress": rules}).encode())).write()

    assert text.splitlines() == [
        "# Set what is not here, servers by the example of Pulumi.prod.yaml:",
        "#   pulumi config set --secret cloudflare:apiToken",
        "#   pulumi config set --secret argoweb:sshPrivateKey < ~/.ssh/id_ed25519   # or use your SSH agent",
        "#   pulumi config set argoweb:accountId <AccountTag of the credentials file>",
        "#   ssh root@192.0.2.10 'cat ~/.cloudflared/UUID.json' | pulumi config set --secret argoweb:tunnelSecret",
        "#   pulumi config set --path argoweb:servers.web1.address 192.0.2.10",
        "#   pulumi config set --path argoweb:servers.web1.hostKey '<its SSH host key>'",
        "# Not carried over: ingress[0].x: unknown key. Known: hostname, originRequest, path, service.",
        "# Not carried over: tunnel: expected its UUID, which `cloudflared tunnel list` prints. Without it a new tunnel is made.",
        "# The site '*' takes every hostname whose record leads to the tunnel, and makes none. Write a site for each hostname "
        "that is to have one.",
        "# The zones are a guess from the hostnames.",
        "config:",
        "  argoweb:sites:",
        '  - hostname: "*"',
        "    service: http://a:1",
    ]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("two\nlines", True),
        ("", True),
        ({"a": [1, None, True, 0.5, {"b": ""}]}, True),
        ("\u0007", False),
        (["a", "\u0007"], False),
        ({"a": {"b": "\u0007"}}, False),
    ],
)
def test_a_key_of_tomorrow_is_carried_over_where_a_stack_file_can_hold_its_value(
    value: object, kept: bool
) -> None:
    rule = {"hostname": "a.x.y", "service": "http://a:1", "originRequest": {"tomorrow": value}}
    rules = [rule, {"service": "http_status:404"}]

    (site,) = write_stack_file(read(json.dumps({"ingress": rules}).encode())).config["sites"]

    assert site.get("originRequest") == ({"tomorrow": value} if kept else None)
