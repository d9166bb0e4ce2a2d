"""`python -m sandbox.packages [MORE…]`: installs the system's packages that the sandbox needs, after saying which.

One of MORE is a program whose package has its name, or PROGRAM=PACKAGE.

It runs before there is a virtual environment, so with the standard library alone.
"""

import importlib.util
import os
import shutil
import subprocess
import sys

from sandbox import needs

_ALSO = ("shellcheck", "sudo")
"""Packages that only the tests need."""
_VENV = "python3-venv"
"""Debian's Python comes without `ensurepip`, which makes a virtual environment; this package has it."""


def main() -> int:
    """0 when nothing is missing any more; else it has said what to install by hand."""
    wanted = (word.partition("=") for word in (*_ALSO, *sys.argv[1:]))
    more = (package or name for name, _, package in wanted if not shutil.which(name))
    missing = [*needs.missing_packages(), *more]
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(_VENV)
    if not missing:
        return 0
    words = " ".join(missing)
    if shutil.which("apt-get") is None:
        print(
            f"Install what these Debian packages hold, then run it again: {words}", file=sys.stderr
        )
        return 1
    if os.geteuid() != 0:
        print(f"Run it with sudo, or first: sudo apt-get install {words}", file=sys.stderr)
        return 1
    print(f"installing the packages {words}", file=sys.stderr)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False)
    return subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
        env=quiet,
        stdout=subprocess.DEVNULL,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
