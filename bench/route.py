"""A changed route, from the connection that activates it until every answer at the edge is the new one.

The other way is the hand-made one: `nixos-rebuild switch` and a restart. The sandbox's server evaluates with real
Nix, but a module set far smaller than NixOS's, so an evaluation is made to last as long as a real one: 5.5 s, which
Nix's author measured for one machine on a fast desktop (nixpkgs issue 79943; published figures go from 2.7 s to 60 s).
The rest of a rebuild, such as the boot loader, is as quick as the sandbox is, and quicker than a real one.
"""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from bench.lab import Lab, Program
from bench.rounds import Row, interleaved, ratio
from bench.stacks import APP, STATUS, sites

EVALUATION_SECONDS = 5.5
SITES = 10
_CHANGED = 3
_TEXTS = {APP: "this is app", STATUS: "this is status"}
_EVERY_SECONDS = 0.01
_LONGEST_SECONDS = 30


def rows(lab: Lab, rounds: int) -> list[Row]:
    """The same change by ours and by the flat program, there and back."""
    lab.deploy(SITES)
    for server in ("web1", "web2"):
        _slow_down(lab, server)
    routes = {
        "ours": _Route(lab, lab.ours, "web1", "ours"),
        "flat": _Route(lab, lab.flat, "web2", "flat"),
    }
    before = lab.evaluations("web1")
    found = interleaved({name: route.change for name, route in routes.items()}, rounds)
    evaluations = lab.evaluations("web1") - before
    measure = f"a changed route until the edge serves it: against a rebuild that evaluates for {EVALUATION_SECONDS} s"
    return [
        ratio(measure, found["ours"], found["flat"], 0.1),
        Row(measure="evaluations of Nix for all of these changes", value=evaluations, target=0),
    ]


class _Route:
    def __init__(self, lab: Lab, program: Program, server: str, mark: str) -> None:
        self._lab = lab
        self._program = program
        self._server = server
        self._sites = sites(SITES, mark=mark)

    def change(self) -> float:
        """Sends the site to the other service; the seconds until the last visitor that did not see it."""
        site = self._sites[_CHANGED]
        other = APP if site.service == STATUS else STATUS
        self._sites[_CHANGED] = replace(site, service=other)
        self._lab.declare(self._program, self._sites, [self._server])
        with ThreadPoolExecutor(max_workers=1) as pool:
            update = pool.submit(self._program.up)
            last, new = time.time(), False
            while not update.done() or (not new and time.time() < last + _LONGEST_SECONDS):
                asked = time.time()
                new = _TEXTS[other] in self._lab.world.get(site.hostname)[1]
                if not new:
                    last = asked
                time.sleep(_EVERY_SECONDS)
            update.result()
        if not new:
            raise RuntimeError(f"the edge does not serve the new route of {site.hostname}")
        return last - self._last_login()

    def _last_login(self) -> float:
        """When the connection was accepted that activates what was sent before."""
        journal = self._lab.world.host_root(self._server) / "var/log/journal"
        lines = subprocess.run(
            ["journalctl", "--directory", str(journal), "-q", "-o", "short-unix", "-t", "sshd"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        return float([line for line in lines if "Accepted publickey" in line][-1].split()[0])


def _slow_down(lab: Lab, server: str) -> None:
    """Makes an evaluation last as long as that of a minimal NixOS configuration."""
    evaluate = ". /etc/set-environment; nix-instantiate '<nixpkgs/nixos>' -A config.system.build.toplevel >/dev/null"
    began = time.monotonic()
    lab.world.ssh(evaluate, server)
    missing = EVALUATION_SECONDS - (time.monotonic() - began)
    delay = lab.world.host_root(server) / "etc/sandbox/delay/rebuild-evaluate"
    delay.parent.mkdir(parents=True, exist_ok=True)
    delay.write_text(f"{max(missing, 0):.2f}\n")
