"""Where the time of a preview goes: which process runs when, and what the program's own start is made of."""

import statistics
import subprocess
import sys
from collections import defaultdict

from bench.lab import Lab, Program
from bench.watch import Seen

SITES = 10
_IMPORTS = (
    ("Python and Pulumi's SDK", "pulumi"),
    ("the SDKs of command and random", "pulumi_command.remote, pulumi_random"),
    ("our Cloudflare resources", "components.cloudflare"),
    ("settings, checks, rendering", "settings, render"),
)


def report(lab: Lab, rounds: int) -> str:
    """The profile of no-op previews of ten sites, and of the empty program."""
    lab.deploy(SITES)
    parts = [_processes(name, getattr(lab, name), rounds) for name in ("ours", "flat", "empty")]
    return "\n\n".join([*parts, _imports(rounds)])


def _processes(name: str, program: Program, rounds: int) -> str:
    program.watched("preview")
    by_role: dict[str, list[Seen]] = defaultdict(list)
    for _ in range(rounds):
        last = {process.role: process for process in program.watched("preview")}
        for role, process in last.items():
            by_role[role].append(process)
    lines = [f"{name}: no-op preview, medians of {rounds}"]
    for role, seen in sorted(by_role.items(), key=lambda item: item[1][0].started):
        started, ended, processor, peak = (
            statistics.median(getattr(it, key) for it in seen)
            for key in ("started", "ended", "processor", "peak_mib")
        )
        lines.append(
            f"  {role:18} {started:5.2f} s to {ended:5.2f} s, {processor:5.2f} s of processor time, {peak:4.0f} MiB"
        )
    return "\n".join(lines)


def _imports(rounds: int) -> str:
    lines = ["imports of ours, processor time"]
    before, imported = 0.0, ""
    for what, modules in _IMPORTS:
        imported = f"{imported}import {modules}\n"
        now = statistics.median(_import_seconds(imported) for _ in range(rounds))
        lines.append(f"  {what:32} {now - before:5.2f} s")
        before = now
    return "\n".join(lines)


def _import_seconds(code: str) -> float:
    code += "import time; print(time.process_time())"
    return float(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
    )
