"""What is said of files of cloudflared's, for a review to read: each text once, with the files and lines of which it is said."""

from collections.abc import Iterable, Iterator

from importing.file import read
from importing.stack_file import write_stack_file
from values.findings import make_printable


def write_told(files: Iterable[tuple[str, str]]) -> str:
    """All texts in their order, of files by their names."""
    told: dict[str, list[str]] = {}
    for name, config in files:
        for line, text in _tell(config):
            told.setdefault(text, []).append(f"{name}:{line}" if line else name)
    return "".join(f"{text}\n  {' '.join(told[text])}\n" for text in sorted(told))


def _tell(config: str) -> Iterator[tuple[int, str]]:
    """What `check` says of a file, with the lines, and what `import` cannot say of one that cloudflared takes."""
    file = read(config.encode())
    for problem in file.problems:
        yield problem.line, make_printable(f"{problem} [{problem.code}]")
    if not file.refused:
        made = write_stack_file(file)
        for text in (*made.left, *made.notes):
            yield 0, f"not carried over: {text}"
