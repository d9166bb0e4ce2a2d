"""Warns of patterns of paths that cloudflared takes and that hardly mean what is meant."""

import re

from cloudflared.go.inclusion import covers, find_path
from cloudflared.go.regexp import Pattern, PatternError
from cloudflared.rules import Rule
from values.findings import Findings, make_warning

PATH_UNMATCHED = make_warning(
    "path-unmatched", "No path is one in which the rule's pattern is found."
)
PATH_UNANCHORED = make_warning(
    "path-unanchored", "A pattern is found anywhere in a path, not at its beginning."
)
PATH_PARAMETER = make_warning(
    "path-parameter", "A part such as ':id' stands for itself, not for any text."
)
PATH_STAR = make_warning("path-star", "A '*' repeats what stands before it; it is not any text.")
PATH_SLASH = make_warning(
    "path-slash", "A pattern that ends with '/' does not match the path without it."
)
EVERY_PATH = re.compile(r"\^?(?:/|/?\.\*\$?)?")
"""Paths of rules that plainly take every one."""
_EMPTY = re.compile(r"(?:\^|\\A)(?:\$|\\z)")
_LITERAL = re.compile(r"(\^?)([\w/-]+)")
_ANYWHERE = re.compile(r"\.\*.*\.\*")
"""Patterns that are plainly meant to be found anywhere."""
_ANY_FOR_A_DOT = re.compile(r"\.(?=[(\w])")
_OF_ELSEWHERE = re.compile(r"(?:~\*?|=|\^~) +\^?(?=/)|\^?https?://[^/]*(?=/|$)")
"""What nginx writes before a path, and a URL's beginning."""
_PART = re.compile(r"(?<=/)(?::[A-Za-z]\w*|\{[A-Za-z]\w*\})(?=/|$)")
"""As routers of applications name a part."""
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_QUERY = re.compile(r"\\?\?[\w-]+=|\\\?|#")
"""What begins a query or a fragment: a '?' before a name and '=', or one that stands for itself."""
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_ANY_NAME = re.compile(r"/?\*(?=\.)")
"""Before a file's ending, as shells write it."""
_ENDING = re.compile(
    r"(?:\\\.(?!git|env|svn|ht(?:access|passwd))\(?(?:\?[:i]+)?[\w?]{1,5}(?:\|[\w?]{1,5})*\)?(?:\||$))+"
)
"""The ending of a file's name, or several, and no name of a hidden file."""


def check_path(path: str, where: str, findings: Findings) -> None:
    """Warns of a pattern that is not found in the paths that it is plainly meant for."""
    try:
        anchored = Pattern(path).anchored
    except PatternError:
        return  # cloudflared says so itself
    literal = _LITERAL.match(path)
    everything = EVERY_PATH.fullmatch(path) or _ANYWHERE.fullmatch(path) or covers(path, "^/")
    whole = _OF_ELSEWHERE.match(path)
    if whole is not None:
        meant = f"^{path[whole.end() :] or '/'}"
        text = f"'{path}' matches nothing; it is found in the path alone: write '{meant}'."
        findings.add(PATH_UNMATCHED, where, text)
    elif _EMPTY.fullmatch(path):
        text = f"'{path}' matches nothing; a path begins with '/': write '^/$'."
        findings.add(PATH_UNMATCHED, where, text)
    elif not anchored and not everything:
        text = f"'{path}' is found anywhere in a path; {advise_to_bind(path)}."
        findings.add(PATH_UNANCHORED, where, text)
    elif literal and literal[1] and not literal[2].startswith("/"):
        text = f"'{path}' matches nothing; a path begins with '/': write '^/{path[1:]}'."
        findings.add(PATH_UNMATCHED, where, text)
    bare = _CLASS.sub("", path)
    if whole is None and (found := _QUERY.search(bare)) is not None:
        text = f"'{found[0]}' in '{path}' begins a query or a fragment, which is no part of a path: leave it out."
        findings.add(PATH_UNMATCHED, where, text)
    if whole is None and (found := _ESCAPE.search(bare)) is not None:
        text = f"'{found[0]}' in '{path}' is compared with the decoded path: write the character itself."
        findings.add(PATH_UNMATCHED, where, text)
    if (part := _PART.search(path)) is not None:
        text = f"'{part[0]}' stands for itself; '[^/]+' is any one part of a path."
        findings.add(PATH_PARAMETER, where, text)
    if re.search(r"/\*(?:\$?$|/)", path) and not everything:
        text = f"'*' in '{path}' repeats the '/'; '.*' is any characters."
        findings.add(PATH_STAR, where, text)
    elif path.endswith("/") and len(path) > 2:
        bare = path.lstrip("^")[:-1]
        both = "" if "|" in path else f"; '^{bare}(?:/|$)' matches both"
        text = f"'{path}' does not match '{bare}' without the '/'{both}."
        findings.add(PATH_SLASH, where, text)


def advise_to_bind(path: str) -> str:
    """Writes the advice to bind a pattern to the beginning of a path, or one of a file's ending to its end.

    A suggested pattern is found in nothing that the old one is not found in. For the beginning, it is found in all that
    the old one is at the beginning, with the first '/' written or not.
    """
    named = _ANY_NAME.sub("", path, count=1) if _ANY_NAME.match(path) else path
    meant = f"\\{named}" if _ANY_FOR_A_DOT.match(named) else named.replace("[.]", r"\.")
    if path.startswith(".*") or _ENDING.fullmatch(meant):
        for ended in (f"{meant}$", f"(?:{meant})$"):
            if _narrows(ended, path):
                return f"write '{ended}' for its end"
    meant = re.sub(r"(?<=[\w)])/\*$", "", path if named != path else meant)
    wanted = f"^/?(?:{meant})"
    for begun in (f"^{meant}", f"^/{meant}", f"^(?:{meant})", f"^/(?:{meant})", f"^/?(?:{meant})"):
        # Without paths that begin with '//', since `wanted` has them for a '/' that is written already.
        if _narrows(begun, path) and covers(f"^//|{begun}", wanted):
            return f"write '{begun}' for its beginning"
    return "begin it with '^/' for the beginning, or end it with '$' for the end"


def _narrows(pattern: str, wide: str) -> bool:
    """Whether a pattern is bound, and found in some path, but in none that the wide one is not found in."""
    try:
        anchored = Pattern(pattern).anchored
    except PatternError:
        return False
    return anchored and find_path(pattern) is not None and covers(wide, pattern)


def simplify_path(rule: Rule) -> str:
    """Gives the rule's path; empty where it plainly takes every one."""
    return "" if EVERY_PATH.fullmatch(rule.path) else rule.path
