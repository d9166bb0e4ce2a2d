"""What a program asks the engine for, without an engine."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, set_mocks

Outputs = Mapping[str, dict[str, Any]]
_MADE: Outputs = {
    "random:index/randomPassword:RandomPassword": {"result": "s" * 64},
    "random:index/randomId:RandomId": {"hex": "0a1b2c3d"},
}
"""What a provider adds to the inputs, by the type of the resource."""


class _Echo(mocks.Mocks):
    def __init__(self, made: Outputs) -> None:
        self._made = made

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        made = _MADE.get(args.typ) or self._made.get(args.name) or {}
        return f"{args.name}-id", {**args.inputs, **made}

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise NotImplementedError


class _Monitor(mocks.MockMonitor):
    """Keeps each request as it came."""

    def __init__(self, mocks: mocks.Mocks) -> None:
        super().__init__(mocks)
        self.requests: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        self.requests[request.name] = MessageToDict(request)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:
        name = request.urn.rpartition("::")[2]
        self.outputs[name] = MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def registered(program: Callable[[], object], made: Outputs | None = None) -> dict[str, Any]:
    """The engine's requests by the name of the resource; the outputs of a component are added as `outputs`.

    `made` is what the provider adds to the inputs, by the name of the resource.
    """
    echo = _Echo(made or {})
    monitor = _Monitor(echo)
    set_mocks(echo, monitor=monitor)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> None:
        program()

    run()
    return {
        name: {**request, "outputs": monitor.outputs.get(name)}
        for name, request in monitor.requests.items()
    }
