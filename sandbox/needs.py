"""What the sandbox needs of the machine, checked before anything is touched."""

import os
import shutil
import sys
from pathlib import Path

from sandbox.state import SandboxError

_PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "nix-build": "nix-bin",
    "dbus-daemon": "dbus",
    "unshare": "util-linux",
    "mount": "mount",
    "bzip2": "bzip2",
}
"""Each program and the Debian package that has it."""
_WATCHES = Path("/proc/sys/fs/inotify/max_user_instances")
_WATCHES_OF_A_SERVER = 6
"""What systemd and its services hold of them; without one, systemd does not come up."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing_packages() -> list[str]:
    """Debian packages whose programs are not here."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    return sorted(
        {pack for program, pack in _PROGRAMS.items() if not shutil.which(program, path=path)}
    )


def check(servers: int) -> None:
    """Refuses a machine on which the sandbox cannot work, or not with so many servers.

    Raises:
        SandboxError: it names everything that is missing and what to do.
    """
    problems = []
    if sys.platform != "linux":
        problems.append(f"it needs Linux, this is {sys.platform}.")
    elif os.geteuid() != 0:
        problems.append("it boots a server, which takes root. Run it with sudo.")
    if not Path("/lib/systemd/systemd").exists():
        problems.append(
            "the server runs this machine's systemd, which is not at /lib/systemd/systemd."
        )
    if packages := missing_packages():
        problems.append(
            f"these programs are missing; on Debian or Ubuntu: apt-get install {' '.join(packages)}"
        )
    if problem := _find_missing_watches(servers):
        problems.append(problem)
    if problems:
        raise SandboxError(
            "The sandbox cannot run here; nothing was changed.\n"
            + "\n".join(f"  - {p}" for p in problems)
        )


def _find_missing_watches(servers: int) -> str | None:
    wanted = servers * _WATCHES_OF_A_SERVER
    if not _WATCHES.exists() or wanted <= int(_WATCHES.read_text()):
        return None
    return (
        f"{servers} servers take {wanted} instances of inotify, and this machine has {_WATCHES.read_text().strip()} "
        f"for each user: sysctl -w fs.inotify.max_user_instances={2 * wanted}"
    )
