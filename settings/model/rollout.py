"""In which batches servers take a change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

_Item = TypeVar("_Item")


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
