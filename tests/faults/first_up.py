"""A first `pulumi up` that Cloudflare's API or its own user spoils, and what is there afterwards."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sandbox.world import World
from tests.faults.killing import kill

CALLS = {
    "zone": ("GET", r"/zones$"),
    "records": ("GET", r"/dns_records$"),
    "name": ("GET", r"/cfd_tunnel$"),
    "tunnel": ("POST", r"/cfd_tunnel$"),
    "record": ("POST", r"/dns_records$"),
}
"""What a first update asks of the API."""
ACCESS_CALLS = {
    "applications": ("GET", r"/access/apps$"),
    "policies": ("GET", r"/access/policies$"),
    "tokens": ("GET", r"/access/service_tokens$"),
    "token": ("POST", r"/access/service_tokens$"),
    "policy": ("POST", r"/access/policies$"),
    "application": ("POST", r"/access/apps$"),
    "record of a protected site": CALLS["record"],
}
"""What that of a stack with a protected site asks beside."""
ACCESS_DELETIONS = {
    f"deleted {kind}": ("DELETE", f"/access/{kind}/")
    for kind in ("apps", "policies", "service_tokens")
}
ALERTS_CALLS = {
    "notifications": ("GET", r"/alerting/v3/policies$"),
    "notification": ("POST", r"/alerting/v3/policies$"),
}
"""What that of a stack with `argoweb:alerts` asks beside."""
ALERTS_DELETIONS = {"deleted notification": ("DELETE", r"/alerting/v3/policies/")}
ALL_CALLS = {**CALLS, **ACCESS_CALLS, **ACCESS_DELETIONS, **ALERTS_CALLS, **ALERTS_DELETIONS}
_COMMITTED = {"after_commit": True, "drop": True}
_HELD = {"delay_ms": 60_000}
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "answer lost": _COMMITTED,
    "no answer": {
        "after_commit": True,
        "status": 502,
        "headers": {"x-should-retry": "false"},  # or the plugin tries for minutes
    },
    "refused once": {"status": 500, "headers": {"Retry-After-Ms": "10"}},
    "refused for ever": {"status": 400, "times": None},
    "killed before": {"drop": True, **_HELD},
    "killed after": {**_COMMITTED, **_HELD},
    "interrupted after": {**_COMMITTED, **_HELD},
}
"""What becomes of the first such call; with `killed` and `interrupted`, Pulumi ends while it waits for the answer."""

_ZERO_TRUST = tuple(
    f"zeroTrust{name}:ZeroTrust{name}"
    for name in ("TunnelCloudflared", "AccessApplication", "AccessPolicy", "AccessServiceToken")
)


class FirstUp:
    """A stack that was never deployed, on a sandbox that may have been used before."""

    def __init__(self, world: World) -> None:
        self.world = world

    def forget(self) -> None:
        """Takes everything away again, the stack too."""
        self.clear()
        self.world.pulumi("destroy", "--yes", "--skip-preview", check=False)
        self.lose_state()
        assert self.living() == self.of_access() == []
        assert self.world.control("/dump")["records"] == []

    def lose_state(self) -> None:
        """The stack's state is gone, not what it made."""
        self.world.pulumi("stack", "rm", "--yes", "--force", "--preserve-config")
        self.world.pulumi("stack", "init", self.world.status["stack"])

    def clear(self) -> None:
        """The API answers again."""
        self.world.control("/faults", method="DELETE")

    def spoil(self, call: str, fault: str, **more: Any) -> str:
        """An update with a fault at a call; what Pulumi said of it."""
        return self._spoiled("up", [call], {**FAULTS[fault], **more}, fault)

    def spoil_each(self, calls: Iterable[str], fault: str, verb: str = "up") -> Iterator[str]:
        """Updates until each of the calls has had the fault; what Pulumi said of each of them."""
        left = [*calls]
        while left:
            said = self._spoiled(verb, left, FAULTS[fault], fault)
            reached = {call for call in left if self._asked(call)}
            assert reached, said
            left = [call for call in left if call not in reached]
            yield said

    def _spoiled(self, verb: str, calls: list[str], how: Mapping[str, Any], fault: str) -> str:
        self.world.forget_requests()
        for call in calls:
            method, path = ALL_CALLS[call]
            self.world.control("/faults", {"method": method, "path_regex": path, **how})
        said = (
            self.world.pulumi(verb, "--yes", "--skip-preview", check=False).stdout
            if "delay_ms" not in how
            else self._ended(verb, calls, fault)
        )
        self.clear()
        return said

    def _ended(self, verb: str, calls: list[str], fault: str) -> str:
        running = subprocess.Popen(
            ["pulumi", "--non-interactive", verb, "--yes", "--skip-preview"],
            cwd=self.world.root,
            env=self.world.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            self.world.wait_for(lambda: any(map(self._asked, calls)))
            if fault.startswith("interrupted"):
                running.send_signal(signal.SIGINT)
                time.sleep(1)
                running.send_signal(signal.SIGINT)
                running.wait(60)
        finally:
            kill(running)
        said, _ = running.communicate()
        self.world.pulumi("cancel", "--yes", check=False)
        return said

    def _asked(self, call: str) -> bool:
        method, path = ALL_CALLS[call]
        return any(
            each["method"] == method and re.search(path, each["path"])
            for each in self.world.api_requests()
        )

    def living(self) -> list[dict[str, Any]]:
        """The tunnels that are not deleted."""
        dump = self.world.control("/dump")
        return [tunnel for tunnel in dump["tunnels"] if tunnel["deleted_at"] is None]

    def of_access(self) -> list[dict[str, Any]]:
        """What there is of Access, and of notifications, that a stack can have made."""
        made = ("apps", "policies", "service_tokens", "alerting_policies")
        return [each for each in self.world.control("/dump")["access"] if each["kind"] in made]

    def state(self) -> Any:
        """The stack's deployment."""
        return json.loads(self.world.pulumi("stack", "export").stdout)["deployment"]

    def lost(self) -> set[str]:
        """The ids of what is at Cloudflare and not in the state, or in the state and not at Cloudflare."""
        there = {
            each["id"]
            for each in [*self.living(), *self.world.control("/dump")["records"], *self.of_access()]
        }
        types = ("dnsRecord:DnsRecord", "notificationPolicy:NotificationPolicy", *_ZERO_TRUST)
        noted = {each["id"] for each in self.state()["resources"] if each["type"].endswith(types)}
        return there ^ noted
