"""Asks each server of a stack what it is like, in one SSH session."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from argoweb.connection import NoConnection, run_program
from argoweb.origins import write_curl_config
from argoweb.programs import write_report_program
from argoweb.report import observe
from argoweb.stack import Stack
from settings import Server
from values.findings import Finding, Severity, write_count

_CLOCK_SECONDS = 30
"""By how much a server's clock may differ from this machine's."""
_RESTARTS, _LATELY = 3, 3600.0
"""How many restarts by systemd are told, and for how many seconds after the last start."""
_CONNECTIONS, _CONNECTING = 4, 60.0
"""How many connections a cloudflared makes by itself, and the seconds that it may take to make them."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit of systemd on a server."""

    name: str
    state: str
    since: int | None
    """Seconds since 1970."""
    restarts: int


@dataclass(frozen=True, kw_only=True)
class Cloudflared:
    """A cloudflared that a server runs."""

    unit: str
    connections: int | None
    """`None` if it does not answer."""
    version: str
    locations: Sequence[str]
    """Data centres, one for each connection."""
    connector: str = ""
    """The id by which Cloudflare knows it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer of a site on the server itself."""

    status: int
    """The status of HTTP; 0 if nothing answered."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ServerSeen:
    """What a server told of itself."""

    name: str
    address: str
    reached: bool
    system: str = ""
    """The version of NixOS."""
    generation: str = ""
    deployed_at: int | None = None
    """Seconds since 1970."""
    deployed_by: str = ""
    """The version of argoweb; empty for one of before 0.1.0, which had none."""
    owner: str = ""
    """`project/stack/server address id`"""
    units: Sequence[Unit] = ()
    cloudflareds: Sequence[Cloudflared] = ()
    caddy_version: str = ""
    origins: Mapping[int, Answer] = field(default_factory=dict)
    """Answers by the index of the site."""
    lines: Sequence[Finding] = ()

    @property
    def drift(self) -> list[Finding]:
        """What differs on the server from what the stack has sent."""
        return [line for line in self.lines if line.kind.differs]


async def look_at_servers(stack: Stack, *, sites: bool) -> list[ServerSeen]:
    """Asks every server of the stack at once; with `sites` also for what each site answers there."""
    return list(
        await asyncio.gather(
            *(_look_at_server(stack, server, sites=sites) for server in stack.settings.servers)
        )
    )


async def _look_at_server(stack: Stack, server: Server, *, sites: bool) -> ServerSeen:
    data = write_curl_config(stack.settings) if sites else ""

    try:
        text, times = await run_program(server, stack.private_key, write_report_program(), data)
    except NoConnection as error:
        line = observe(error.code, server.name, str(error))
        return ServerSeen(
            name=server.name, address=_write_address(server), reached=False, lines=[line]
        )
    return read_report(stack, server, text, times)


def judge_clock(server: Server, clock: float, asked: tuple[float, float]) -> Finding:
    """Judges a server's clock; `asked` has the times here before and after it was told."""
    off = max(asked[0] - clock, clock - asked[1], 0.0)
    said = f"its clock differs by {off:.0f} s from this machine's"
    return observe("clock-off", server.name, said, passed=off <= _CLOCK_SECONDS)


def _write_address(server: Server) -> str:
    return f"{server.user}@{server.address}:{server.port}"


