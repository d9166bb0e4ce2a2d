"""Warns of rules that an earlier one hides."""

from collections.abc import Mapping, Sequence

from cloudflared.go.inclusion import covers
from cloudflared.paths import simplify_path
from cloudflared.rules import Rule
from values.findings import Findings, make_doubt, make_warning

RULE_TWICE = make_doubt("rule-twice", "Two rules take the same requests.")
RULE_HIDDEN = make_warning("rule-hidden", "An earlier rule takes every request of a later one.")


def check_order(rules: Sequence[Rule], places: Sequence[str], findings: Findings) -> None:
    """Warns of rules that an earlier one hides, unless that one takes every request."""
    before: dict[str, dict[str, int]] = {}
    for index, later in enumerate(rules):
        cover = _find_first_cover(later, before)
        if not later.catches_all:
            before.setdefault(later.hostname, {}).setdefault(simplify_path(later), index)
        if cover is None:
            continue
        earlier = rules[cover]
        text = f"is never reached: {places[cover]} takes the same requests and stands before it."
        if (earlier.hostname, earlier.path) == (later.hostname, later.path):
            findings.add(RULE_TWICE, places[index], text, "Remove one of them.")
        else:
            findings.add(RULE_HIDDEN, places[index], text, "Move it up.")


def _find_first_cover(later: Rule, before: Mapping[str, Mapping[str, int]]) -> int | None:
    """Finds the index of the first rule that covers a later one, of those indexed by hostname and path.

    Only a few hostnames can: the same one, none, `*`, and a wildcard for each of its suffixes.
    """
    labels = later.hostname.split(".")
    suffixes = (".".join(labels[start:]) for start in range(1, len(labels)))
    names = {"", "*", later.hostname, *(f"*.{suffix}" for suffix in suffixes)}
    paths = [item for name in names if name in before for item in before[name].items()]
    found = (index for path, index in paths if covers(path, simplify_path(later)))
    return min(found, default=None)
