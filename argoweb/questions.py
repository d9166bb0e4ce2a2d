"""Asks questions in a terminal, each of which a flag may answer beforehand."""

import sys
from collections.abc import Callable, Sequence

import questionary

from argoweb.errors import StackUnreadable

Check = Callable[[str], bool | str]
"""True for a good answer, or what is wrong with it."""


def check_answered(answer: str) -> bool | str:
    """Refuses an empty answer."""
    return bool(answer.strip()) or "an answer is needed"


class Questions:
    """Asks for what no flag has answered.

    All methods take `flag`, what the flag of that name was given or nothing, and raise `StackUnreadable` where it is
    missing and nobody can be asked, and `KeyboardInterrupt` where the answer is Ctrl-C.
    """

    def __init__(self) -> None:
        self._missing = not (sys.stdin.isatty() and sys.stdout.isatty())

    def ask_text(
        self,
        flag: str | None,
        name: str,
        question: str,
        default: str = "",
        *,
        check: Check = check_answered,
        suffices: bool = False,
    ) -> str:
        """Asks for a line of text; Enter alone takes the default, and so does who cannot be asked where it `suffices`."""
        if flag is None and suffices and self._missing:
            return default
        if flag is not None:
            if (said := check(flag)) is not True:
                raise StackUnreadable(f"{name}: found '{flag}': {said}.")
            return flag
        self.require(name)
        asked = questionary.text(
            f"{question} [{default}]" if default else question,
            validate=lambda answer: check(answer or default),
        )
        return str(asked.unsafe_ask()).strip() or default

    def ask_secret(self, name: str, question: str) -> str:
        """Asks for a secret, which is not shown; no flag gives it, since other users see flags."""
        self.require(name)
        return str(questionary.password(question, validate=check_answered).unsafe_ask()).strip()

    def ask_one(self, flag: str | None, name: str, question: str, choices: Sequence[str]) -> str:
        """Asks for one of several choices, of which the first is the default; takes a single one unasked."""
        if flag is not None or len(choices) == 1:
            return flag or choices[0]
        self.require(name)
        return str(questionary.select(question, choices=choices).unsafe_ask())

    def ask_some(
        self, flags: Sequence[str] | None, name: str, question: str, choices: Sequence[str]
    ) -> list[str]:
        """Asks for at least one of several choices; takes a single one unasked."""
        if flags or len(choices) == 1:
            return list(flags or choices)
        self.require(name)
        # What questionary says of a refused answer is not shown by every terminal.
        while not (chosen := questionary.checkbox(question, choices=choices).unsafe_ask()):
            print("Mark at least one by the space key, then press Enter.")
        return list(chosen)

    def confirm(self, flag: bool, name: str, question: str) -> bool:
        """Asks for yes or no; no is the default."""
        if flag:
            return True
        self.require(name)
        return bool(questionary.confirm(question, default=False).unsafe_ask())

    def require(self, name: str) -> None:
        """Raises `StackUnreadable` for the missing flag of that name if nobody can be asked instead."""
        if self._missing:
            raise StackUnreadable(
                f"{name} is needed where nobody can be asked: this is no terminal."
            )
