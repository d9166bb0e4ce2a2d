"""Many sites on several servers, from nothing."""

from bench.lab import Lab, Program
from bench.rounds import Row, ratio
from bench.stacks import sites

SITES, ZONES = 500, 20
SERVERS = ("web1", "web2", "web3", "web4")
_CONNECTIONS = 7
"""Six files and the activation; each connection stays open until the update ends."""


def rows(lab: Lab, rounds: int) -> list[Row]:
    """`up` and `destroy`, in turns."""
    lab.declare(lab.ours, sites(SITES, ZONES, mark="ours"), SERVERS)
    lab.declare(lab.flat, sites(SITES, ZONES, mark="flat"), SERVERS)
    seconds: dict[str, list[float]] = {"ours": [], "flat": []}
    peaks: dict[str, list[float]] = {"ours": [], "flat": []}
    connections: list[int] = []
    for number in range(rounds):
        for name in ("ours", "flat") if number % 2 == 0 else ("flat", "ours"):
            program: Program = getattr(lab, name)
            before = {server: lab.world.logins(server) for server in SERVERS}
            seen = program.watched("up", "--yes", "--skip-preview")
            seconds[name].append(max(process.ended for process in seen))
            peaks[name].append(max(it.peak_mib for it in seen if it.role == "program"))
            if name == "ours":
                connections += [lab.world.logins(it) - before[it] for it in SERVERS]
            program.destroy()
    what = f"up from nothing, {SITES} sites in {ZONES} zones on {len(SERVERS)} servers"
    return [
        ratio(f"{what}: against the flat program", seconds["ours"], seconds["flat"], 1.1),
        ratio(f"{what}: peak memory", peaks["ours"], peaks["flat"], 1.0, unit="MiB"),
        Row(
            measure=f"{what}: SSH connections a server", value=max(connections), target=_CONNECTIONS
        ),
    ]
