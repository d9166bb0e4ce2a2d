"""A changed route, from the connection that activates it until every answer at the edge is the new one.

The other way is the hand-made one: `nixos-rebuild switch` and a restart. The sandbox's server evaluates with real
Nix, but a module set far smaller than NixOS's, so an evaluation is made to last as long as a real one: 5.5 s, which
Nix's author measured for one machine on a fast desktop (nixpkgs issue 79943; published figures go from 2.7 s to 60 s).
The rest of a rebuild, such as the boot loader, is as quick as the sandbox is, and quicker than a real one.
"""

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
_EVERY_SECONDS = 0.02
_LONGEST_SECONDS = 30
NEARLY = 0.95
_ATTEMPTS = 5
"""How often the evaluation is timed and made longer: none lasts exactly as long as the one before."""


def rows(lab: Lab, rounds: int) -> list[Row]:
    """The same change by ours and by the flat program, there and back."""
    lab.deploy(SITES)
    for server in ("web1", "web2"):
        _slow_down(lab, server)
    routes = {
        "ours": Route(lab, lab.ours, "web1", "ours"),
        "flat": Route(lab, lab.flat, "web2", "flat"),
    }
    before = lab.evaluations("web1")
    found = interleaved({name: route.change for name, route in routes.items()}, rounds)
    evaluations = lab.evaluations("web1") - before
    measure = f"a changed route until the edge serves it: against a rebuild that evaluates for {EVALUATION_SECONDS} s"
    return [
        ratio(measure, found["ours"], found["flat"], 0.1),
        Row(measure="evaluations of Nix for all of these changes", value=evaluations, target=0),
    ]


class Route:
    """One site of a program's, and what a change of it takes; the site is straight from cloudflared unless it is said."""

    def __init__(
        self, lab: Lab, program: Program, server: str, mark: str, changed: int = _CHANGED
    ) -> None:
        self.steps: dict[str, float] = {}
        """Of the last change of ours: when the server said each step, in seconds after the connection."""
        self._changed = changed
        self._lab = lab
        self._program = program
        self._server = server
        self._sites = sites(SITES, mark=mark)

    def change(self) -> float:
        """Sends the site to the other service; the seconds until the last visitor that did not see it."""
        site = self._sites[self._changed]
        other = APP if site.service == STATUS else STATUS
        self._sites[self._changed] = replace(site, service=other)
        self._lab.declare(self._program, self._sites, [self._server])
        with ThreadPoolExecutor(max_workers=1) as pool:
            update = pool.submit(self._program.up)
            last, new = time.time(), False
            seen: dict[str, float] = {}
            while not update.done() or (not new and time.time() < last + _LONGEST_SECONDS):
                asked = time.time()
                new = _TEXTS[other] in self._lab.world.get(site.hostname)[1]
                if not new:
                    last = asked
                for step in self._said():
                    seen.setdefault(step, time.time())
                time.sleep(_EVERY_SECONDS)
            update.result()
        if not new:
            raise RuntimeError(f"the edge does not serve the new route of {site.hostname}")
        # The last connection is the one that activates what was sent before.
        began = self._lab.world.login_times(self._server)[-1]
        self.steps = {step: at - began for step, at in seen.items()}
        return last - began

    def _said(self) -> list[str]:
        runs = self._lab.world.host_root(self._server) / "var/lib/argoweb-deploy/runs"
        try:
            log = (runs / (runs / "current").readlink().name / "log").read_text()
        except OSError:
            return []  # none runs
        return [line.partition("] ")[2] for line in log.splitlines() if line.startswith("[")]


def _slow_down(lab: Lab, server: str) -> None:
    """Makes an evaluation last as long as that of a minimal NixOS configuration.

    Raises:
        RuntimeError: it does not.
    """
    delay = lab.world.host_root(server) / "etc/sandbox/delay/rebuild-evaluate"
    delay.parent.mkdir(parents=True, exist_ok=True)
    longer = 0.0
    for _ in range(_ATTEMPTS):
        delay.write_text(f"{longer:.2f}\n")
        began = time.monotonic()
        lab.world.ssh(". /etc/set-environment; nixos-rebuild dry-build", server)
        lasted = time.monotonic() - began
        if lasted >= NEARLY * EVALUATION_SECONDS:
            return
        longer += EVALUATION_SECONDS - lasted
    raise RuntimeError(
        f"an evaluation on {server} lasts {lasted:.1f} s, not {EVALUATION_SECONDS} s"
    )
