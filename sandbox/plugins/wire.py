"""The messages of the plugin protocol, from Pulumi's SDK but without the SDK.

Importing `pulumi` doubles the time in which a plugin starts, and the engine starts one plugin after the other.
An official plugin is there in some hundredths of a second.
"""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def _passed_over(name: str, folder: str) -> None:
    """A package whose modules can be imported and whose own `__init__` is not run."""
    package = ModuleType(name)
    package.__path__ = [folder]
    sys.modules[name] = package


if "pulumi" not in sys.modules:
    _spec: Any = find_spec("pulumi")
    (_folder,) = _spec.submodule_search_locations
    _passed_over("pulumi", _folder)
    _passed_over("pulumi.runtime", f"{_folder}/runtime")

from pulumi.runtime.proto import (  # noqa: E402
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
)

__all__ = ["engine_pb2", "engine_pb2_grpc", "plugin_pb2", "provider_pb2", "provider_pb2_grpc"]
