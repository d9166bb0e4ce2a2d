"""One change of one file."""

import difflib
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A file that is wrong at one place."""

    file: str
    """Its path in the project."""
    text: str
    """What stands in it."""
    was: str
    """The lines that are gone."""
    now: str
    """The lines that stand there instead; empty where there are none."""
    line: int
    """Where, counted from 1."""

    @property
    def key(self) -> tuple[str, str, str]:
        """By what it is listed: also where the lines have moved."""
        return self.file, self.was, self.now

    def __str__(self) -> str:
        shown = [f"- {it}" for it in self.was.split("\n")] + [
            f"+ {it}" for it in self.now.split("\n")
        ]
        return "\n    ".join([f"{self.file}:{self.line}", *shown])


def mutant(file: str, text: str, changed: str) -> Mutant:
    """The mutant of a file that has this text and gets that one."""
    before, after = text.splitlines(), changed.splitlines()
    parts = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    parts = [it for it in parts if it[0] != "equal"]
    begin, end = parts[0][1], parts[-1][2]
    now = after[parts[0][3] : parts[-1][4]]
    return Mutant(file, changed, _stripped(before[begin:end]), _stripped(now), begin + 1)


def _stripped(lines: list[str]) -> str:
    return "\n".join(line.strip() for line in lines).strip()
