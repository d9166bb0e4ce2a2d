"""Describes the stack file's keys from the code that reads them: `python -m settings.reference markdown|schema` prints it."""

import json
import sys
from pathlib import Path

import yaml

from settings.keys.stack import SECRETS, STACK
from values.kinds import Checked, Choice, Either, Flag, ListOf, MapOf, Shape, Text, Whole
from values.tables import Short, Table

_EXAMPLES = Path(__file__).with_name("examples.yaml")
_SECRET_EXAMPLES = ("that of `~/.ssh/id_ed25519`", "that of `~/.cloudflared/UUID.json`")
_HEAD = """# The stack file

Made from the code by `python -m settings.reference markdown`; a test keeps it in step. `*` marks a key that must be
there. Behind what a key means stand what its value is, the default and an example; a key without a default is absent, if
you leave it out. A key that is not listed is refused.
`docs/stack.schema.json` is the same for editors.

- `cloudflare:apiToken` *: Cloudflare API token; or the variable `CLOUDFLARE_API_TOKEN`. *a secret of 40 to 80 letters, digits, '-' and '_'; made in the dashboard (My Profile, API Tokens); example: what `pulumi config set --secret cloudflare:apiToken` asks for*
- `cloudflare:apiKey`: A user's Global API key in the place of a token; or `CLOUDFLARE_API_KEY`. *a secret of 37 to 60 letters, digits, '-' and '_'; example: what `pulumi config set --secret cloudflare:apiKey` asks for*
- `cloudflare:email`: The address of that user; or `CLOUDFLARE_EMAIL`. *an e-mail address; example `ann@example.com`*
- `cloudflare:baseUrl`: Address of Cloudflare's API; or `CLOUDFLARE_BASE_URL`. *a URL; default and example `https://api.cloudflare.com/client/v4`*
"""


def write_markdown() -> str:
    """Writes the reference for people."""
    secrets = "".join(
        f"- `argoweb:{name}`: {doc} *a secret text; example: {example}*\n"
        for (name, doc), example in zip(SECRETS.items(), _SECRET_EXAMPLES, strict=True)
    )
    return _HEAD + secrets + "".join(_write_lines(STACK, "argoweb:", 0, _read_examples()))


def _read_examples() -> object:
    """Reads a value for each key, which the tests hold against the program."""
    return yaml.safe_load(_EXAMPLES.read_text(encoding="utf-8"))


def write_schema() -> str:
    """Writes the JSON schema of a stack file."""
    inner = STACK.write_schema()
    properties = inner["properties"]
    assert isinstance(properties, dict)
    keys = {f"argoweb:{name}": value for name, value in properties.items()}
    for name, doc in SECRETS.items():
        keys[f"argoweb:{name}"] = {"type": "object", "description": doc}
    document = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Stack file of argoweb",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": keys,
                "patternProperties": {
                    f"^argoweb:(?!({'|'.join([*STACK.keys, *SECRETS])})$)": False
                },
            }
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _write_lines(table: Table, prefix: str, depth: int, examples: object) -> list[str]:
    lines = []
    for name, key in table.keys.items():
        must = " *" if key.required else ""
        given = key.default not in (None, [], {}, "")
        default = _write(key.default) if given else key.otherwise
        example = _find_example(name, examples)
        facts = [put_in_words(key.shape, key.unit), default and f"default `{default}`"]
        inner = _find_table(key.shape)
        if inner is None and example is not None:
            facts.append(f"example `{_write(example)}`")
        said = "; ".join(filter(None, facts))
        lines.append(f"{'  ' * depth}- `{prefix}{name}`{must}: {key.doc} *{said}*\n")
        if inner is not None:
            lines += _write_lines(inner, "", depth + 1, example)
    return lines


def _find_example(name: str, examples: object) -> object:
    """Finds the example of a key: in a table, or in the first of several, which are a list or have names of their own."""
    several = examples if isinstance(examples, list) else [examples]
    tables = [each for each in several if isinstance(each, dict)]
    tables += [each for table in tables for each in table.values() if isinstance(each, dict)]
    return next((table[name] for table in tables if name in table), None)


def _write(value: object) -> str:
    """Writes a value in the words of a stack file, on one line."""
    return (
        yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True)
        .removesuffix("\n...\n")
        .strip()
    )


def put_in_words(shape: Shape, unit: str = "") -> str:
    """Says in words what a value has to be."""
    match shape:
        case Flag():
            return "true or false"
        case Whole():
            what = f"whole number of {unit}" if unit else "whole number"
            return f"{what}, {shape.least} to {shape.most}" if shape.most < 2**31 - 1 else what
        case Choice():
            return " or ".join(f"`{word}`" for word in shape.words if word != "")
        case Text():
            return "lines of text" if shape.lines else shape.expected
        case Checked():
            return shape.kind
        case ListOf():
            return f"{'one or a list' if shape.single else 'list'}, each {put_in_words(shape.item)}"
        case MapOf():
            return f"mapping of names, each {put_in_words(shape.item)}"
        case Table():
            return "a mapping"
        case Short():
            return f"a mapping, or the value of its `{shape.key}`"
        case Either():
            return "true, false or a mapping"
        case _:
            return "number or text"


def _find_table(shape: Shape) -> Table | None:
    if isinstance(shape, (ListOf, MapOf)):
        return _find_table(shape.item)
    if isinstance(shape, Either):
        return _find_table(shape.other)
    if isinstance(shape, Short):
        return shape.table
    return shape if isinstance(shape, Table) else None


if __name__ == "__main__":
    print({"markdown": write_markdown, "schema": write_schema}[sys.argv[1]](), end="")
