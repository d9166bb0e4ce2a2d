"""Property values of the plugin protocol, to and from plain Python.

The wire form is a protobuf Struct in which secrets are marked by signature objects and values not
known before the update by a fixed string (Pulumi's `resource/plugin/rpc.go`).
"""

from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

Properties = dict[str, Any]

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"
_UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""A value that exists only after the update."""


@dataclass(frozen=True)
class Secret:
    """A value that Pulumi encrypts in its state and hides in its output."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


def decode(struct: struct_pb2.Struct) -> Properties:
    """Reads a Struct; secrets become `Secret`, unknowns `UNKNOWN`, whole numbers `int`."""
    return {key: _decode(value) for key, value in struct.fields.items()}


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = decode(value.struct_value)
        if fields.get(_SIGNATURE) == _SECRET_SIGNATURE:
            return Secret(fields.get("value"))
        return fields
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value == _UNKNOWN_TEXT else value.string_value
    return value.bool_value if kind == "bool_value" else None


def encode(properties: Properties) -> struct_pb2.Struct:
    """The wire form of properties; the reverse of `decode`."""
    return struct_pb2.Struct(fields={key: _encode(value) for key, value in properties.items()})


def _encode(value: Any) -> struct_pb2.Value:
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=_UNKNOWN_TEXT)
    if isinstance(value, Secret):
        marked = {_SIGNATURE: _SECRET_SIGNATURE, "value": value.value}
        return struct_pb2.Value(struct_value=encode(marked))
    if isinstance(value, dict):
        return struct_pb2.Value(struct_value=encode(value))
    if isinstance(value, (list, tuple)):
        items = struct_pb2.ListValue(values=[_encode(item) for item in value])
        return struct_pb2.Value(list_value=items)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, (int, float)):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)


def reveal(value: Any) -> Any:
    """The same value without the secret marks, at every depth."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def changed(old: Properties, new: Properties) -> tuple[str, ...]:
    """Names of the top-level properties that differ; a secret mark alone is no difference."""
    before, after = reveal(old), reveal(new)
    return tuple(sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k)))
