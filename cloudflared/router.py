"""Which of many rules takes a request, asked as often as there are sites."""

import contextlib
from collections.abc import Sequence

from cloudflared.go.idna import look_up_name
from cloudflared.go.regexp import PatternError
from cloudflared.rules import Rule


class Router:
    """Rules in the order in which cloudflared tries them, found by the hostnames that they can take."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._by_name: dict[str, list[int]] = {}
        for index, rule in enumerate(rules):
            for name in {rule.hostname, look_up_name(rule.hostname) or rule.hostname}:
                self._by_name.setdefault(name, []).append(index)

    def find_first(self, hostname: str, path: str) -> int | None:
        """Finds the index of the rule that takes a request; one whose path Go refuses takes none."""
        for index in self.list_rules(hostname):
            with contextlib.suppress(PatternError):
                if self._rules[index].takes(hostname, path):
                    return index
        return None

    def list_rules(self, hostname: str) -> list[int]:
        """Gives the indexes of the rules for a hostname, whatever their paths."""
        dots = (at for at, character in enumerate(hostname) if character == ".")
        names = {"", "*", hostname, *(f"*{hostname[at:]}" for at in dots)}
        return sorted({index for name in names for index in self._by_name.get(name, ())})
