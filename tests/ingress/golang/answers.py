"""What Go's own packages say: a line of a file in `answers/` has a question and Go's answer, as JSON.

A new question is a line without an answer, which `python -m tests.ingress.golang.record` asks Go. A lone surrogate in a
text is a byte that is no UTF-8, as `surrogateescape` has it.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("answers")
TEXTS = (
    "", "a", "b", "c", "A", "B", "k", "ab", "ba", "aab", "abab", "aaaa", "a\nb", "\n", "a\n", "\nb", "/", "/a", "/a/b",
    "/api/v1", "x.png", "x y", " ", "\t", "\r", "\f", "\v", "\a", "\b", "\0", "\x01", "\x7f", "\\", "\\E", "_", "a_b",
    "0", "7", "10", "-", "]", "[", "^", "$", ".", ",", "{", "}", "|", "(", ")", "+", "*", "?", ":", "`", "a{2}", "a{,2}",
    "a1", "x", "y", "z", "Z", "\xe9", "\xc9", "\xdf", "\u1e9e", "\u017f", "s", "S", "\u212a", "\u0131", "i", "\u0130", "I",
    "\u03c2", "\u03a3", "\xb5", "\u03bc", "\u2126", "\u0431", "\u6f22", "\u0663", "\u01c5", "\xaa", "\u02b0", "\u2177", "\xbd",
    "\u0301", "\u0903", "\u20dd", "\u20ac", "\xb1", "\xa9", "\u2028", "\u2029", "\xa0", "\u2013", "\xab", "\xbb", "\xad",
    "\U00010348", "\ue000", "\u0378", "\ufffd", "\udcff", "\uffff", "\U0010ffff", "\x80",
)  # fmt: skip
"""Where each pattern is looked for."""


def read(about: str) -> dict[str, Any]:
    """Go's answer to each question about something; nothing to a new one."""
    decoder, found = json.JSONDecoder(), {}
    for line in (FOLDER / f"{about}.txt").read_text().splitlines():
        question, end = decoder.raw_decode(line)
        found[question] = json.loads(line[end:]) if line[end:].strip() else None
    return found


def write(about: str, answers: dict[str, Any]) -> None:
    """Writes down what Go has answered."""
    lines = (f"{json.dumps(question)} {json.dumps(said)}\n" for question, said in answers.items())
    (FOLDER / f"{about}.txt").write_text("".join(lines))
