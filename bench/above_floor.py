"""What ours takes above the engine's own part: the same resources registered with nothing else, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from bench.commands import Taken, compared
from bench.lab import UP, Lab, Program
from bench.rounds import Row, interleaved, ratio
from bench.stacks import APP, STATUS, sites

TARGETS = {10: 1.25, 100: 1.25, 500: 1.15, 2000: 1.15}
"""By the number of sites: how many times the floor's time a preview and an update without a change may take."""
_MANY = 500
"""From so many sites on a run takes half a minute, and there are fewer rounds."""
_FEW = 20
_STATE_BYTES = 1_200_000
_FOUR = ("web1", "web2", "web3", "web4")


def rows(lab: Lab, rounds: int) -> list[Row]:
    """Runs that change nothing, at each size; one site changed among the most; first updates on one server."""
    found, few = [], max(rounds // 3, 3)
    for size, target in TARGETS.items():
        lab.deploy(size, "floor")
        for what, words in (("preview", ("preview",)), ("up", UP)):
            runs = {name: partial(getattr(lab, name).taken, *words) for name in ("ours", "floor")}
            taken = interleaved(runs, rounds if size < _MANY else few)
            found += compared(
                f"no-op {what}, {size} sites: against the floor",
                taken["ours"],
                taken["floor"],
                target,
            )
    found += [_memory(lab, size), *_one_changed(lab, size, few)]
    for program in (lab.ours, lab.floor):
        program.destroy()
    where = {"ours": ["web1"], "floor": ["web2"]}
    return [*found, *_first(lab, few, "one server", where, 1, 1.15)]


def rows_on_four(lab: Lab, rounds: int) -> list[Row]:
    """First updates on four servers, and what is kept in the state of each site then."""
    where = {"ours": _FOUR, "floor": _FOUR}
    found = _first(lab, rounds, "four servers, in 20 zones", where, 20, 1.5)
    size = {}
    for name in where:
        program: Program = getattr(lab, name)
        lab.deploy_on(program, sites(_MANY, 20, mark=name), _FOUR)
        size[name] = program.state_bytes()
    return [
        *found,
        Row(
            measure=f"bytes of the state, {_MANY} sites on four servers",
            value=size["ours"],
            target=_STATE_BYTES,
            detail=f"the floor's has {size['floor']}",
        ),
    ]


def rows_on_fifty(lab: Lab) -> list[Row]:
    """First updates of few sites on many servers, once each: what they take is the servers' work, not the engine's."""
    servers = tuple(lab.world.status["servers"])
    where = {"ours": servers, "floor": servers}
    what = f"{len(servers)} servers"
    return _first(lab, 1, what, where, 1, None, count=_FEW)


def _memory(lab: Lab, size: int) -> Row:
    peaks = {name: [getattr(lab, name).peak_mib()] for name in ("ours", "floor")}
    what = f"peak memory of the program, {size} sites: against the floor"
    return ratio(what, peaks["ours"], peaks["floor"], 1.15, unit="MiB")


def _one_changed(lab: Lab, size: int, rounds: int) -> list[Row]:
    """One file and the activation; what the server does then, which the floor's does not, is taken off."""
    declared = sites(size, mark="ours")
    taken: dict[str, list[Taken]] = {"ours": [], "floor": []}
    for number in range(rounds):
        declared[0] = replace(declared[0], service=APP if number % 2 else STATUS)
        lab.declare(lab.ours, declared, ["web1"])
        whole = lab.ours.taken(*UP)
        without = whole.seconds - lab.activation_seconds(["web1"])
        taken["ours"].append(replace(whole, seconds=without))
        lab.floor.write("floor", {"changes": {"argoWeb.caddy": str(number)}})
        taken["floor"].append(lab.floor.taken(*UP))
    what = f"up, one of {size} sites changed, without its activation: against the floor"
    return compared(what, taken["ours"], taken["floor"], 1.2)


def _first(
    lab: Lab,
    rounds: int,
    what: str,
    where: Mapping[str, Sequence[str]],
    zones: int,
    target: float | None,
    count: int = _MANY,
) -> list[Row]:
    """Ours with its activations, which do on the servers what the floor's commands do not, and the time without them."""
    taken: dict[str, list[Taken]] = {"ours": [], "floor": []}
    without = []
    for number in range(rounds):
        for name in ("ours", "floor")[:: -1 if number % 2 else 1]:
            program: Program = getattr(lab, name)
            lab.declare(program, sites(count, zones, mark=name), where[name])
            taken[name].append(program.taken(*UP))
            if name == "ours":
                without.append(taken[name][-1].seconds - lab.activation_seconds(where[name]))
            program.destroy()
    measure = f"up from nothing, {count} sites on {what}: against the floor"
    floor = [each.seconds for each in taken["floor"]]
    return [
        *compared(measure, taken["ours"], taken["floor"], target),
        ratio(f"{measure}, without what the servers do", without, floor, target),
    ]
