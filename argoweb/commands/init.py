"""Makes a stack: asks for what it needs, fetches the server's host key for comparison, and ends with `doctor`.

What is there already stays as it is and is not asked for, so that it may be run again. Every question has a flag.
The token is taken from CLOUDFLARE_API_TOKEN, from --token-file or by a question, never from a flag. It changes nothing at
Cloudflare and on the server.

Exit codes: those of doctor; 2 where a flag is missing and nobody can be asked.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextvars import copy_context
from pathlib import Path
from typing import Any

import asyncssh
from pulumi.runtime import set_all_config

from argoweb.commands import doctor
from argoweb.errors import StackUnreadable
from argoweb.questions import Questions
from argoweb.stack import ask_pulumi, ask_pulumi_json, find_project_name, read_configuration
from existing import permissions
from existing.api import Api, ApiError
from settings import Access, FindingsError, read_access
from settings.reading import ssh_key
from values.remedies import write_remedy

_SECONDS = 15
_AGENT, _NEW = "the SSH agent", "a new key"
_OWN = "~/.ssh/id_ed25519"
_BACKENDS = ("proxy", "root", "redirect", "service")
_TOKEN, _KEY = "cloudflare:apiToken", "argoweb:sshPrivateKey"
_IMPORT_LINE = """    imports = [
      ./hardware-configuration.nix
      (if builtins.pathExists /etc/caddy/argoWeb.nix then /etc/caddy/argoWeb.nix else { })
    ];"""
_Config = Mapping[str, Mapping[str, Any]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `init`."""
    flag = parser.add_argument
    flag("--stack", metavar="NAME", help="the stack, made if it is not there")
    flag("--token-file", metavar="FILE", help="where the API token is; - for standard input")
    flag("--account", metavar="ID", help="the Cloudflare account")
    flag("--zone", metavar="NAME", action="append", help="a zone, more than once for several")
    flag("--server", metavar="NAME", help="the server's name in the stack, such as web1")
    flag("--address", help="its IP address or name")
    flag("--port", help="its SSH port")
    flag("--user", help="its SSH user: root, or one with sudo -n")
    flag("--host-key", metavar="KEY", help="its host key, as in known_hosts behind the host")
    flag(
        "--trust-host-key", action="store_true", help="take the host key that it shows, uncompared"
    )
    flag("--ssh-key", metavar="FILE", help="a private key without a passphrase; 'agent' for the SSH agent's, 'new' for a new one")  # fmt: skip
    flag("--site", metavar="HOSTNAME=KIND:VALUE", action="append", help=f"a site, KIND one of {', '.join(_BACKENDS)}; more than once for several")  # fmt: skip
    flag("--json", action="store_true", help="the doctor's report for programs")


def run(given: argparse.Namespace) -> int:
    """Asks for what no flag gives, writes it into the stack's configuration, and gives the exit code of `doctor`."""
    questions = Questions()
    deployment = find_project_name()
    stack = _take_stack(given, questions)
    config = read_configuration(stack)
    plain: dict[str, object] = {}
    secrets: dict[str, str] = {}
    token = _take_token(given, questions, config, secrets)
    api = Api(_read_access(config, token))
    _take_zones(given, questions, config, api, plain)
    _take_server(given, questions, config, plain)
    _take_private_key(given, questions, config, secrets, f"{deployment} {stack}")
    _take_sites(given, questions, config, plain)
    _write(stack, plain, secrets)
    if not given.json:
        print(f"\nThe one line for each server's configuration.nix, as the last element of `imports`:\n\n{_IMPORT_LINE}\n")  # fmt: skip
        print("In a flake the element is /etc/caddy/argoWeb.nix alone: docs/operations.md, A server with a flake.\n")  # fmt: skip
    return doctor.run(argparse.Namespace(stack=stack, json=given.json))


def _take_stack(given: argparse.Namespace, questions: Questions) -> str:
    """Gives the name of the stack, which is made if it is not there."""
    there = ask_pulumi_json("stack", "ls", "--json")
    current = next((each["name"] for each in there if each["current"]), None)
    name = (
        given.stack or current or questions.ask_text(None, "--stack", "Name of the stack:", "prod")
    )
    if name not in [each["name"] for each in there]:
        ask_pulumi("stack", "init", "--stack", name)
    return str(name)


