"""Makes the schema of the package from the keys of the stack file: `python -m package.schema` prints it.

Not by Pulumi's analyzer of type annotations: a provider made by it drops unknown keys without a word and cannot take an
output where a number is expected (`map_input_properties` in `pulumi/provider/experimental/component.py`, 3.272).
"""

import json
from collections.abc import Iterable
from typing import Any

from package.keys import ACCESS, NIXOS_HOST, RECORDS, TUNNEL
from settings.contract import VERSION
from settings.keys.stack import SECRETS, SITES_FILE, STACK
from settings.reference import put_in_words
from values.kinds import Checked, Choice, Flag, ListOf, MapOf, Shape, Text, Whole
from values.tables import Key, Table

NAME = "argoweb"
_ANY = {"$ref": "pulumi.json#/Any"}
_LANGUAGES = ("nodejs", "python", "go", "csharp", "java")
_TYPES = {
    "zones": "Zone",
    "servers": "Server",
    "sites": "Site",
    "records": "DnsRecord",
    "groups": "AccessGroup",
    "require": "AccessRequired",
    "exclude": "AccessExcluded",
    "serviceTokens": "AccessServiceToken",
}
"""The type of a table's name, where that is not the one of its key followed by `Settings`."""
_TEXT = {"type": "string"}
_LIST = {"type": "array", "items": _TEXT}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}
OUTPUTS: dict[str, dict[str, Any]] = {
    "tunnelId": _TEXT | {"description": "The tunnel's UUID."},
    "hostnames": _LIST | {"description": "The hostnames of the sites."},
    "urls": _LIST | {"description": "Where a visitor finds each site."},
    "serviceTokens": {
        "type": "object",
        "additionalProperties": _TEXTS,
        "secret": True,
        "description": "What programs send to pass Access, by the token's name: `clientId` and `clientSecret`.",
    },
}
"""The outputs of the component for a whole deployment."""
SITES = f"{NAME}:index:Sites"
OUTPUTS_OF: dict[str, dict[str, Any]] = {
    "Tunnel": {
        "tunnelId": OUTPUTS["tunnelId"],
        "target": _TEXT | {"description": "What the records of its hostnames lead to."},
        "credentials": _TEXT | {"secret": True, "description": "cloudflared's credentials file."},
    },
    "Records": {"hostnames": OUTPUTS["hostnames"]},
    "NixosHost": {"hostnames": OUTPUTS["hostnames"]},
    "Access": {
        "audiences": _TEXTS | {"description": "The audience of each application, by its URI."},
        "serviceTokens": OUTPUTS["serviceTokens"],
    },
}
"""The outputs of each part."""
_PARTS = {
    "Tunnel": (
        TUNNEL,
        "A tunnel whose rules are on the servers that run it. `accountId` may be an output.",
    ),
    "Records": (
        RECORDS,
        "The records that lead to a tunnel. `target` and each `zoneId` may be outputs. Let it depend on the servers.",
    ),
    "NixosHost": (
        NIXOS_HOST,
        "A NixOS server that runs a tunnel and serves its sites. `address`, `port`, `user`, `hostKey`, those of `bastion`, "
        "`tunnelId`, `credentials`, `audiences` and `sshPrivateKey` may be outputs.",
    ),
    "Access": (
        ACCESS,
        "Who may come in: applications, policies and service tokens of Cloudflare Access. Let the servers depend on it.",
    ),
}


def make_schema() -> str:
    """Writes the schema as JSON."""
    types: dict[str, Any] = {}
    keys = {name: key for name, key in STACK.keys.items() if name != SITES_FILE}
    whole = _describe_properties(keys.items(), types) | {
        name: _TEXT | {"secret": True, "description": doc} for name, doc in SECRETS.items()
    }
    document = {
        "name": NAME,
        "version": VERSION,
        "displayName": NAME,
        "description": "A Cloudflare Tunnel to NixOS web servers, with no inbound port open.",
        "resources": {
            SITES: {
                "isComponent": True,
                "description": "Sites behind a Cloudflare Tunnel: the tunnel, the NixOS servers that run it, and the DNS "
                "records. What decides how many resources there are has to be known in a preview; a server's address, port, "
                "user and host key, those of its bastion and the SSH key may be outputs of other resources.",
                "inputProperties": whole,
                "requiredInputs": _list_required(STACK),
                "properties": OUTPUTS,
                "required": [*OUTPUTS],
            },
            **{f"{NAME}:index:{name}": _describe_part(name, types) for name in _PARTS},
        },
        "types": types,
        "language": {language: {"respectSchemaVersion": True} for language in _LANGUAGES},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _describe_part(name: str, types: dict[str, Any]) -> dict[str, Any]:
    table, description = _PARTS[name]
    inputs = _describe_properties(table.keys.items(), types)
    if name == "NixosHost":
        inputs["credentials"]["secret"] = True
        inputs["sshPrivateKey"] = _TEXT | {"secret": True, "description": SECRETS["sshPrivateKey"]}
    return {
        "isComponent": True,
        "description": description,
        "inputProperties": inputs,
        "requiredInputs": _list_required(table),
        "properties": OUTPUTS_OF[name],
        "required": [*OUTPUTS_OF[name]],
    }


def _list_required(table: Table) -> list[str]:
    return [name for name, key in table.keys.items() if key.required]


def _describe_properties(keys: Iterable[tuple[str, Key]], types: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {**(kind := _find_type(name, key.shape, types)), "description": _describe(key, kind)}
        for name, key in keys
    }


def _describe(key: Key, kind: dict[str, Any]) -> str:
    unit = f" In {key.unit}." if key.unit else ""
    unit += f" Takes {put_in_words(key.shape)}." if kind is _ANY else ""
    given = key.default not in (None, [], {}, "")
    default = f" Default: {json.dumps(key.default)}." if given else ""
    return f"{key.doc}{unit}{default}"


def _find_type(name: str, shape: Shape, types: dict[str, Any]) -> dict[str, Any]:
    """Gives the type of a key's value: any type if it may be written in several ways, as in the stack file."""
    match shape:
        case Flag():
            return {"type": "boolean"}
        case Whole():
            return {"type": "integer"}
        case Text() | Checked():
            return {"type": "string"}
        case Choice(words) if all(isinstance(word, str) for word in words):
            return {"type": "string"}
        case Choice():
            return {"type": "integer"}
        case ListOf(single=False):
            return {"type": "array", "items": _find_type(name, shape.item, types)}
        case MapOf():
            return {"type": "object", "additionalProperties": _find_type(name, shape.item, types)}
        case Table() if not _is_of_cloudflared(shape):
            return {"$ref": f"#/types/{_name(name, shape, types)}"}
        case Table():
            return {"type": "object", "additionalProperties": _ANY}
        case _:
            return _ANY


def _is_of_cloudflared(table: Table) -> bool:
    """Whether a table is one of cloudflared's own, whose keys are no names in a program, as `edge-ip-version`."""
    return table.newer or not all(name.isalnum() for name in table.keys)


def _name(name: str, table: Table, types: dict[str, Any]) -> str:
    """Adds the type of a table to the others, and gives its name.

    Raises:
        ValueError: another table has that name.
    """
    token = f"{NAME}:index:{_TYPES.get(name, f'{name[0].upper()}{name[1:]}Settings')}"
    described: dict[str, Any] = {
        "type": "object",
        "properties": _describe_properties(table.keys.items(), types),
    }
    if required := _list_required(table):
        described["required"] = required
    if types.setdefault(token, described) != described:
        raise ValueError(f"two tables have the type {token}")
    return token


if __name__ == "__main__":
    print(make_schema(), end="")
