"""Reads lines of Caddy's configuration as Caddy does, and judges whether they stay inside the block that they are put into.

Words as Caddy's `caddyconfig/caddyfile/lexer.go` makes them, blocks as its `parse.go` opens and closes them. What the
directives mean is for Caddy to judge, on the server, before anything is live.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_KEPT = 2048
"""Texts whose statements are kept: each is asked several times."""
_NOT_A_DIRECTIVE = re.compile(r"^[(&]|[.:*]")
"""Begins a snippet, or is part of an address: no directive has it (`httpcaddyfile/directives.go`)."""
_MARKER = re.compile(r"[A-Za-z0-9_-]+")


class LexError(ValueError):
    """A quoted text, a heredoc or a line's continuation is not closed within the lines; the message says which."""


@dataclass(frozen=True, kw_only=True)
class Word:
    """A token of a Caddyfile, the line on which it begins and the one on which it ends, from 1."""

    text: str
    begins: int
    ends: int
    quoted: bool


def find_problem(lines: str, *, refused: Mapping[str, str]) -> str | None:
    """Gives the reason why the lines cannot stand in a block, or `None`; `refused` has directives with what to write in their place."""
    if "{$" in lines:
        return "has '{$', which Caddy replaces before it reads the file. Write '{env.NAME}'."
    depth = line = 0
    try:
        for word in list_words(lines.rstrip("\n")):  # which is what is rendered
            nothing_before = line == 0
            first, line = word.begins > line, word.ends
            if word.quoted:
                if word.text in ("{", "}"):  # a brace all the same for Caddy before 2.11
                    return f"has a quoted '{word.text}' by itself in line {line}. Put it together with other text."
            elif word.text == "{":
                if nothing_before:
                    return (
                        "begins with a block of global options, as a whole Caddyfile does. Write what is inside of it as "
                        "argoweb:caddy.globalOptions."
                    )
                if first:
                    return (
                        f"has a '{{' that begins line {line}. Put it at the end of the line before."
                    )
                depth += 1
            elif word.text == "}":
                if depth == 0:
                    return f"has a '}}' in line {line} that closes nothing. Remove it."
                depth -= 1
            elif first and depth == 0 and word.text in refused:
                return f"has '{word.text}' in line {line}. {refused[word.text]}"
    except LexError as error:
        return str(error)
    for each in list_statements(lines):
        if not each.within and each.opens and _NOT_A_DIRECTIVE.search(each.name):
            return (
                f"has a block of '{each.name}' in line {each.line}, as a whole Caddyfile has. Write what is inside of it, "
                "for a site with that hostname, and a snippet as argoweb:caddy.snippets."
            )
    return "has a '{' that nothing closes. Add a '}'." if depth else None


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A line of a Caddyfile by its words: a directive or a part of one, with its arguments."""

    name: str
    arguments: tuple[str, ...]
    line: int
    """The line on which it begins, from 1."""
    within: tuple[str, ...]
    """The names of the statements in whose blocks it stands, the outermost first."""
    opens: bool
    """Whether it has a block itself."""


@functools.lru_cache(_KEPT)
def list_statements(lines: str) -> Sequence[Statement]:
    """Gives the statements of some lines in their order, as far as the lines can be read."""
    found: list[Statement] = []
    within: list[str] = []
    said: list[str] = []
    begun = line = 0

    def end(*, opens: bool = False) -> None:
        if said:
            found.append(
                Statement(
                    name=said[0],
                    arguments=tuple(said[1:]),
                    line=begun,
                    within=tuple(within),
                    opens=opens,
                )
            )
        if opens:
            within.append(said[0] if said else "")
        said.clear()

    try:
        for word in list_words(lines):
            if word.begins > line:
                end()
                begun = word.begins
            line = word.ends
            if word.quoted or word.text not in ("{", "}"):
                said.append(word.text)
            elif word.text == "{":
                end(opens=True)
            else:
                end()
                del within[-1:]
    except LexError:
        pass  # a problem that is reported
    end()
    return found


def list_directives(lines: str) -> list[Statement]:
    """Gives the directives at the top of some lines."""
    return [each for each in list_statements(lines) if not each.within]


def list_words(lines: str) -> Iterator[Word]:
    """Gives the tokens of some lines.

    Raises:
        LexError: a quoted text, a heredoc or an escaped line break goes on behind them.
    """
    lexer = _Lexer()
    for character in lines + "\n":
        word = lexer.take(character)
        if word is not None:
            yield word
    lexer.end()


class _Lexer:
    def __init__(self) -> None:
        self._line = 1
        self._skipped = 0
        self._begins = 1
        self._start()

    def _start(self) -> None:
        self._text = self._quote = self._marker = ""
        self._escaped = self._comment = self._literal = False

    def _end_word(self, *, quoted: bool) -> Word:
        word = Word(
            text=self._text,
            begins=self._begins,
            ends=self._line if quoted else self._begins,
            quoted=quoted,
        )
        self._start()
        return word

    def _end_line(self) -> None:
        self._line, self._skipped = self._line + 1 + self._skipped, 0

    def take(self, character: str) -> Word | None:
        """Takes a character, and gives the word that ends with it, if one does."""
        if self._marker:
            return self._take_in_heredoc(character)
        if self._text.startswith("<<") and not self._quote and not self._literal:
            return self._take_in_opening(character)
        if character == "\\" and not self._escaped and self._quote != "`":
            self._escaped = True
            return None
        if self._quote:
            return self._take_in_quotes(character)
        if character.isspace():
            return self._take_blank(character)
        self._take_plain(character)
        return None

    def _take_in_opening(self, character: str) -> Word | None:
        """Takes a character behind `<<MARKER`: a heredoc when the line ends, a word when a blank comes."""
        if character == " ":
            return self._end_word(quoted=False)
        if character != "\n":
            self._text += character
            return None
        self._marker, self._text = self._text[2:], ""
        self._skipped += 1
        if not _MARKER.fullmatch(self._marker):
            raise LexError(
                f"has '<<{self._marker}' at the end of line {self._line}, which begins no heredoc. Quote it."
            )
        return None

    def _take_in_heredoc(self, character: str) -> Word | None:
        self._text += character
        self._skipped += character == "\n"
        if not self._text.endswith(self._marker):
            return None
        self._line, self._skipped = self._line + self._skipped, 0
        return self._end_word(quoted=True)

    def _take_in_quotes(self, character: str) -> Word | None:
        if self._escaped:
            self._text += "" if character == '"' else "\\"
            self._escaped = False
        elif character == self._quote:
            return self._end_word(quoted=True)
        if character == "\n":
            self._end_line()
        self._text += character
        return None

    def _take_blank(self, character: str) -> Word | None:
        if character == "\n":
            if self._escaped:
                self._skipped += 1
                self._escaped = False
            else:
                self._end_line()
            self._comment = False
        return self._end_word(quoted=False) if self._text else None

    def _take_plain(self, character: str) -> None:
        if character == "#" and not self._text:
            self._comment = True
        if self._comment:
            return
        if not self._text:
            self._begins = self._line
            if character in '"`':
                self._quote = character
                return
        if self._escaped:
            self._literal = character == "<"
            self._text += "" if character == "<" else "\\"
            self._escaped = False
        self._text += character

    def end(self) -> None:
        """Ends the lines.

        Raises:
            LexError: something goes on behind the lines.
        """
        if self._marker:
            raise LexError(f"ends before the heredoc '<<{self._marker}' does. Close it.")
        if self._quote:
            raise LexError(f"has a {self._quote} in line {self._begins} that nothing closes.")
        if self._skipped:
            raise LexError("ends with a '\\', which would take in what follows. Remove it.")
