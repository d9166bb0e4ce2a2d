"""The error that ends a program because of what is at Cloudflare."""

from collections.abc import Sequence

import pulumi


class LookupFailed(pulumi.RunError):
    """All that stands against the stack at Cloudflare; Pulumi shows it without a stack trace."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"What is at Cloudflare stands in the way; nothing was touched.\n{lines}")
