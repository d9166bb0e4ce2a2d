"""The error that ends a program whose configuration cannot work."""

from collections.abc import Sequence

import pulumi


class SettingsError(pulumi.RunError):
    """All that is wrong with a stack's configuration; Pulumi shows it without a stack trace."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"The stack's configuration has {count}; nothing was touched.\n{lines}")
