"""The shell commands of the README and of docs/."""

import re
from pathlib import Path

_BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(document: Path) -> list[list[str]]:
    """The lines of each `sh` block, comments at their ends taken away."""
    found = [match[2].splitlines() for match in _BLOCK.finditer(document.read_text())]
    return [[re.sub(r"\s+# .*", "", line).strip() for line in block] for block in found]
