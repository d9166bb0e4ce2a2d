"""Asks Go the questions of `answers/` again: `python -m tests.ingress.golang.record`, with `go` on PATH.

cloudflared is made with Go 1.26, and with the versions of other packages that stand in `go.mod`.
"""

import base64
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.ingress.golang import answers


def ask(about: str, texts: Iterable[str]) -> list[Any]:
    """Go's answers, in order."""
    looked_at = [*map(_encode, answers.TEXTS)] if about == "patterns" else []
    lines = [
        json.dumps({"About": about, "Text": _encode(text), "Texts": looked_at}) for text in texts
    ]
    ran = subprocess.run(
        ["go", "run", "."],
        cwd=Path(__file__).parent,
        input="\n".join(lines),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [_sort(json.loads(line)) for line in ran.stdout.split("\n") if line]


def _encode(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()


def _sort(value: Any) -> Any:
    """Sorts the entries of mappings, which Go gives in any order."""
    if isinstance(value, list):
        return [_sort(each) for each in value]
    if isinstance(value, dict):
        value = {key: _sort(each) for key, each in value.items()}
        if "mapping" in value:
            value["mapping"].sort(key=json.dumps)
    return value


if __name__ == "__main__":
    for file in sorted(answers.FOLDER.iterdir()):
        asked = answers.read(file.stem)
        answers.write(file.stem, dict(zip(asked, ask(file.stem, asked), strict=True)))
