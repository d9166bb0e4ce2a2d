"""Serves the package: Pulumi starts this when a program uses one of its components."""

import sys
from pathlib import Path

# Python puts this folder first, from which the rooms beside it cannot be imported: the repository takes its place.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from pulumi.provider import main  # noqa: E402

from components.places import leave_out_callers  # noqa: E402
from package.provider import Package  # noqa: E402

if __name__ == "__main__":
    leave_out_callers()
    main(Package(), sys.argv[1:])
