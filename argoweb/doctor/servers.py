"""Tries whether each server has what a first deployment needs, in one SSH session."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from argoweb.connection import NoConnection, run_program
from argoweb.programs import write_doctor_program
from argoweb.report import observe
from argoweb.server import judge_clock
from argoweb.stack import Stack
from settings import Server, Settings
from settings.model.unit_paths import list_roots
from values.findings import Finding

_EDGE_PORT = 7844
_REGIONS = ("region1.v2.argotunnel.com", "region2.v2.argotunnel.com")
"""Where cloudflared connects to; with `region: us` a name of its own."""
_DISK_KB = {"/nix/store": 3_000_000, "/boot": 50_000, "/var": 200_000, "/tmp": 100_000}
"""What a rebuild wants to be free, roughly."""
_MEMORY_KB = 1_000_000
"""What the evaluation of a NixOS wants, with swap, roughly."""
_BUFFER = 7_500_000
"""Bytes that QUIC wants for its sockets."""
_OLDEST = (24, 11)
"""The oldest NixOS whose modules the tests know."""
_Rows = Mapping[str, Sequence[Sequence[str]]]


async def try_servers(stack: Stack) -> list[Finding]:
    """Tries every server of the stack at once."""
    found = await asyncio.gather(*(_try(stack, server) for server in stack.settings.servers))
    return [line for lines in found for line in lines]


async def _try(stack: Stack, server: Server) -> list[Finding]:
    settings = stack.settings.adapt_to(server)
    ports = {
        settings.caddy.port,
        *(int(each.metrics.rpartition(":")[2]) for each in settings.instances),
    }
    if settings.caddy.metrics is not None and settings.caddy.metrics.host is not None:
        ports.add(settings.caddy.metrics.port)
    program = write_doctor_program(
        settings.caddy.unit,
        server.rebuild.flake or "",
        [f"{hostname} {path}" for path, hostname in list_roots(settings.sites).items()],
        settings.nixos.config_dir,
        ",".join(map(str, sorted(ports))),
        *list_edge_addresses(settings),
    )

    try:
        text, times = await run_program(server, stack.private_key, program)
    except NoConnection as error:
        return [observe(error.code, server.name, str(error))]
    return list(judge_report(settings, server, text, times))


def list_edge_addresses(settings: Settings) -> list[str]:
    """Gives the addresses that cloudflared connects to, each as `host:port`."""
    region = settings.cloudflared.get("region")
    prefix = f"{region}-" if region else ""
    return [f"{prefix}{name}:{_EDGE_PORT}" for name in _REGIONS]


def judge_report(
    settings: Settings, server: Server, text: str, asked: tuple[float, float]
) -> Iterator[Finding]:
    """Judges what remote/doctor.sh has printed on a server; `asked` has the times before and after, for its clock."""
    rows: dict[str, list[list[str]]] = {}
    for row in text.splitlines():
        kind, *fields = row.split("\t")
        rows.setdefault(kind, []).append(fields)

    def tell(code: str, said: str, passed: bool) -> Finding:
        return observe(code, server.name, said, passed=passed)

    who = f"{server.user}@{server.address}:{server.port}"
    yield tell("server-unreachable", f"{who} is reached with its pinned host key, as root", True)
    for (owner,) in rows.get("owner", []):
        mine = f"{settings.deployment}/{server.name}"
        ours = owner.rsplit(" ", 2)[0] == mine
        said = "it belongs to this stack" if ours else f"it belongs to {owner}, the stack is {mine}"
        yield tell("server-of-another", said, ours)
    yield from (tell(*each) for each in _judge_nixos(rows))
    yield from (tell(*each) for each in _judge_resources(rows))
    yield judge_clock(server, float(rows["clock"][0][0]), asked)
    yield from (tell(*each) for each in _judge_network(settings, rows))
    yield from (tell(*each) for each in _judge_programs(settings, rows))
    yield from (tell(*each) for each in _judge_folders(settings, rows))


_Judgement = tuple[str, str, bool]


def _judge_nixos(rows: _Rows) -> Iterator[_Judgement]:
    version, rebuild = rows["nixos"][0]
    found = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if not version or not rebuild:
        yield "nixos-missing", "this is no NixOS, or has no nixos-rebuild", False
        return
    yield "nixos-old", f"NixOS {version}", found >= _OLDEST
    has_module = bool(rows["module"][0][0])
    folder, file = rows["import"][0]
    kind = "a flake" if rows["flake"][0][0] == "yes" else "a classic configuration"
    if has_module:
        yield "import-line", f"{kind}, whose running system has argoweb's module", True
    elif file:
        yield "import-line", f"{kind}, which imports it in {file}", True
    else:
        yield "import-line", f"{kind}; no file below {folder} imports argoWeb.nix", False


def _judge_folders(settings: Settings, rows: _Rows) -> Iterator[_Judgement]:
    shut = " and ".join(path for (path,) in rows.get("read-only", []))
    said = f"{shut} cannot be written" if shut else "the folders of the stack can be written"
    yield "folder-read-only", said, not shut
    for hostname, path, why in rows.get("root", []):
        yield "root-missing", f"{path}, which {hostname} serves, {why}", False
    if (roots := list_roots(settings.sites)) and "root" not in rows:
        yield (
            "root-missing",
            f"{', '.join(roots)} {'is' if len(roots) == 1 else 'are'} there for Caddy",
            True,
        )


def _judge_resources(rows: _Rows) -> Iterator[_Judgement]:
    for path, free, used in rows["disk"]:
        if used == "100%":
            yield "disk-low", f"there is room in {path}, and no inode for one more file", False
        enough = int(free) >= _DISK_KB[path]
        yield "disk-low", f"{int(free) // 1000} MB are free in {path}, about {_DISK_KB[path] // 1000} are wanted", enough  # fmt: skip
    memory = int(rows["memory"][0][0])
    said = f"{memory // 1000} MB of memory and swap are free, about {_MEMORY_KB // 1000} are wanted"
    yield "memory-low", said, memory >= _MEMORY_KB


def _judge_network(settings: Settings, rows: _Rows) -> Iterator[_Judgement]:
    protocol = settings.cloudflared.get("protocol", "auto")
    for kind, named in (("tcp", "TCP"), ("udp", "UDP")):
        answers = rows[kind]
        open_to = [edge for edge, answer in answers if answer == "yes"]
        causes = sorted({answer for _, answer in answers if answer != "yes"})
        of_both = f"port {_EDGE_PORT} of Cloudflare by {named}"
        if open_to:
            yield f"edge-{kind}", f"reaches {of_both}", True
        elif (kind, protocol) not in (("tcp", "quic"), ("udp", "http2")):
            yield f"edge-{kind}", f"does not reach {of_both}: {', '.join(causes)}", False
    if any(":" in address for address in settings.caddy.bind):
        lacks = "no-ipv6" in rows
        said = (
            f"has {'no ' * lacks}IPv6, and Caddy is to listen at {', '.join(settings.caddy.bind)}"
        )
        yield "ipv6-missing", said, not lacks
    sizes = [int(size or 0) for size in rows["buffers"][0]]
    if rows["module"][0][0]:
        yield "udp-buffers", f"UDP buffers may have {min(sizes)} bytes", min(sizes) >= _BUFFER


def _judge_programs(settings: Settings, rows: _Rows) -> Iterator[_Judgement]:
    ours = {each.unit for each in settings.instances} | {f"{settings.caddy.unit}.service"}
    for port, process, pid, unit in rows.get("listener", []):
        said = f"port {port} is used by {process} (process {pid}, unit {unit})"
        yield "port-taken", said, unit in ours
    for unit, state, problem in rows.get("caddy", []):
        yield "caddy-old", problem or f"{unit} is there and {state}", not problem
    for process, unit, problem in rows.get("cloudflared", []):
        if unit not in ours:
            said = f"another cloudflared runs (process {process}, unit {unit})"
            yield "cloudflared-other", said, False
        if problem:
            yield "cloudflared-bad", problem, False
    for version, unit in rows.get("cloudflared-old", []):
        said = f"cloudflared {version} (unit {unit}) came out more than a year ago"
        yield "cloudflared-old", said, False
