"""What people wait for many times a day: a preview that changes nothing, and what it takes of memory."""

from bench.lab import Lab
from bench.rounds import Row, interleaved, ratio

SITES = 10


def rows(lab: Lab, rounds: int) -> list[Row]:
    """Ten sites on one server, deployed."""
    lab.deploy(SITES)
    programs = {"ours": lab.ours, "flat": lab.flat, "empty": lab.empty}
    found = interleaved({name: it.preview_seconds for name, it in programs.items()}, rounds)
    peaks = interleaved({name: it.peak_mib for name, it in programs.items()}, 3)
    what = f"no-op preview, {SITES} sites"
    return [
        ratio(f"{what}: against the empty program", found["ours"], found["empty"], 1.8),
        ratio(f"{what}: against the flat program", found["ours"], found["flat"], 0.65),
        ratio(
            f"peak memory of the program, {SITES} sites: against the flat program",
            peaks["ours"],
            peaks["flat"],
            0.6,
            unit="MiB",
        ),
    ]
