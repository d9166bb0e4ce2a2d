"""`python -m settings.reference markdown|schema`: the stack file's keys, described from the code that reads them."""

import json
import sys

from settings.keys import SECRETS, STACK
from values.findings import shown
from values.kinds import Either, ListOf, MapOf, Shape, Short, Table

_HEAD = """# The stack file

Made from the code by `python -m settings.reference markdown`; a test keeps it in step. `*` marks a key that must be
there. A key that is not listed is refused. `docs/stack.schema.json` is the same for editors.

- `cloudflare:apiToken` *: Cloudflare API token, a secret; or the variable `CLOUDFLARE_API_TOKEN`.
"""


def markdown() -> str:
    """The reference for people."""
    secrets = "".join(f"- `argoweb:{name}`: {doc}\n" for name, doc in SECRETS.items())
    return _HEAD + secrets + "".join(_lines(STACK, "argoweb:", 0))


def schema() -> str:
    """The JSON schema of a stack file."""
    inner = STACK.schema()
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


def _lines(table: Table, prefix: str, depth: int) -> list[str]:
    lines = []
    for name, key in table.keys.items():
        must = " *" if key.required else ""
        given = key.default not in (None, [], {}, "")
        default = f" Default: {_plain(key.default)}." if given else ""
        lines.append(f"{'  ' * depth}- `{prefix}{name}`{must}: {key.doc}{default}\n")
        inner = _table_in(key.shape)
        if inner is not None:
            lines += _lines(inner, "", depth + 1)
    return lines


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else shown(value)


def _table_in(shape: Shape) -> Table | None:
    if isinstance(shape, (ListOf, MapOf)):
        return _table_in(shape.item)
    if isinstance(shape, Either):
        return _table_in(shape.other)
    if isinstance(shape, Short):
        return shape.table
    return shape if isinstance(shape, Table) else None


if __name__ == "__main__":
    print({"markdown": markdown, "schema": schema}[sys.argv[1]](), end="")
