"""Judges stack files as a preview would, without Pulumi, the network or any secret: for editors, pre-commit and CI.

Exit codes: 0 clean, 1 a file has errors (with --strict, warnings too), 2 a file cannot be read.
"""

from settings.check import add_arguments, run

__all__ = ["add_arguments", "run"]
