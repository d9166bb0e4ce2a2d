"""Records what the real cloudflared says about the corpus: `python -m tests.ingress.record`, with it on PATH.

Write a new case with its `config` or `value` (and `urls`) only; this fills in the answers and rewrites the files.
"""

import re
import sys
from typing import Any

import yaml

from tests.ingress.corpus import config_of, documents
from tests.ingress.judge import Judge, find

_MATCH = re.compile(r"Matched rule #(\d+)\n(?:.*\n)*\tservice: (.*)\n", re.DOTALL)


class _Row(list[int | None]):
    """A list that is written on one line."""


class _Dumper(yaml.SafeDumper):
    pass


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    lines = "\n" in text and text.isprintable() | all(c.isprintable() or c == "\n" for c in text)
    plain_start = not text.startswith((" ", "\n"))
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str",
        text,
        style="|" if lines and plain_start and " \n" not in text else None,
    )


_Dumper.add_representer(str, _text)
_Dumper.add_representer(
    _Row,
    lambda dumper, row: dumper.represent_sequence("tag:yaml.org,2002:seq", row, flow_style=True),
)


def answers(judge: Judge, config: str, urls: list[str]) -> dict[str, Any]:
    """What a case has besides its file and its URLs."""
    says = judge.validate(config)
    if says != "OK" or not urls:
        return {"says": says}
    printed = [judge.rule(config, url) for url in urls]
    matches = [_MATCH.fullmatch(text) if text is not None else None for text in printed]
    found: dict[str, Any] = {"says": says}
    found["rules"] = _Row(int(match[1]) if match else None for match in matches)
    if matches[0]:
        found["service"] = matches[0][2]
    return found


def main() -> int:
    """Rewrites the corpus; 1 without a cloudflared."""
    judge = find()
    if judge is None:
        print("There is no cloudflared on PATH.", file=sys.stderr)
        return 1
    for path, document in documents():
        shared = document.get("urls", [])
        document["cases"] = [
            {key: case[key] for key in ("config", "value", "urls") if key in case}
            | answers(judge, config_of(document, case), case.get("urls", shared))
            for case in document["cases"]
        ]
        text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
        path.write_text(text)
        print(f"{path.name}: {len(document['cases'])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
