"""Where an activation can be held, what it has said when it gets there, and what can happen to the server then."""

from collections.abc import Callable
from pathlib import Path

from sandbox.world import World
from tests.faults.direct import LET_GO, LOCK
from tests.faults.faults import Faults

MOVED = "this is status"
"""What app.example.localhost shows after `Direct.moved`."""
STEPS = {
    "lock": "another run holds the lock",
    "rebuild-build": "building the system",
    "switch-check": "switching to the new system",
    "switch-activate": "switching to the new system",
    "health": "waiting until cloudflared is connected",
    "switch-bootloader": "making the new system the boot default",
}


class Steps:
    """Holds an activation at one of `STEPS`."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world, self._faults = world, faults
        self._page: Path = world.host_root() / "srv/www" / LET_GO

    def hold(self, step: str) -> None:
        """The next activation waits there."""
        if step == "lock":
            self._world.ssh(f"systemd-run --quiet --unit=holder flock {LOCK} sleep infinity")
        elif step != "health":  # which `Direct.moved` asks for
            self._faults.hold(step)

    def let_go(self) -> None:
        """It goes on."""
        self._faults.clear()
        self._world.ssh("systemctl stop holder", check=False)
        self._page.write_text("it may be healthy\n")

    def forget(self) -> None:
        """As before all of this."""
        self.let_go()
        self._page.unlink()


def shows(world: World, text: str) -> Callable[[], bool]:
    """Whether the site that moves shows it."""
    return lambda: text in world.get("app.example.localhost")[1]


def boots(world: World) -> list[str]:
    """The running system, the profile and what the boot loader has: the same after a success."""
    return world.ssh(
        "readlink -f /run/current-system /nix/var/nix/profiles/system; cat /boot/nixos-default"
    ).split()


_RESET = "import ctypes; ctypes.CDLL(None).reboot(0x01234567)"
"""`RB_AUTOBOOT` of reboot(2): no unit is stopped and nothing is written first, as `systemctl reboot -ff` would."""


def power_loss(world: World) -> None:
    """The server is off and on again, without a farewell; returns when SSH answers."""
    started = "systemctl show -p UserspaceTimestampMonotonic"
    before = world.ssh(started)
    world.ssh(f"/opt/sandbox/bin/python3 -c '{_RESET}'", check=False)
    world.wait_for(lambda: world.ssh(started, check=False) not in ("", before))
