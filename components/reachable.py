"""Asks through Cloudflare whether visitors reach the sites, from where `pulumi up` runs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pulumi
from pulumi_command import local

from edge import HOPS, list_asked
from settings import Settings, Site

_PROGRAM = Path(__file__).resolve().parent.parent / "edge" / "ask.sh"
_TITLE = "ask each new hostname through Cloudflare"
"""What an error shows as the command."""
_KEY_DIGITS = 8
"""Linux takes 128 KiB in a variable of the environment, so 14,000 sites."""


def register_reachable(
    name: str,
    settings: Settings,
    *,
    target: pulumi.Input[str],
    records: Mapping[str, pulumi.Output[str]],
    opts: pulumi.ResourceOptions,
) -> None:
    """Registers the resource that asks, after the records, if there is a site to ask for.

    `target` is where the records lead; `records` has the id of each by its hostname, and a site without one is not asked.
    One for all sites, since each resource lengthens the state. What it printed are the keys of those that answered, so
    that a later run asks none of them again. It runs by `sh` and `curl`: a path of Python would differ from machine to
    machine, and a dynamic provider keeps its code in the state.
    """
    asked = [
        (site, hostname, path)
        for site, hostname, path in list_asked(settings)
        if site.hostname in records
    ]
    if not asked:
        return
    lines = pulumi.Output.all(target, *(records[site.hostname] for site, *_ in asked))
    local.Command(
        name,
        interpreter=["/bin/sh", "-c", 'eval "$ASK"'],
        create=_TITLE,
        environment={
            "ASK": _PROGRAM.read_text(),
            "ASK_HOPS": "\n".join(f"{code} {hop}" for code, hop in HOPS.items()),
            "ASK_SECONDS": str(settings.health.timeout),
        },
        stdin=lines.apply(
            lambda known: "".join(
                f"{_make_key(site, path, known[0], record)} {hostname} {path}\n"
                for (site, hostname, path), record in zip(asked, known[1:], strict=True)
            )
        ),
        logging=local.Logging.NONE,
        opts=opts,
    )


def _make_key(site: Site, path: str, *there: str) -> str:
    """Gives a key that changes with whatever decides what answers at a site."""
    kind = type(site.backend).__name__
    said = [kind, asdict(site.backend), dict(site.origin_request), [*site.passed], path, *there]
    text = json.dumps([site.hostname, *said], default=list)
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]
