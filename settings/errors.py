"""The error that ends a program before anything is touched."""

import re
from collections.abc import Sequence

import pulumi

from values.findings import Finding, write_count

_IN_A_FILE = re.compile(r"(.+?\[\d+\])\.(.+)")


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


def say_how_to_set(place: str, value: str) -> str:
    """Says how the key at a place gets a value: the command, or what to write into a file that Pulumi does not know."""
    if (found := _IN_A_FILE.fullmatch(place)) is None or place.startswith("argoweb:"):
        return f"pulumi config set --path '{place}' {value}"
    return f"`{found[2]}: {value}` at {found[1]}"
