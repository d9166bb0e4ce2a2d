"""Draws the status of a stack as one screen of a terminal."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timezone

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from argoweb.report import STYLES, SYMBOLS, as_text
from argoweb.server import Answer, ServerSeen
from argoweb.status.edge import Seen
from argoweb.status.overview import Overview, is_guarded
from settings import Site
from values.findings import Finding, Severity, write_count

_COLUMNS = 4
"""How many servers get a column of their own."""
_FIRST_ERROR = 500


def draw_screen(found: Overview) -> RenderableType:
    """Draws a heading, a table of the servers, one of the sites, and what is wrong."""
    parts: list[RenderableType] = [
        _draw_heading(found),
        _draw_servers(found.servers),
        _draw_sites(found),
    ]
    lines = found.lines
    parts += [_draw_line(line) for line in lines] or [_mark(Severity.OK, "All is well.")]
    return Group(*parts, "")


def _mark(level: Severity, text: str) -> Text:
    return Text(f"{SYMBOLS[level]} {text}", style=STYLES[level])


def _draw_line(line: Finding) -> Text:
    head, *rest = as_text(line).splitlines()
    return Text(head, style=STYLES[line.severity]).append(
        "".join(f"\n{each}" for each in rest), style="default"
    )


def _draw_heading(found: Overview) -> RenderableType:
    cloud, update = found.cloud, found.stack.last_update or {}
    where = Counter(place for each in cloud.connectors for place in each.locations)
    told = [f"tunnel {cloud.tunnel_name or '–'}: {cloud.tunnel_status}"]
    if where:
        told.append(
            f"{write_count(sum(where.values()), 'connection')} ({', '.join(f'{place} ×{count}' for place, count in sorted(where.items()))})"
        )
    versions = sorted({each.version for each in cloud.connectors})
    if versions:
        told.append(f"cloudflared {', '.join(versions)}")
    since = min((each.since for each in cloud.connectors), default="")
    if since:
        told.append(f"since {since[:16].replace('T', ' ')} UTC")
    title = Text(found.stack.settings.deployment, style="bold")
    title.append(f"  {'; '.join(told)}", style="default")
    if update:
        by = (update.get("environment") or {}).get("git.author")
        ended = str(update.get("endTime", ""))[:16].replace("T", " ")
        title.append(
            f"\nlast update {ended} UTC: {update.get('result')}{f', by {by}' if by else ''}",
            style="default",
        )
    return title


def _make_table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _draw_servers(servers: Iterable[ServerSeen]) -> Table:
    table = _make_table(
        "Server", "Units", "Connections", "cloudflared", "Caddy", "NixOS", "Deployed", "Drift"
    )
    for server in servers:
        if not server.reached:
            table.add_row(escape(server.name), _mark(Severity.UNKNOWN, "not reached"), *["–"] * 6)
            continue
        stopped = [unit.name for unit in server.units if unit.state != "active"]
        units = (
            _mark(
                Severity.ERROR,
                ", ".join(f"{name.removesuffix('.service')} stopped" for name in stopped),
            )
            if stopped
            else _mark(Severity.OK, f"{len(server.units)} active")
            if server.units
            else Text("–")
        )
        versions = sorted({each.version for each in server.cloudflareds} - {""})
        counts = "+".join(str(each.connections or 0) for each in server.cloudflareds)
        drifted = len(server.drift)
        table.add_row(
            escape(server.name),
            units,
            counts or "–",
            ", ".join(versions) or "–",
            server.caddy_version or "–",
            f"{server.system} ({server.generation})" if server.system else "–",
            f"{_write_time(server.deployed_at)}{f' by {server.deployed_by}' if server.deployed_by else ''}",
            _mark(Severity.ERROR, str(drifted)) if drifted else _mark(Severity.OK, "none"),
        )
    return table


def _write_time(seconds: int | None) -> str:
    if seconds is None:
        return "never"
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def _draw_sites(found: Overview) -> Table:
    servers = found.servers
    single = len(servers) <= _COLUMNS
    columns = [f"On {server.name}" for server in servers] if single else ["On the servers"]
    table = _make_table("Site", "Record", "Access", "Certificate", "At the edge", *columns)
    for index, site in enumerate(found.stack.settings.sites):
        seen = found.find_edge(site)
        answers = [server.origins.get(index) for server in servers]
        cells = [_draw_answer(answer) for answer in answers] if single else [_draw_answers(answers)]
        record = found.cloud.records[site.hostname]
        level = {"ours": Severity.OK, "none": Severity.NOTE, "unknown": Severity.UNKNOWN}.get(
            record, Severity.ERROR
        )
        table.add_row(
            escape(f"{site.hostname}{f' {site.path}' if site.path else ''}"),
            _mark(level, record),
            _draw_access(site, seen),
            _draw_certificate(seen),
            _draw_edge(seen),
            *cells,
        )
    return table


def _draw_access(site: Site, seen: Seen | None) -> Text:
    if not site.passed:
        return Text("–")
    if seen is None:
        return _mark(Severity.UNKNOWN, "not asked")
    return _mark(Severity.OK, "guarded") if is_guarded(seen) else _mark(Severity.ERROR, "open")


def _draw_certificate(seen: Seen | None) -> Text:
    if seen is not None and seen.code == "edge-certificate":
        return _mark(Severity.ERROR, "none")
    return (
        Text("–")
        if seen is None or seen.certificate_until is None
        else _mark(Severity.OK, f"until {seen.certificate_until[:20]}")
    )


def _draw_edge(seen: Seen | None) -> Text:
    if seen is None:
        return Text("–")
    return _mark(Severity.ERROR if seen.code else Severity.OK, seen.shown)


def _is_well(answer: Answer) -> bool:
    return 0 < answer.status < _FIRST_ERROR


def _draw_answer(answer: Answer | None) -> Text:
    if answer is None:
        return Text("–")
    shown = f"{answer.status} {answer.seconds * 1000:.0f} ms" if answer.status else "nothing"
    return _mark(Severity.OK if _is_well(answer) else Severity.ERROR, shown)


def _draw_answers(answers: Iterable[Answer | None]) -> Text:
    asked = [answer for answer in answers if answer is not None]
    well = sum(map(_is_well, asked))
    return _mark(Severity.OK if well == len(asked) else Severity.ERROR, f"{well} of {len(asked)}")
