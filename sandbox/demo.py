"""The guided tour: deploy the stack, fetch its sites through the edge, say what to try next."""

import http.client
import os
import subprocess
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml

from sandbox import stack
from sandbox.cloudflare.access.login import is_team
from sandbox.state import CHECKOUT, STACK, SandboxError

_UNKNOWN = "nobody.example.localhost"
_NEXT = (
    'eval "$(.venv/bin/python -m sandbox env)"',
    "$EDITOR Pulumi.sandbox.yaml        # edit a site, say another proxy",
    "pulumi preview --diff              # each file on the server that changes, line by line",
    "pulumi up",
    "pulumi destroy                     # DNS, server, tunnel, in that order",
    ".venv/bin/python -m sandbox down   # ends the sandbox",
)
_ASKS = " (asks who you are)"
_LOGIN = (
    "To log in where you are asked who you are: the example lets in any e-mail address at example.org, and the page\n"
    "shows the code that Cloudflare would mail. To log out: /cdn-cgi/access/logout at that site."
)
_FIRST_OF_ALL = "sudo -s                            # what runs is root's"


def run(state: Mapping[str, Any]) -> int:
    """Deploys and shows; the exit code of `pulumi up`, or 1 when a site does not answer.

    Raises:
        SandboxError: the sandbox is not up.
    """
    if not state:
        raise SandboxError("The sandbox is not up. Start it with: python -m sandbox up")
    deployed = subprocess.run(
        ["pulumi", "up", "--yes", "--stack", STACK],
        cwd=CHECKOUT,
        env=stack.surroundings(state),
        check=False,
    )
    if deployed.returncode != 0:
        return deployed.returncode
    config = yaml.safe_load(stack.STACK_FILE.read_text())["config"]
    edge = state["cloudflare"]["edge_url"]
    port = edge.rpartition(":")[2]
    print("\nThe sites, through the edge:")
    good, guarded = True, False
    for hostname in _hostnames(config["argoweb:sites"]):
        code, led_to = asked(edge, hostname.replace("*", "any"))
        good = good and code < 500
        asks = is_team(urlsplit(led_to).hostname or "")
        guarded = guarded or asks
        print(f"  http://{hostname}:{port}/  {code}{_ASKS if asks else ''}")
    print(f"  http://{_UNKNOWN}:{port}/  {asked(edge, _UNKNOWN)[0]} (has no record, as it should)")
    if guarded:
        print(f"\n{_LOGIN}")
    print(f"\nThe server's cloudflared: {state['cloudflared']}")
    print("\nWhat to try next, in this shell:")
    print("\n".join(f"  {line}" for line in advice()))
    return 0 if good else 1


def _hostnames(sites: list[dict[str, Any]]) -> list[str]:
    """Those that have a record, each once; a site has one or a list."""
    given = (site["hostname"] for site in sites)
    listed = [name for each in given for name in (each if isinstance(each, list) else [each])]
    return [name for name in dict.fromkeys(listed) if name != "*"]


def advice() -> tuple[str, ...]:
    """What to type next; who came by sudo has to be root for it."""
    return (_FIRST_OF_ALL, *_NEXT) if "SUDO_USER" in os.environ else _NEXT


def asked(edge: str, hostname: str) -> tuple[int, str]:
    """The status of a hostname's first page, and where it leads if it is a redirect."""
    connection = http.client.HTTPConnection(urlsplit(edge).netloc, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": hostname})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location", "")
    finally:
        connection.close()
