"""An order of rules in which none is hidden by a more general one."""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence

from cloudflared.go.inclusion import covers
from cloudflared.paths import simplify_path
from cloudflared.rules import Rule


def put_specific_first(rules: Sequence[Rule]) -> list[int]:
    """Gives the indices of the rules, so ordered that each stands before those that are more general.

    A wildcard is more general than a hostname that it takes, whatever the paths; on one hostname, a path is more general
    that takes what the other one does and more. If neither of two paths is, the one of the longer text comes first. The rules
    of a hostname stay at the places that they have together; if a more general one stands before them, they move up to
    the first of these. Rules that are in this order already keep it.
    """
    hostnames = [rule.hostname or "*" for rule in rules]
    by_hostname: dict[str, list[int]] = defaultdict(list)
    for index, hostname in enumerate(hostnames):
        by_hostname[hostname].append(index)
    order = [*range(len(rules))]
    for places in by_hostname.values():
        by_path = _list_specific_paths_first([simplify_path(rules[index]) for index in places])
        for place, at in zip(places, by_path, strict=True):
            order[place] = places[at]
    found: dict[int, None] = {}
    looked_up: set[str] = set()

    def place_with_more_special_ones(index: int) -> None:
        hostname = hostnames[index]
        if hostname.startswith("*") and hostname not in looked_up:
            looked_up.add(hostname)
            for other in order:
                if hostnames[other] != hostname and hostnames[other].endswith(hostname[1:]):
                    place_with_more_special_ones(other)
        found.setdefault(index)

    for index in order:
        place_with_more_special_ones(index)
    return list(found)


def _list_specific_paths_first(paths: Sequence[str]) -> Iterator[int]:
    """Sorts rules that no more special one must precede: the longest path first, then as written; an empty path is last."""
    general: dict[int, list[int]] = defaultdict(list)
    waits_for = [0] * len(paths)
    for index, path in enumerate(paths):
        for other, wide in enumerate(paths):
            if other != index and covers(wide, path) and not covers(path, wide):
                general[index].append(other)
                waits_for[other] += 1
    free = [(-len(path), index) for index, path in enumerate(paths) if not waits_for[index]]
    heapq.heapify(free)
    while free:
        _, index = heapq.heappop(free)
        yield index
        for other in general[index]:
            waits_for[other] -= 1
            if not waits_for[other]:
                heapq.heappush(free, (-len(paths[other]), other))
