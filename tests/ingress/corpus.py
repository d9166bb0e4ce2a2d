"""The corpus: files for cloudflared, each with what the real one said about it.

A file of `corpus/` has `cases`. A case's `config` is the whole file, or its `value` takes the place of VALUE in
the `template`. `says` is the real `ingress validate`'s answer; `rules` are the indexes that the real `ingress rule`
gave for `urls` (none where it refused the URL), and `service` is how it printed the first one's service.
"""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "corpus"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file and the real cloudflared's answers."""

    name: str
    config: str
    says: str
    urls: list[str] = field(default_factory=list)
    rules: list[int | None] = field(default_factory=list)
    service: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the real cloudflared takes the file."""
        return self.says == "OK"


@cache
def documents() -> list[tuple[Path, dict[str, Any]]]:
    """The files of the corpus as they stand."""
    return [(path, yaml.safe_load(path.read_text())) for path in sorted(FOLDER.glob("*.yaml"))]


def config_of(document: dict[str, Any], case: dict[str, Any]) -> str:
    """The whole configuration file of a case."""
    if "config" in case:
        return str(case["config"])
    return str(document["template"]).replace("VALUE", str(case["value"]))


def cases() -> list[Case]:
    """All cases."""
    return [
        Case(
            name=f"{path.stem}-{index}",
            config=config_of(document, case),
            says=case["says"],
            urls=case.get("urls", document.get("urls", [])),
            rules=case.get("rules", []),
            service=case.get("service"),
        )
        for path, document in documents()
        for index, case in enumerate(document["cases"])
    ]
