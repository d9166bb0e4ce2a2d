"""A remedy is words and steps; whoever shows it writes the steps: commands for a stack file, arguments for a program."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace

_IN_A_FILE = re.compile(r"(.+?\[\d+\])\.(.+)")
_NAMESPACES = ("argoweb:", "cloudflare:")


@dataclass(frozen=True)
class SetKey:
    """A step that gives a key a value; as text it is the command, or what to write into a file that Pulumi does not know."""

    place: str
    value: str = ""
    """What the key gets; empty for what is typed after the command."""
    secret: bool = False
    from_file: bool = False
    """Whether the value is the path of a file that has it."""

    def __str__(self) -> str:
        found = _IN_A_FILE.fullmatch(self.place)
        if found and not self.place.startswith(_NAMESPACES):
            return f"`{found[2]}: {self.value}` at {found[1]}"
        words = ["pulumi config set", shlex.quote(self.place)]
        if self.secret:
            words.insert(1, "--secret")
        elif "." in self.place or "[" in self.place:
            words.insert(1, "--path")
        value = f"< {self.value}" if self.from_file else self.value
        return " ".join([*words, value] if value else words)


@dataclass(frozen=True)
class RemoveKey:
    """A step that takes a key away; as text it is the command."""

    place: str

    def __str__(self) -> str:
        return f"pulumi config rm {shlex.quote(self.place)}"


Step = SetKey | RemoveKey
Remedy = str | tuple[str | Step, ...]


def write_remedy(remedy: Remedy, write_step: Callable[[Step], str] = str) -> str:
    """Writes a remedy with its steps as `write_step` writes them, by default for a stack file."""
    if isinstance(remedy, str):
        return remedy
    return "".join(part if isinstance(part, str) else write_step(part) for part in remedy)


def map_remedy(remedy: Remedy, change: Callable[[str], str]) -> Remedy:
    """Makes a remedy with each of its texts changed, those of its steps too."""
    if isinstance(remedy, str):
        return change(remedy)
    return tuple(
        change(part) if isinstance(part, str) else _map_step(part, change) for part in remedy
    )


def _map_step(step: Step, change: Callable[[str], str]) -> Step:
    place = change(step.place)
    if isinstance(step, SetKey):
        return replace(step, place=place, value=change(step.value))
    return replace(step, place=place)
