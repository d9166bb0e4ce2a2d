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
}
"""Each program and the Debian package that has it."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing_packages() -> list[str]:
    """Debian packages whose programs are not here."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    return sorted(
        {pack for program, pack in _PROGRAMS.items() if not shutil.which(program, path=path)}
    )


def check() -> None:
    """Refuses a machine on which the sandbox cannot work.

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
    if problems:
        raise SandboxError(
            "The sandbox cannot run here; nothing was changed.\n"
            + "\n".join(f"  - {p}" for p in problems)
        )