def _take_token(
    given: argparse.Namespace, questions: Questions, config: _Config, secrets: dict[str, str]
) -> str | None:
    """Takes the API token, unless the stack or a variable of the environment has it."""
    if _TOKEN in config or "CLOUDFLARE_API_TOKEN" in os.environ:
        return None
    if given.token_file:
        secrets[_TOKEN] = _read(given.token_file)
    else:
        secrets[_TOKEN] = questions.ask_secret("CLOUDFLARE_API_TOKEN or --token-file", "Cloudflare API token (not shown):")  # fmt: skip
    return secrets[_TOKEN]


def _read(name: str) -> str:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise StackUnreadable(f"{name} cannot be read: {error}") from None
    return text.strip()


def _read_access(config: _Config, token: str | None) -> Access:
    """Gives the address and credentials of the API, read as the Pulumi program reads them."""
    values = {key: str(each["value"]) for key, each in config.items() if "value" in each}
    if token is not None:
        values[_TOKEN] = token
    context = copy_context()
    context.run(set_all_config, values, [_TOKEN])
    try:
        return context.run(read_access)
    except FindingsError as error:
        raise StackUnreadable(str(error)) from None


def _take_zones(
    given: argparse.Namespace,
    questions: Questions,
    config: _Config,
    api: Api,
    plain: dict[str, object],
) -> None:
    """Takes the account and the zones, of those that the token can see."""
    if _has(config, "accountId") and _has(config, "zones"):
        return
    try:
        seen = api.read_list("zones", permissions.ZONE, per_page=50)
    except ApiError as error:
        raise StackUnreadable(f"Cloudflare does not tell which zones there are. {error}") from None
    if not seen:
        raise StackUnreadable(
            "The token sees no zone. Add your domain at Cloudflare, and give the token Zone · Zone · Read for it."
        )
    names = {zone["account"]["id"]: zone["account"].get("name", "") for zone in seen}
    if _has(config, "accountId"):
        account = str(config["argoweb:accountId"]["value"])
    else:
        choices = [f"{key} {name}" for key, name in names.items()]
        account = questions.ask_one(
            given.account, "--account", "Cloudflare account:", choices
        ).split()[0]
        plain["accountId"] = account
    if not _has(config, "zones"):
        theirs = [zone["name"] for zone in seen if zone["account"]["id"] == account]
        if not theirs:
            raise StackUnreadable(f"The token sees no zone of the account {account}.")
        chosen = questions.ask_some(given.zone, "--zone", "Zones:", theirs)
        plain["zones"] = [{"name": name} for name in chosen]


def _take_server(
    given: argparse.Namespace, questions: Questions, config: _Config, plain: dict[str, object]
) -> None:
    """Takes the address of the first server, and its host key."""
    if _has(config, "servers"):
        return
    name = questions.ask_text(
        given.server, "--server", "Name of the server in the stack:", "web1", suffices=True
    )
    address = questions.ask_text(given.address, "--address", "Its IP address, or whole name:")
    port = int(
        questions.ask_text(
            given.port, "--port", "Its SSH port:", "22", check=_check_port, suffices=True
        )
    )
    user = questions.ask_text(
        given.user, "--user", "SSH user, root or one with sudo -n:", "root", suffices=True
    )
    key = given.host_key or _fetch_host_key(given, questions, address, port)
    server: dict[str, object] = {"address": address, "hostKey": " ".join(key.split()[:2])}
    server |= {"port": port} if port != 22 else {}
    server |= {"user": user} if user != "root" else {}
    plain["servers"] = {name: server}


def _check_port(text: str) -> bool | str:
    return (text.isdecimal() and 0 < int(text) < 65536) or "a port is a number from 1 to 65535"


def _fetch_host_key(
    given: argparse.Namespace, questions: Questions, address: str, port: int
) -> str:
    """Fetches the host key that the server shows, and has somebody compare it."""
    if not given.trust_host_key:
        # Without a terminal nobody could compare the key, so it is not fetched.
        questions.require("--host-key")
    try:
        key = asyncio.run(asyncio.wait_for(_ask_host_key(address, port), _SECONDS))
    except (OSError, asyncssh.Error, asyncio.TimeoutError) as error:
        said = str(error) or f"no answer within {_SECONDS} s"
        raise StackUnreadable(f"{address} port {port} shows no host key: {said}") from None
    text = key.export_public_key().decode().strip()
    print(f"The server shows this host key, fingerprint {key.get_fingerprint()}:\n  {text}", file=sys.stderr)  # fmt: skip
    same = "Is it that of /etc/ssh/ssh_host_ed25519_key.pub on the server? (`ssh-keygen -lf` prints its fingerprint there)"
    if not questions.confirm(given.trust_host_key, "--host-key or --trust-host-key", same):
        raise StackUnreadable("The host key was not accepted; nothing was set.")
    return text


