"""The mutants that may live, each with the reason why."""

from pathlib import Path
from typing import Any

import yaml

from tests.mutants.mutant import Mutant

_LIST = Path(__file__).with_name("survivors.yaml")


def listed() -> dict[str, Any]:
    """The entries of each file: `was` and `now`, the lines, and `why` they may live."""
    found: dict[str, Any] = yaml.safe_load(_LIST.read_text()) or {}
    return found


class Survivors:
    """What is listed."""

    def __init__(self) -> None:
        self._reasons = {
            (file, it["was"].strip(), it["now"].strip()): it["why"]
            for file, entries in listed().items()
            for it in entries
        }

    def may_live(self, mutant: Mutant) -> bool:
        """Whether it is in the list."""
        return mutant.key in self._reasons

    def unknown(self, mutants: list[Mutant]) -> list[str]:
        """What is listed of the files of these mutants, and is none of them."""
        files, keys = {it.file for it in mutants}, {it.key for it in mutants}
        return [
            f"{file}: {was} -> {now}"
            for file, was, now in self._reasons
            if file in files and (file, was, now) not in keys
        ]
