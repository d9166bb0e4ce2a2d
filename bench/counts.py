"""What can be counted: calls of Cloudflare's API, SSH connections, evaluations of Nix. Counts are exact."""

from dataclasses import dataclass, replace

from bench.lab import Lab
from bench.rounds import Row
from bench.stacks import APP, Site, sites

SITES = 10
SERVER = "web1"
FILES = 6
"""What is sent to a server: its program, the credentials and four files of configuration."""
RESOURCES = 9 + FILES + SITES
"""Three components, an id of the stack and one of the server, the tunnel with its secret; the teardown and the activation; files and records."""
CONNECTIONS = FILES + 2
"""Of the first `up`: one a file, one that takes away what an earlier teardown has noted, one for the activation."""
STATE = 3500
"""Of a record the official plugin keeps 2500 bytes; the rest is the site's lines in two files and the outputs, each twice."""


@dataclass(frozen=True, kw_only=True)
class _Counted:
    reads: int
    writes: int
    connections: int
    evaluations: int
    resources: int
    state: int


def rows(lab: Lab) -> list[Row]:
    """From nothing to ten sites, nothing, one route changed, one site more."""
    zones, declared = 2, sites(SITES, 2, mark="count")
    created = _after(lab, declared)
    nothing = _after(lab, declared)
    moved = _after(lab, [*declared[:3], _moved(declared[3]), *declared[4:]])
    added = _after(lab, sites(SITES + 1, 2, mark="count"))
    return [
        Row(
            measure="SSH connections of the first up", value=created.connections, target=CONNECTIONS
        ),
        Row(
            measure="API reads of a no-op up, a run of the program: zones and the tunnel",
            value=nothing.reads / (zones + 1),
            target=1,
            detail=f"{nothing.reads} reads, {zones} zones, one tunnel",
        ),
        Row(measure="API writes of a no-op up", value=nothing.writes, target=0),
        Row(measure="SSH connections of a no-op up", value=nothing.connections, target=0),
        Row(measure="SSH connections, one route changed", value=moved.connections, target=2),
        Row(measure="evaluations of Nix, one route changed", value=moved.evaluations, target=0),
        Row(measure="API writes, one route changed", value=moved.writes, target=0),
        Row(measure="API writes, one site more", value=added.writes, target=1),
        Row(measure="evaluations of Nix, one site more", value=added.evaluations, target=0),
        Row(measure="resources of the first up", value=created.resources, target=RESOURCES),
        Row(
            measure="bytes of the state, one site more",
            value=added.state - moved.state,
            target=STATE,
        ),
    ]


def _moved(site: Site) -> Site:
    return replace(site, service=APP)


def _after(lab: Lab, declared: list[Site]) -> _Counted:
    world = lab.world
    lab.declare(lab.ours, declared, [SERVER])
    evaluations = lab.evaluations(SERVER)
    logins = world.logins(SERVER)
    world.forget_requests()
    lab.ours.up()
    methods = [request["method"] for request in world.api_requests()]
    return _Counted(
        reads=methods.count("GET"),
        writes=len(methods) - methods.count("GET"),
        connections=world.logins(SERVER) - logins,
        evaluations=lab.evaluations(SERVER) - evaluations,
        resources=sum(
            not each["type"].startswith("pulumi:") for each in lab.ours.state()["resources"]
        ),
        state=lab.ours.state_bytes(),
    )
