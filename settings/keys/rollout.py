"""The keys of `argoweb:rollout`."""

import re
from dataclasses import dataclass

from cloudflared.go import durations
from settings.keys import words
from values.findings import Findings
from values.kinds import Whole
from values.tables import Key, Table

_LONGEST_PAUSE = 3600


@dataclass(frozen=True)
class Share:
    """A number of things, or a share of all of them such as `25%`."""

    def read(self, value: object, where: str, findings: Findings) -> int | str:
        """Gives the checked value; what is wrong with it goes to `findings`."""
        number = isinstance(value, int) and not isinstance(value, bool) and value > 0
        share = isinstance(value, str) and re.fullmatch("(100|[1-9][0-9]?)%", value)
        if number or share:
            return value  # type: ignore[return-value]
        findings.add_mismatch(where, value, "a whole number from 1, or a share such as '25%'")
        return 1

    def write_schema(self) -> dict[str, object]:
        """Describes the value as JSON schema."""
        number: dict[str, object] = {"type": "integer", "minimum": 1}
        return {"anyOf": [number, {"type": "string", "pattern": "^(100|[1-9][0-9]?)%$"}]}


def check_pause(text: str) -> str | None:
    """Says what is wrong with a pause; `None` for a right one."""
    length = durations.read_seconds(text)
    if length is not None and length > _LONGEST_PAUSE:
        return "a pause of at most an hour"
    return durations.find_problem(text)


ROLLOUT = Table(
    keys={
        "canary": Key(Whole(), "How many servers take a change first.", 1),
        "batch": Key(
            Share(),
            "How many of the others take it together: a number, or a share of all servers, rounded down to at least one.",
            "25%",
        ),
        "pause": Key(
            durations.Duration(check=check_pause),
            "How long the servers of a batch have to stay healthy before the next ones follow; at most an hour.",
            "0s",
        ),
        "maxFailed": Key(
            Whole(),
            "How many servers may fail before the rest is left as it is. Only 0: Pulumi makes nothing that depends on what has failed.",
            0,
        ),
    },
    words=words.ROLLOUT,
)
