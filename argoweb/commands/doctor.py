"""Tries what the first `pulumi up` needs, one by one and all at once: Pulumi, the token, the zones, each server.

Nothing is changed, and no secret is shown. Whether the token may change something is asked by changing what cannot
be there. Each server is asked for 45 seconds at most.

Exit codes: 0 all is well, 1 something is missing, 2 nothing is missing of what could be looked at, but not all could.
"""

import argparse
import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

from argoweb.arguments import add_json, add_stack
from argoweb.doctor.here import try_programs, try_pulumi
from argoweb.doctor.servers import try_servers
from argoweb.doctor.token import try_cloudflare
from argoweb.errors import StackUnreadable
from argoweb.report import as_object, as_text, choose_exit_code, observe
from argoweb.stack import read_stack
from values.findings import Finding, Severity, write_count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `doctor`."""
    add_stack(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Prints a line for each thing that was tried, and gives the exit code."""
    lines = try_all(given.stack)
    code = choose_exit_code(lines)
    if given.json:
        print(json.dumps({"exit": code, "lines": [as_object(line) for line in lines]}, indent=2))
        return code
    for line in lines:
        print(as_text(line))
    worse = [line for line in lines if line.severity not in (Severity.OK, Severity.NOTE)]
    need = f"Of {write_count(len(lines), 'thing')} {len(worse)} need{'s' * (len(worse) == 1)} you."
    print(f"\n{need}" if worse else "\nAll is well.")
    return code


def try_all(name: str | None) -> list[Finding]:
    """Tries Pulumi, then the token, zones and servers of the stack of that name, if it can be read."""
    with ThreadPoolExecutor(2) as pool:
        here = pool.submit(try_pulumi)
        try:
            stack = read_stack(name)
        except StackUnreadable as error:
            first, *more = str(error).splitlines()
            unread = observe("stack-unreadable", "stack", first, more=more)
            return [*here.result(), unread]
        cloudflare = pool.submit(try_cloudflare, stack)
        servers = asyncio.run(try_servers(stack))
    said = f"{stack.settings.deployment} can be read, its secrets too"
    well = observe("stack-unreadable", "stack", said, passed=True)
    lines = [*here.result(), *try_programs(stack.settings), well]
    return [*lines, *cloudflare.result(), *servers]
