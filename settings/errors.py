"""The error that ends a program before anything is touched."""

from collections.abc import Sequence

import pulumi

from values.findings import Finding, write_count


class FindingsError(pulumi.RunError):
    """Everything that is wrong, at once; Pulumi shows it without a stack trace."""

    def __init__(self, heading: str, findings: Sequence[Finding]) -> None:
        """`heading` says what is wrong as a whole, in a clause without its full stop."""
        self.heading = f"{heading}; nothing was touched."
        self.findings = tuple(findings)
        lines = "\n".join(f"  - {finding}" for finding in findings)
        super().__init__(f"{self.heading}\n{lines}")

    @property
    def problems(self) -> tuple[str, ...]:
        """Each finding as it is shown."""
        return tuple(map(str, self.findings))


def make_configuration_error(
    findings: Sequence[Finding], of: str = "The stack's configuration has"
) -> FindingsError:
    """Makes the error about a stack's configuration, or about the arguments of a component."""
    return FindingsError(f"{of} {write_count(len(findings), 'error')}", findings)
