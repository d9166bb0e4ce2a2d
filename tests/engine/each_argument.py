"""Each argument of each component, written in a language, for its compiler to read."""

import json
from typing import Any

from package.schema import NAME, make_schema

_SCHEMA: dict[str, Any] = json.loads(make_schema())
COMPONENTS: dict[str, dict[str, Any]] = {
    token.rpartition(":")[2]: {"type": "object", "properties": each["inputProperties"]}
    for token, each in _SCHEMA["resources"].items()
}


def typescript() -> str:
    """A module that makes each component."""
    made = (
        f"new argoweb.{name}({json.dumps(name)}, {json.dumps(_sample(kind), indent=2)});"
        for name, kind in COMPONENTS.items()
    )
    return "\n".join([f'import * as {NAME} from "@pulumi/{NAME}";', *made, ""])


def go() -> str:
    """A package whose function makes each component."""
    made = (
        f"_, _ = argoweb.New{name}(ctx, {json.dumps(name)}, {_in_go(kind, name)})"
        for name, kind in COMPONENTS.items()
    )
    return "\n".join(
        [
            "package each",
            f'import "example.com/pulumi-{NAME}/sdk/go/{NAME}"',
            'import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"',
            "func Make(ctx *pulumi.Context) {",
            *made,
            "}\n",
        ]
    )


def _resolved(kind: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name of a type and what it is; of any type it is a list of texts."""
    if reference := kind.get("$ref", "").removeprefix("#/types/"):
        if reference == "pulumi.json#/Any":
            return "", {"type": "array", "items": {"type": "string"}}
        return reference.rpartition(":")[2], _SCHEMA["types"][reference]
    return "", kind


def _sample(kind: dict[str, Any]) -> Any:
    _, kind = _resolved(kind)
    match kind:
        case {"type": "array"}:
            return [_sample(kind["items"])]
        case {"properties": properties}:
            return {key: _sample(each) for key, each in properties.items()}
        case {"additionalProperties": inner}:
            return {"name": _sample(inner)}
        case {"type": "integer"}:
            return 1
        case {"type": "boolean"}:
            return True
        case _:
            return "text"


def _in_go(kind: dict[str, Any], name: str = "") -> str:
    named, kind = _resolved(kind)
    match kind:
        case {"type": "array"}:
            return f"{_go_type(kind['items'])}Array{{{_in_go(kind['items'])}}}"
        case {"properties": properties}:
            fields = (
                f"{key[0].upper()}{key[1:]}: {_in_go(each)}," for key, each in properties.items()
            )
            return f"&argoweb.{name or named}Args{{{' '.join(fields)}}}"
        case {"additionalProperties": inner}:
            return f'{_go_type(inner)}Map{{"name": {_in_go(inner)}}}'
        case _:
            return f"{_go_type(kind)}({json.dumps(_sample(kind))})"


def _go_type(kind: dict[str, Any]) -> str:
    """What a value of the type, and a list or map of them, begins with."""
    if "$ref" in kind:
        named, _ = _resolved(kind)
        return f"argoweb.{named}" if named else "pulumi."
    if kind["type"] == "object":
        return f"{_go_type(kind['additionalProperties'])}Map"
    return f"pulumi.{ {'string': 'String', 'integer': 'Int', 'boolean': 'Bool'}[kind['type']] }"
