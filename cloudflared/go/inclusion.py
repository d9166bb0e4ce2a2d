"""Tells whether one regular expression is found in every path that another one is found in."""

import functools
import re
from collections import deque
from collections.abc import Iterator

from cloudflared.go import character_classes
from cloudflared.go.character_classes import Class
from cloudflared.go.regexp import BEGINNING, FOUND, Pattern, PatternError

_MOST_STATES = 300
_LONGEST = 500
"""Instructions of a compiled pattern."""
_KEPT = 4096
_PLAIN = re.compile(r"\^((?:[\w/-](?![*?{]))+)")
_NOWHERE = Pattern(r"[^\x00-\x{10FFFF}]")
_NEWLINE = ord("\n")


def covers(wide: str, narrow: str) -> bool:
    """Whether the pattern `wide` is found in every path in which `narrow` is; false where that takes too long to tell.

    Paths begin with '/' and have no line break. Nothing is claimed of a pattern that is found in no path, of one with
    `\\p{…}`, and of two that are too large or have too many states together.
    """
    if wide in ("", narrow):
        return True
    try:
        example = find_path(narrow)  # nearly always enough to say no
        return (
            example is not None
            and example.startswith(_find_beginning(wide))
            and _compile(wide).is_found_in(example)
            and _covers(wide, narrow)
        )
    except (PatternError, _Unknown):
        return False


class _Unknown(Exception):
    """The question takes too long to answer."""


@functools.lru_cache(_KEPT)
def _compile(pattern: str) -> Pattern:
    compiled = Pattern(pattern)
    if len(compiled.program) > _LONGEST:
        raise _Unknown
    return compiled


@functools.lru_cache(_KEPT)
def find_path(pattern: str) -> str | None:
    """Finds a short path that a pattern is found in; `None` where there is none, or it takes too long to tell."""
    plain = _PLAIN.fullmatch(pattern)
    if plain and plain[1].startswith("/"):
        return plain[1]
    try:
        return _find_only_in(_compile(pattern), _NOWHERE)
    except (PatternError, _Unknown):
        return None


@functools.lru_cache(_KEPT)
def _find_beginning(pattern: str) -> str:
    """Gives the plain characters with which each text begins that the pattern is found in."""
    plain = _PLAIN.match(pattern)
    return plain[1] if plain and "|" not in pattern else ""


@functools.lru_cache(_KEPT)
def _covers(wide: str, narrow: str) -> bool:
    return _find_only_in(_compile(narrow), _compile(wide)) is None


def _find_only_in(narrow: Pattern, wide: Pattern) -> str | None:
    """Finds a path that only the first pattern is found in, among the states of both side by side.

    Raises:
        _Unknown: there are too many.
    """
    alphabet = _choose_alphabet(narrow, wide)
    slash = ord("/")
    first = narrow.step(BEGINNING, slash), wide.step(BEGINNING, slash)
    seen, ahead = {first}, deque([(first, "/")])
    while ahead:
        (one, other), path = ahead.popleft()
        if other == FOUND or narrow.is_lost(one):
            continue
        if narrow.ends(one) and not wide.ends(other):
            return path
        for code in alphabet:
            following = narrow.step(one, code), wide.step(other, code)
            if following not in seen:
                seen.add(following)
                ahead.append((following, path + chr(code)))
        if len(seen) > _MOST_STATES:
            raise _Unknown
    return None


def _choose_alphabet(*patterns: Pattern) -> list[int]:
    """Chooses one character of each kind that the patterns tell from others.

    Raises:
        _Unknown: they have a class whose characters cannot be listed.
    """
    steps = {step for pattern in patterns for step in pattern.program}
    classes = [step for step in steps if isinstance(step, Class)]
    borders = {0, _NEWLINE + 1, *_list_borders(Class(ranges=character_classes.PERL["w"]))}
    for each in classes:
        borders.update(_list_borders(each))
    kinds: dict[tuple[bool, ...], int] = {}
    for code in sorted(borders - {_NEWLINE, character_classes.LAST + 1}):
        kind = (character_classes.is_word(code), *(each.holds(code) for each in classes))
        kinds.setdefault(kind, code)
    return list(kinds.values())


def _list_borders(of: Class) -> Iterator[int]:
    """Gives the code points where membership in the class may change."""
    if of.names:
        raise _Unknown
    for low, high in of.ranges:
        yield from (low, high + 1)
        for other in character_classes.find_other_cases(low, high) if of.fold else ():
            yield from (other, other + 1)
    for item in of.items:
        yield from _list_borders(item)