async def _ask_host_key(address: str, port: int) -> asyncssh.SSHKey:
    for algorithms in (["ssh-ed25519"], ()):
        try:
            key = await asyncssh.get_server_host_key(
                address, port, server_host_key_algs=algorithms, config=None
            )
        except asyncssh.KeyExchangeFailed:
            continue
        if key is not None:
            return key
    raise asyncssh.KeyExchangeFailed("it has none of a known kind")


def _take_private_key(
    given: argparse.Namespace,
    questions: Questions,
    config: _Config,
    secrets: dict[str, str],
    comment: str,
) -> None:
    """Takes the SSH key or makes one, unless the SSH agent's are used."""
    if _has(config, "sshPrivateKey"):
        return
    choices = [_AGENT] if os.environ.get("SSH_AUTH_SOCK") else []
    if Path(_OWN).expanduser().exists():
        choices.append(_OWN)
    named = {"agent": _AGENT, "new": _NEW}
    flag = named.get(given.ssh_key, given.ssh_key)
    chosen = questions.ask_one(flag, "--ssh-key", "SSH key for the servers:", [*choices, _NEW])
    if chosen == _AGENT:
        return
    if chosen == _NEW:
        key = asyncssh.generate_private_key("ssh-ed25519", comment=comment.replace(" ", "-"))
        secrets[_KEY] = key.export_private_key().decode()
        public = key.export_public_key().decode().strip()
        print(f"Add this line to the user's authorized_keys on each server:\n  {public}", file=sys.stderr)  # fmt: skip
        return
    text = f"{_read(chosen)}\n"
    if problem := ssh_key.find_problem(text):
        said, remedy = problem
        raise StackUnreadable(f"{chosen}: {said} {write_remedy(remedy)}")
    secrets[_KEY] = text


def _take_sites(
    given: argparse.Namespace, questions: Questions, config: _Config, plain: dict[str, object]
) -> None:
    """Takes the first sites."""
    if _has(config, "sites"):
        return
    if given.site:
        plain["sites"] = [_read_site(text) for text in given.site]
        return
    zones = plain.get("zones") or config["argoweb:zones"].get("objectValue") or [{"name": ""}]
    first = zones[0]["name"] if isinstance(zones, list) else ""
    hostname = questions.ask_text(None, "--site", "Hostname of the first site:", f"www.{first}")
    kind = questions.ask_one(None, "--site", "What answers there:", _BACKENDS)
    example = {"proxy": "127.0.0.1:3000", "root": "/srv/www", "redirect": f"https://{first}{{uri}}"}
    value = questions.ask_text(
        None, "--site", f"Its {kind}:", example.get(kind, "http://127.0.0.1:3000")
    )
    plain["sites"] = [{"hostname": hostname, kind: value}]


def _read_site(text: str) -> dict[str, str]:
    hostname, _, rest = text.partition("=")
    kind, _, value = rest.partition(":")
    if not (hostname and value and kind in _BACKENDS):
        raise StackUnreadable(
            f"--site: found '{text}', expected HOSTNAME=KIND:VALUE, as www.example.com=proxy:127.0.0.1:3000"
        )
    return {"hostname": hostname, kind: value}


def _has(config: _Config, key: str) -> bool:
    """Whether the stack's configuration has a value for the key; Pulumi.yaml's empty defaults do not count."""
    found = config.get(f"argoweb:{key}", {})
    return found.get("objectValue", found.get("value")) not in (None, "", [], {})


def _write(stack: str, plain: Mapping[str, object], secrets: Mapping[str, str]) -> None:
    """Writes the new configuration: plain values by one command, each secret by standard input, so that no process list shows it."""
    if plain:
        values = {
            f"argoweb:{key}": {"value": value, "secret": False}
            if isinstance(value, str)
            else {"value": json.dumps(value), "objectValue": value, "secret": False}
            for key, value in plain.items()
        }
        ask_pulumi("config", "set-all", "--json", json.dumps(values), "--stack", stack)
    for key, secret in secrets.items():
        ask_pulumi("config", "set", "--secret", key, "--stack", stack, stdin=secret)
