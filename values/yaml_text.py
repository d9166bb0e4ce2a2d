"""YAML that every reader takes alike, whichever version of YAML it knows."""

import re

import yaml

_UNMISTAKABLE = re.compile(r"[A-Za-z/][A-Za-z0-9_./+-]*(?:://?[A-Za-z0-9_./:-]*)?")
_WORDS_OF_YAML = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


class _Dumper(yaml.SafeDumper):
    """Quotes whatever YAML 1.1 and 1.2 readers could take for something else than a string."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _UNMISTAKABLE.fullmatch(text) and text.lower() not in _WORDS_OF_YAML
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _represent)


def dump(document: dict[str, object]) -> str:
    """Writes the document, its keys in their order, a line for each value."""
    return yaml.dump(
        document,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=10**6,
        default_flow_style=False,
    )
