"""Regular expressions as Go's `regexp` takes them: the syntax of its `regexp/syntax`, and a linear-time search.

Not Python's `re`, which takes other patterns and finds other things, and not the library RE2, whose syntax differs
from Go's (`\\C`, group names, limits, Unicode names) and which would be compiled code for every user to install.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cloudflared.go import character_classes
from cloudflared.go.character_classes import Class

_MOST_REPEATS = 1000
_LARGEST = (128 << 20) // 40
"""Instructions of a compiled pattern (`maxSize`)."""
_DEEPEST = 1000
_ESCAPES = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_COUNTS = re.compile(r"\{(0|[1-9][0-9]*)(?:,(0|[1-9][0-9]*|))?\}")
_NAMED_GROUP = re.compile(r"\?P?<[A-Za-z0-9_]+>")
_FLAGS = re.compile(r"\?([imsU]*)(?:-([imsU]+))?([:)])")
_POSIX_CLASS = re.compile(r"\[:(\^?)(.*?):\]", re.DOTALL)
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_HEXADECIMAL = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})")
_ANY = Class(ranges=((0, character_classes.LAST),))
_ANY_BUT_NEWLINE = Class(ranges=((10, 10),), negated=True)


class PatternError(ValueError):
    """Go refuses the pattern; the text says why in Go's words."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A piece of a compiled pattern. Addresses are relative, so pieces can be joined as they are.

    An instruction is a class of characters, an assertion by its name, or a tuple of addresses to go on at.
    """

    program: tuple[Class | str | tuple[int, ...], ...] = ()
    size: int = 1
    height: int = 1
    repeats: int = 1
    """The largest product of the counts of nested repetitions."""


def _read_count(digits: str) -> int:
    """Reads a number of repetitions; of one that is too large anyway, the first digits."""
    return int(digits[: len(str(_MOST_REPEATS)) + 1])


def _join(parts: list[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    return _Part(
        program=tuple(step for part in parts for step in part.program),
        size=max(1, sum(part.size for part in parts)),
        height=1 + max((part.height for part in parts), default=0),
        repeats=max((part.repeats for part in parts), default=1),
    )


def _choose(branches: list[_Part]) -> _Part:
    *others, program = [branch.program for branch in branches]
    for other in reversed(others):
        program = ((1, len(other) + 2), *other, (len(program) + 1,), *program)
    if not others:
        return branches[0]
    return _Part(
        program=program,
        size=sum(branch.size for branch in branches) + len(others),
        height=1 + max(branch.height for branch in branches),
        repeats=max(branch.repeats for branch in branches),
    )


def _repeat(part: _Part, least: int, most: int | None) -> _Part:
    once = part.program
    optional = ((1, len(once) + 1), *once)
    loop = ((1, len(once) + 2), *once, (-len(once) - 1,))
    rest = loop if most is None else optional * (most - least)
    count = least if most is None else most
    if most is None:
        size = 1 + least * part.size if least else 2 + part.size
    else:
        size = most * part.size + most - least
    repeats = 1 if most == 0 else max(count, 1) * part.repeats
    if count > 1 and repeats > _MOST_REPEATS:
        raise PatternError("invalid repeat count")
    if size > _LARGEST:
        raise PatternError("expression too large")
    return _Part(
        program=once * least + rest, size=max(1, size), height=1 + part.height, repeats=repeats
    )


@dataclass(frozen=True)
class _Flags:
    fold: bool = False
    lines: bool = False
    dot_newline: bool = False


@dataclass(kw_only=True)
class _Group:
    """An open parenthesis: the branches that are complete, the parts of the current one, the flags outside."""

    outside: _Flags
    captures: bool
    branches: list[_Part]
    parts: list[_Part]


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.flags = _Flags()
        self.groups = [_Group(outside=self.flags, captures=False, branches=[], parts=[])]

    def parse(self) -> _Part:
        if any(0xD800 <= ord(character) < 0xE000 for character in self.pattern):
            raise PatternError("invalid UTF-8")
        repeated: int | None = None
        while self.at < len(self.pattern):
            start = self.at
            counts = self._read_counts()
            if counts is None:
                repeated = None
                self._read_part()
                continue
            if self.peek() == "?":
                self.at += 1
            if repeated is not None:
                raise PatternError(
                    f"invalid nested repetition operator: `{self.pattern[repeated : self.at]}`"
                )
            parts = self.groups[-1].parts
            if not parts:
                raise PatternError(
                    f"missing argument to repetition operator: `{self.pattern[start : self.at]}`"
                )
            self._push(_repeat(parts.pop(), *counts))
            repeated = start
        if len(self.groups) > 1:
            raise PatternError("missing closing )")
        return self._close()

    def peek(self, ahead: int = 0) -> str:
        return self.pattern[self.at + ahead : self.at + ahead + 1]

    def _push(self, part: _Part) -> None:
        if part.height > _DEEPEST:
            raise PatternError("expression nests too deeply")
        self.groups[-1].parts.append(part)

    def _read_counts(self) -> tuple[int, int | None] | None:
        """Reads the operator of repetition that stands here, if one does."""
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if (found := simple.get(self.peek())) is not None:
            self.at += 1
            return found
        braces = _COUNTS.match(self.pattern, self.at)
        if braces is None:
            return None
        self.at = braces.end()
        least = _read_count(braces[1])
        most = least if braces[2] is None else _read_count(braces[2]) if braces[2] else None
        if least > _MOST_REPEATS or (most is not None and not least <= most <= _MOST_REPEATS):
            raise PatternError(f"invalid repeat count: `{braces[0]}`")
        return least, most

    def _read_part(self) -> None:
        character = self.peek()
        self.at += 1
        if character == "(":
            self._open()
        elif character == ")":
            if len(self.groups) == 1:
                raise PatternError("unexpected )")
            captures, outside = self.groups[-1].captures, self.groups[-1].outside
            inner = self._close()
            self.groups.pop()
            self.flags = outside
            if captures:
                inner = _Part(
                    program=inner.program,
                    size=2 + inner.size,
                    height=1 + inner.height,
                    repeats=inner.repeats,
                )
            self._push(inner)
        elif character == "|":
            group = self.groups[-1]
            group.branches.append(_join(group.parts))
            group.parts = []
        elif character == "^":
            self._push(_Part(program=("line start" if self.flags.lines else "start",)))
        elif character == "$":
            self._push(_Part(program=("line end" if self.flags.lines else "end",)))
        elif character == ".":
            self._push(_Part(program=(_ANY if self.flags.dot_newline else _ANY_BUT_NEWLINE,)))
        elif character == "[":
            self._push(_Part(program=(self._read_class(),)))
        elif character == "\\":
            self._read_escape()
        else:
            self._push_literal(ord(character))

    def _close(self) -> _Part:
        group = self.groups[-1]
        return _choose([*group.branches, _join(group.parts)])

    def _push_literal(self, code: int) -> None:
        self._push(_Part(program=(Class(ranges=((code, code),), fold=self.flags.fold),)))

    def _open(self) -> None:
        captures = True
        outside = self.flags
        if self.peek() == "?":
            if named := _NAMED_GROUP.match(self.pattern, self.at):
                self.at = named.end()
            elif self.pattern.startswith(("?P<", "?<"), self.at):
                raise PatternError("invalid named capture")
            elif flags := _FLAGS.match(self.pattern, self.at):
                self.at = flags.end()
                on, off = flags[1], flags[2] or ""
                self.flags = _Flags(
                    fold=("i" in on or self.flags.fold) and "i" not in off,
                    lines=("m" in on or self.flags.lines) and "m" not in off,
                    dot_newline=("s" in on or self.flags.dot_newline) and "s" not in off,
                )
                if flags[3] == ")":
                    return
                captures = False
            else:
                raise PatternError(
                    f"invalid or unsupported Perl syntax: `{self.pattern[self.at - 1 :][:3]}`"
                )
        self.groups.append(_Group(outside=outside, captures=captures, branches=[], parts=[]))

    def _read_escape(self) -> None:
        """Reads what follows a backslash outside of a class."""
        character = self.peek()
        assertions = {"A": "start", "z": "end", "b": "word edge", "B": "no word edge"}
        if character in assertions and character:
            self.at += 1
            self._push(_Part(program=(assertions[character],)))
        elif character == "Q":
            quoted, _, _ = self.pattern[self.at + 1 :].partition("\\E")
            self.at = min(self.at + 1 + len(quoted) + 2, len(self.pattern))
            for each in quoted:
                self._push_literal(ord(each))
        elif (found := self._read_named_class()) is not None:
            self._push(_Part(program=(found,)))
        else:
            self._push_literal(self._read_character())

    def _read_named_class(self) -> Class | None:
        """Reads `\\d`, `\\pL` and the like, whose backslash has been read."""
        letter = self.peek()
        if letter and letter in "dswDSW":
            self.at += 1
            ranges = character_classes.PERL[letter.lower()]
            return Class(ranges=ranges, negated=letter.isupper(), fold=self.flags.fold)
        if not letter or letter not in "pP":
            return None
        start, end = self.at + 1, self.at + 2
        name = self.peek(1)
        if name == "{":
            end = self.pattern.find("}", start) + 1
            name = self.pattern[start + 1 : end - 1]
        self.at = end
        negated = (letter == "P") != name.startswith("^")
        known = character_classes.find_unicode_name(name.removeprefix("^"))
        if known is None or not end:
            text = self.pattern[start - 2 : end or None]
            raise PatternError(f"invalid character class range: `{text}`")
        return Class(names=(known,), negated=negated, fold=self.flags.fold)

    def _read_character(self) -> int:
        """Reads the character that an escape stands for, whose backslash has been read."""
        character = self.peek()
        if not character:
            raise PatternError("trailing backslash at end of expression")
        if code := _OCTAL.match(self.pattern, self.at):
            self.at = code.end()
            return int(code[0], 8)
        if code := _HEXADECIMAL.match(self.pattern, self.at):
            self.at = code.end()
            value = int(code[1] or code[2], 16)
            if value <= 0x10FFFF:
                return value
        elif character in _ESCAPES or (character.isascii() and not character.isalnum()):
            self.at += 1
            return _ESCAPES.get(character, ord(character))
        raise PatternError(f"invalid escape sequence: `\\{character}`")

    def _read_class(self) -> Class:
        """Reads a class in brackets, of which the first one has been read."""
        start = self.at - 1
        negated = self.peek() == "^"
        self.at += negated
        items: list[Class] = []
        first = True
        while first or self.peek() != "]":
            first = False
            if self.at >= len(self.pattern):
                raise PatternError(f"missing closing ]: `{self.pattern[start:]}`")
            if posix := _POSIX_CLASS.match(self.pattern, self.at):
                ranges = character_classes.POSIX.get(posix[2])
                if ranges is None:
                    raise PatternError(f"invalid character class range: `{posix[0]}`")
                self.at = posix.end()
                items.append(Class(ranges=ranges, negated=bool(posix[1]), fold=self.flags.fold))
                continue
            if self.peek() == "\\":
                self.at += 1
                if (named := self._read_named_class()) is not None:
                    items.append(named)
                    continue
                self.at -= 1
            begun = self.at
            low = high = self._read_class_character()
            if self.peek() == "-" and self.peek(1) not in ("", "]"):
                self.at += 1
                high = self._read_class_character()
                if high < low:
                    raise PatternError(
                        f"invalid character class range: `{self.pattern[begun : self.at]}`"
                    )
            items.append(Class(ranges=((low, high),), fold=self.flags.fold))
        self.at += 1
        return Class(items=tuple(items), negated=negated)

    def _read_class_character(self) -> int:
        character = self.peek()
        if not character:
            raise PatternError("missing closing ]")
        self.at += 1
        return self._read_character() if character == "\\" else ord(character)


State = tuple[frozenset[int], int | None]
"""State of a search: the addresses reached, and the last character, or one that `^`, `$` and `\\b` treat alike."""
BEGINNING: State = (frozenset(), None)
FOUND: State = (frozenset({-1}), None)
_SLASH, _UNDERSCORE, _NEWLINE = 0x2F, 0x5F, 0x0A


class Pattern:
    """A compiled pattern.

    Raises:
        PatternError: Go refuses it.
    """

    def __init__(self, pattern: str) -> None:
        self.program = _Parser(pattern).parse().program
        self._words = bool({"word edge", "no word edge"} & set(self.program))
        self._steps: dict[tuple[State, int], State] = {}

    def is_found_in(self, text: str) -> bool:
        """Whether the pattern matches anywhere in the text (`MatchString`).

        A lone surrogate stands for a byte that is no UTF-8, as `surrogateescape` decodes it.
        """
        state = BEGINNING
        for character in text:
            code = ord(character)
            state = self.step(state, 0xFFFD if 0xD800 <= code < 0xE000 else code)
            if state == FOUND:
                return True
        return self.ends(state)

    def step(self, state: State, code: int) -> State:
        """Gives the state of the search after one more character; `FOUND` as soon as no further one matters."""
        key = state, code
        if key not in self._steps:
            self._steps[key] = self._step(state, code)
        return self._steps[key]

    def _step(self, state: State, code: int) -> State:
        if state == FOUND:
            return FOUND
        reached = self._reach_next(state, code)
        if len(self.program) in reached:
            return FOUND
        steps = [(address, self.program[address]) for address in reached]
        waiting = frozenset(
            address + 1 for address, step in steps if isinstance(step, Class) and step.holds(code)
        )
        word = self._words and character_classes.is_word(code)
        return waiting, code if code == _NEWLINE else _UNDERSCORE if word else _SLASH

    def ends(self, state: State) -> bool:
        """Whether the pattern is found when the text ends here."""
        return state == FOUND or len(self.program) in self._reach_next(state, None)

    def is_lost(self, state: State) -> bool:
        """Whether the pattern is not found whatever follows on the same line."""
        return state != BEGINNING and not state[0] and self._begins

    @property
    def anchored(self) -> bool:
        """Whether each match is bound to the text's beginning, or each to its end."""
        after = {0, *(address + 1 for address in self._consuming)}
        ends = self._reach(after, lambda assertion: not assertion.endswith("end"))
        return self._begins or len(self.program) not in ends

    @functools.cached_property
    def _begins(self) -> bool:
        """Whether each match is bound to the text's beginning."""
        begins = self._reach({0}, lambda assertion: not assertion.endswith("start"))
        return not begins & {*self._consuming, len(self.program)}

    @property
    def _consuming(self) -> set[int]:
        return {address for address, step in enumerate(self.program) if isinstance(step, Class)}

    def _reach_next(self, state: State, after: int | None) -> set[int]:
        """Gives the addresses where the search can be between the last character and the next one."""
        holds = functools.partial(_holds, before=state[1], after=after)
        return self._reach(state[0] | {0}, holds)

    def _reach(self, addresses: Iterable[int], passes: Callable[[str], bool]) -> set[int]:
        """Gives the addresses that the search reaches without taking a character, through the assertions that let it pass."""
        reached: set[int] = set()
        ahead = list(addresses)
        while ahead:
            address = ahead.pop()
            if address in reached:
                continue
            reached.add(address)
            step = self.program[address] if address < len(self.program) else None
            if isinstance(step, tuple):
                ahead += [address + distance for distance in step]
            elif isinstance(step, str) and passes(step):
                ahead.append(address + 1)
        return reached


def _holds(assertion: str, before: int | None, after: int | None) -> bool:
    match assertion:
        case "start":
            return before is None
        case "end":
            return after is None
        case "line start":
            return before in (None, _NEWLINE)
        case "line end":
            return after in (None, _NEWLINE)
        case _:
            edge = character_classes.is_word(before) != character_classes.is_word(after)
            return edge == (assertion == "word edge")