def read_report(stack: Stack, server: Server, text: str, asked: tuple[float, float]) -> ServerSeen:
    """Reads what remote/report.sh has printed on a server; `asked` has the times before and after."""
    rows: dict[str, list[list[str]]] = {}
    lines: list[Finding] = []
    journals = defaultdict[str, list[str]](list)
    for row in text.splitlines():
        kind, *fields = row.split("\t")
        if kind == "journal":
            journals[fields[0]].append(" ".join(fields[1:]))
        elif kind == "differs":
            code, place, found, expected = fields
            said = f"{place}: found {found}; the stack says {expected}"
            lines.append(observe(code, server.name, said, more=journals[place]))
        elif kind == "changed" and lines:
            last = lines.pop()
            lines.append(replace(last, more=[*last.more, "\t".join(fields)]))
        else:
            rows.setdefault(kind, []).append(fields)
    cloudflareds = [*map(_read_cloudflared, rows.get("cloudflared", []))]
    units = [*map(_read_unit, rows.get("unit", []))]
    owner, deployed_at = rows["owner"][0] if "owner" in rows else ("", "")
    manifest = "\n".join(fields[0] if fields else "" for fields in rows.get("manifest", [])) + "\n"
    lines = [*_judge_deployment(stack, server, owner, manifest, rows), *lines]
    clock = float(rows["clock"][0][0])
    lines += _judge_units(server, units, cloudflareds, journals, clock)
    if (judged := judge_clock(server, clock, asked)).severity is not Severity.OK:
        lines.append(judged)
    for hostname, path, why in rows.get("root", []):
        said = f"{path}, which {hostname} serves, {why}"
        lines.append(observe("root-missing", server.name, said))
    system = rows["system"][0]
    generation = rows["generation"][0]
    return ServerSeen(
        name=server.name,
        address=_write_address(server),
        reached=True,
        system=system[1],
        generation=generation[0].removeprefix("system-").removesuffix("-link"),
        deployed_at=int(deployed_at) if deployed_at.isdecimal() else None,
        deployed_by=next(
            (
                line.partition(" ")[2]
                for line in manifest.splitlines()
                if line.startswith("argoweb ")
            ),
            "",
        ),
        owner=owner,
        units=units,
        cloudflareds=cloudflareds,
        caddy_version=rows["caddy"][0][1].removeprefix("v") if "caddy" in rows else "",
        origins={
            int(index): Answer(status=int(status), seconds=float(seconds))
            for index, status, seconds in rows.get("site", [])
        },
        lines=lines,
    )


def _read_cloudflared(fields: Sequence[str]) -> Cloudflared:
    unit, count, version, where, connector = fields
    return Cloudflared(
        unit=unit,
        connections=int(count) if count else None,
        version=version,
        locations=where.split(),
        connector=connector,
    )


def _read_unit(fields: Sequence[str]) -> Unit:
    name, state, since, restarts = fields
    return Unit(
        name=name,
        state=state,
        since=int(since) if since.isdecimal() else None,
        restarts=int(restarts or 0),
    )


def _judge_units(
    server: Server,
    units: Sequence[Unit],
    cloudflareds: Sequence[Cloudflared],
    journals: Mapping[str, Sequence[str]],
    now: float,
) -> Iterator[Finding]:
    """Finds units that end again and again, and what is not, or not wholly, connected to Cloudflare."""
    lasting = {}
    for unit in units:
        lasting[unit.name] = now - (unit.since or 0) if unit.state == "active" else 0.0
        if unit.restarts >= _RESTARTS and lasting[unit.name] < _LATELY:
            said = f"{unit.name} has ended by itself {write_count(unit.restarts, 'time')}, and was started again"
            yield observe("unit-restarts", server.name, said)
    for each in cloudflareds:
        if not lasting.get(each.unit):
            continue
        if each.connections is None:
            said = f"{each.unit} runs and does not answer"
            yield observe("cloudflared-silent", server.name, said)
        elif not each.connections:
            said = f"{each.unit} has no connection to Cloudflare"
            more = journals.get(each.unit, [])
            yield observe("cloudflared-unconnected", server.name, said, more=more)
        elif each.connections < _CONNECTIONS and lasting[each.unit] > _CONNECTING:
            said = f"{each.unit} has {write_count(each.connections, 'connection')} to Cloudflare, {_CONNECTIONS} are usual"
            yield observe("cloudflared-few", server.name, said)


def _judge_deployment(
    stack: Stack,
    server: Server,
    owner: str,
    manifest: str,
    rows: Mapping[str, Sequence[Sequence[str]]],
) -> list[Finding]:
    """Finds whether the live deployment is another stack's, or is not the one that the stack's state has."""
    name = server.name
    if "owner" not in rows:
        said = "no deployment of argoweb is live here"
        return [observe("server-undeployed", name, said)]
    if "undecided" in rows and "manifest" not in rows:
        return [observe("deployment-damaged", name, rows["undecided"][0][0])]
    sent = stack.state.manifests.get(name)
    mine = f"{stack.settings.deployment}/{name}"
    if owner.rsplit(" ", 2)[0] != mine:
        said = f"it belongs to {owner}, the stack is {mine}"
        return [observe("server-of-another", name, said)]
    if "undecided" in rows:
        return [observe("server-at-work", name, rows["undecided"][0][0])]
    if sent is not None and sent.split() != manifest.split():
        theirs, ours = set(manifest.splitlines()), set(sent.splitlines())
        changed = [f"-{line}" for line in sorted(ours - theirs)]
        changed += [f"+{line}" for line in sorted(theirs - ours)]
        said = "what was deployed last is not what the stack's state has sent last"
        return [observe("deployment-differs", name, said, more=changed)]
    return []
