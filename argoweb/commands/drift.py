"""Compares Cloudflare and every server with the stack, and changes nothing. Made for a schedule.

Exit codes: 0 nothing differs, 1 something differs, 2 nothing differs of what could be looked at, but not all could.
"""

import argparse
import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

from argoweb.arguments import add_json, add_stack
from argoweb.cloud import look_at_cloudflare
from argoweb.report import CANNOT_TELL, WELL, as_object, as_text, choose_exit_code
from argoweb.server import look_at_servers
from argoweb.stack import Stack, read_stack
from values.findings import Finding, Severity


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `drift`."""
    add_stack(parser)
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """Prints a line for each difference from the stack, and gives the exit code."""
    stack = read_stack(given.stack)
    lines = find_differences(stack)
    code = choose_exit_code(lines, only_differences=True)
    if given.json:
        found = {
            "stack": stack.settings.deployment,
            "exit": code,
            "lines": [as_object(line) for line in lines],
        }
        print(json.dumps(found, indent=2))
        return code
    for line in lines:
        print(as_text(line))
    if code == WELL:
        print("Nothing differs from the stack.")
    elif code == CANNOT_TELL:
        print("Nothing differs of what could be looked at.")
    return code


def find_differences(stack: Stack) -> list[Finding]:
    """Finds what differs at Cloudflare and on each server, and what could not be looked at."""
    with ThreadPoolExecutor(1) as pool:
        cloud = pool.submit(look_at_cloudflare, stack)
        servers = asyncio.run(look_at_servers(stack, sites=False))
    lines = [*cloud.result().lines, *(line for server in servers for line in server.lines)]
    return [line for line in lines if line.kind.differs or line.severity is Severity.UNKNOWN]
