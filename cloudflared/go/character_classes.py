"""Classes of characters for Go's regular expressions: POSIX, Perl and Unicode names, and case folding."""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass

_Ranges = tuple[tuple[int, int], ...]
LAST = 0x10FFFF
"""The last character."""


def _make_ranges(pairs: str) -> _Ranges:
    """Makes ranges from their first and last characters in turn."""
    return tuple((ord(a), ord(b)) for a, b in zip(pairs[::2], pairs[1::2], strict=True))


PERL = {"d": _make_ranges("09"), "s": _make_ranges("\t\n\f\r  "), "w": _make_ranges("09AZ__az")}
POSIX = {
    "alnum": _make_ranges("09AZaz"),
    "alpha": _make_ranges("AZaz"),
    "ascii": _make_ranges("\0\x7f"),
    "blank": _make_ranges("\t\t  "),
    "cntrl": _make_ranges("\0\x1f\x7f\x7f"),
    "digit": _make_ranges("09"),
    "graph": _make_ranges("!~"),
    "lower": _make_ranges("az"),
    "print": _make_ranges(" ~"),
    "punct": _make_ranges("!/:@[`{~"),
    "space": _make_ranges("\t\r  "),
    "upper": _make_ranges("AZ"),
    "word": _make_ranges("09AZaz__"),
    "xdigit": _make_ranges("09AFaf"),
}


def _split(text: str) -> set[str]:
    return set(text.split())


_CATEGORIES = _split(
    "C Cc Cf Cn Co Cs L Lc Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs"
)
_ALIASES = dict(
    pair.split("=")
    for pair in _split(
        "Casedletter=Lc Closepunctuation=Pe Combiningmark=M Connectorpunctuation=Pc Control=Cc "
        "Currencysymbol=Sc Dashpunctuation=Pd Decimalnumber=Nd Enclosingmark=Me Finalpunctuation=Pf "
        "Format=Cf Initialpunctuation=Pi Letter=L Letternumber=Nl Lineseparator=Zl Lowercaseletter=Ll "
        "Mark=M Mathsymbol=Sm Modifierletter=Lm Modifiersymbol=Sk Nonspacingmark=Mn Number=N "
        "Openpunctuation=Ps Other=C Otherletter=Lo Othernumber=No Otherpunctuation=Po Othersymbol=So "
        "Paragraphseparator=Zp Privateuse=Co Punctuation=P Separator=Z Spaceseparator=Zs Spacingmark=Mc "
        "Surrogate=Cs Symbol=S Titlecaseletter=Lt Unassigned=Cn Uppercaseletter=Lu Cntrl=Cc Digit=Nd Punct=P"
    )
)
_SCRIPTS = _split(
    "Adlam Ahom Arabic Armenian Avestan Balinese Bamum Batak Bengali Bhaiksuki Bopomofo Brahmi Braille "
    "Buginese Buhid Carian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cyrillic "
    "Deseret Devanagari Dogra Duployan Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek "
    "Gujarati Gurmukhi Han Hangul Hanunoo Hatran Hebrew Hiragana Inherited Javanese Kaithi Kannada "
    "Katakana Kawi Kharoshthi Khmer Khojki Khudawadi Lao Latin Lepcha Limbu Lisu Lycian Lydian Mahajani "
    "Makasar Malayalam Mandaic Manichaean Marchen Medefaidrin Miao Modi Mongolian Mro Multani Myanmar "
    "Nabataean Nandinagari Newa Nko Nushu Ogham Oriya Osage Osmanya Palmyrene Phoenician Rejang Runic "
    "Samaritan Saurashtra Sharada Shavian Siddham Sinhala Sogdian Soyombo Sundanese Syriac Tagalog "
    "Tagbanwa Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai "
    "Vithkuqi Wancho Yezidi Yi"
)
"""The scripts that Go's parser finds by name; those of several words it does not (`unicodeTable`, Go 1.26)."""


def find_unicode_name(name: str) -> str | None:
    """Finds a name of `\\p{…}` in one spelling; `None` where Go knows none such."""
    spelling = name.translate({ord(c): None for c in "_- "}).capitalize()
    spelling = _ALIASES.get(spelling, spelling)
    known = spelling in _CATEGORIES | _SCRIPTS | {"Any", "Assigned", "Ascii"}
    return spelling if known and name.isascii() else None


@functools.cache
def _has_name(character: str, name: str) -> bool:
    category = unicodedata.category(character)
    match name:
        case "Any":
            return True
        case "Ascii":
            return character.isascii()
        case "Assigned":
            return category != "Cn"
        case "Lc":
            return category in ("Ll", "Lt", "Lu")
        case _ if name in _CATEGORIES:
            return category.startswith(name)
        case _:
            return name == _find_script(character)


def _find_script(character: str) -> str:
    """Finds the script of a letter by its name, since Python's Unicode database has no scripts.

    A few signs have one that their name does not have, as the ohm sign (U+2126) Greek.
    """
    for word in unicodedata.name(character, "").split()[:2]:
        script = "Han" if word in ("CJK", "KANGXI") else word.capitalize()
        if script in _SCRIPTS:
            return script
    return "Common"


def _fold(character: str) -> str:
    """Gives what the characters that differ only in case have in common (Unicode's simple case folding)."""
    if character == "\u0131":  # the dotless i is upper case I in Turkish only
        return character
    upper = character.upper()
    lower = (upper if len(upper) == 1 else character).lower()
    return lower if len(lower) == 1 else character


@functools.cache
def _list_cases() -> dict[str, set[str]]:
    cases: dict[str, set[str]] = {}
    for code in range(0x1E944):  # no letter above has a case
        if (folded := _fold(chr(code))) != chr(code):
            cases.setdefault(folded, {folded}).add(chr(code))
    return cases


def find_other_cases(low: int, high: int) -> set[int]:
    """Finds the characters that differ only in case from one in a range."""
    return {
        ord(each)
        for same in _list_cases().values()
        if any(low <= ord(each) <= high for each in same)
        for each in same
    }


@dataclass(frozen=True, kw_only=True)
class Class:
    """A set of characters: the ranges, the named ones and those of `items`, or all others."""

    ranges: _Ranges = ()
    names: tuple[str, ...] = ()
    items: tuple[Class, ...] = ()
    negated: bool = False
    fold: bool = False
    """Whether upper and lower case are the same; folded first, negated then."""

    def holds(self, code: int) -> bool:
        """Whether the character is in the set."""
        character = chr(code)
        same = _list_cases().get(_fold(character), {character}) if self.fold else {character}
        found = any(self._holds(each) for each in same)
        return found != self.negated

    def _holds(self, character: str) -> bool:
        return (
            any(low <= ord(character) <= high for low, high in self.ranges)
            or any(_has_name(character, name) for name in self.names)
            or any(item.holds(ord(character)) for item in self.items)
        )


def is_word(code: int | None) -> bool:
    """Whether `\\b` takes the character for a part of a word."""
    return code is not None and any(low <= code <= high for low, high in PERL["w"])
