"""Reads `argoweb:rollout`: in which batches servers take a change."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cloudflared.go import durations
from values.findings import Findings, Kind

ROLLOUT_GOES_ON = Kind(
    "rollout-goes-on", "Servers shall take a change that others have failed with before."
)
_LONGEST_PAUSE = 3600
_Item = TypeVar("_Item")


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


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """How many servers take a change together."""

    canary: int
    """How many take it first."""
    batch: int | str
    """How many of the others take it together, as a number or a share of all, such as `25%`."""
    pause: int
    """Seconds for which those of a batch have to stay healthy before the next ones follow."""

    def make_batches(self, servers: Sequence[_Item], *, in_use: bool) -> list[Sequence[_Item]]:
        """Gives the servers in batches, each of which follows the one before.

        Where none of them is in use yet, all others follow the first batch together.
        """
        first, others = servers[: self.canary], servers[self.canary :]
        size = self._find_size(len(servers)) if in_use else len(servers)
        rest = [others[start : start + size] for start in range(0, len(others), size)]
        return [batch for batch in (first, *rest) if batch]

    def _find_size(self, count: int) -> int:
        if isinstance(self.batch, int):
            return self.batch
        return max(1, count * int(self.batch.removesuffix("%")) // 100)


def read_rollout(value: dict[str, Any], findings: Findings) -> Rollout:
    """Reads how a stack's servers take a change."""
    if value["maxFailed"]:
        findings.add(
            ROLLOUT_GOES_ON,
            "argoweb:rollout.maxFailed",
            f"found the number {value['maxFailed']}, expected 0: Pulumi makes nothing that depends on what has failed, so "
            "a batch in which a server fails is the last one.",
            "Leave it out.",
        )
    return Rollout(
        canary=value["canary"],
        batch=value["batch"],
        pause=math.ceil(durations.read_seconds(value["pause"]) or 0),
    )
