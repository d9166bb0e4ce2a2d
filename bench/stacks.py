"""Stacks of any size, in the words of ours and of the flat program."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from settings import Settings
from settings.reading.build import build

APP, STATUS = "http://127.0.0.1:3000", "http://127.0.0.1:3001"
"""What runs on each server of the sandbox."""
_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A hostname whose requests go to a service: through Caddy, or from cloudflared itself."""

    hostname: str
    zone: str
    service: str
    through_caddy: bool

    @property
    def zone_id(self) -> str:
        """The zone's id in the sandbox's Cloudflare: 32 hexadecimal digits made of its name."""
        return self.zone.encode().hex()[:32].rjust(32, "0")

    @property
    def backend(self) -> dict[str, str]:
        """The key that says who answers, which is the same in both programs."""
        if self.through_caddy:
            return {"proxy": self.service.removeprefix("http://")}
        return {"service": self.service}


def sites(count: int, zones: int = 1, *, mark: str) -> list[Site]:
    """Every fourth without Caddy, spread over the zones; the mark tells one program's from another's."""
    return [
        Site(
            hostname=f"s{number:04}.{mark}-{number % zones:02}.localhost",
            zone=f"{mark}-{number % zones:02}.localhost",
            service=STATUS if number % 4 == 3 else APP,
            through_caddy=number % 4 != 3,
        )
        for number in range(count)
    ]


def in_our_words(sites: Sequence[Site]) -> list[dict[str, str]]:
    """The sites of argoweb."""
    return [{"hostname": site.hostname, **site.backend} for site in sites]


def in_flat_words(sites: Sequence[Site]) -> list[dict[str, str]]:
    """The sites of the other programs."""
    return [{"hostname": site.hostname, "zone": site.zone_id, **site.backend} for site in sites]


def of_every_kind(count: int) -> dict[str, Any]:
    """A stack file of ours: domains of ten sites each with what the checks compare, which is hostnames and paths."""
    zones = [f"own-{number:03}.localhost" for number in range(-(-count // 10))]
    sites = [site for zone in zones for site in _domain(zone)]
    named = [{"name": zone, "id": f"{number:032x}"} for number, zone in enumerate(zones)]
    return {"zones": named, "sites": sites[:count]}


def _domain(zone: str) -> list[dict[str, str]]:
    app = APP.removeprefix("http://")
    return [
        {"hostname": f"www.{zone}", "path": "^/api", "proxy": app},
        {"hostname": f"www.{zone}", "path": "^/status$", "service": STATUS},
        {"hostname": f"www.{zone}", "root": "/srv/www"},
        {"hostname": zone, "redirect": f"https://www.{zone}{{uri}}"},
        *({"hostname": f"app{number}.{zone}", "proxy": app} for number in range(5)),
        {"hostname": f"*.{zone}", "service": STATUS},
    ]


def zones_of(sites: Iterable[Site]) -> dict[str, str]:
    """Name and id of each zone."""
    return {site.zone: site.zone_id for site in sites}


def settings_of(values: dict[str, Any]) -> Settings:
    """Checked settings with one server that nobody connects to."""
    servers = {"web1": {"address": "192.0.2.1", "hostKey": _HOST_KEY}}
    stack = {"accountId": "0" * 32, "servers": servers, **values}
    return build(stack, deployment="argoweb/bench")
