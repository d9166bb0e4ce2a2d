"""What a program asks the engine for, without an engine."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import mocks, set_mocks
from pulumi.runtime.proto import provider_pb2, resource_pb2

Outputs = Mapping[str, dict[str, Any]]
APPLICATION = "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication"
_MADE: Outputs = {
    "random:index/randomPassword:RandomPassword": {"result": "s" * 64},
    "random:index/randomId:RandomId": {"hex": "0a1b2c3d"},
    "command:remote:Command": {"stdout": "1\n"},
    "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken": {
        "clientId": "1a2b.access",
        "clientSecret": "cfast_3c4d",
    },
}
"""What a provider adds to the inputs, by the type of the resource."""


def audience(application: str) -> str:
    """That of an Access application, by the name of its resource."""
    return hashlib.sha256(application.encode()).hexdigest()


class Nothing(mocks.Mocks):
    """What `set_mocks` wants beside an engine that answers by itself."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        raise NotImplementedError

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise NotImplementedError


class Engine(mocks.MockMonitor):
    """Keeps each request as it came, and answers that all of it was done.

    `made` is what the provider adds to the inputs, by the name of the resource; `state` the resources of an earlier
    update, by URN, as `readStackResourceOutputs` gives them; `replaced` names resources whose ids a preview does not know.
    """

    def __init__(
        self,
        made: Outputs | None = None,
        state: Outputs | None = None,
        replaced: Collection[str] = (),
    ) -> None:
        super().__init__(Nothing())
        self._replaced = replaced
        self._made = made or {}
        self._state = state or {}
        self.requests: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        self.requests[request.name] = MessageToDict(request)
        urn = self.make_urn(request.parent, request.type, request.name)
        given = Struct()
        given.CopyFrom(request.object)
        given.update({**_MADE.get(request.type, {}), **self._made.get(request.name, {})})
        if request.type == APPLICATION:
            given["aud"] = audience(request.name)
        known = request.custom and request.name not in self._replaced
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=f"{request.name}-id" if known else "", object=given
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:
        name = request.urn.rpartition("::")[2]
        self.outputs[name] = MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]

    def Invoke(self, request: Any) -> Any:
        found = self._state
        if request.tok == "pulumi:pulumi:readStackOutputs":
            found = {"hostnames": {}} if self._state else {}
        return ParseDict({"return": {"outputs": dict(found)}}, provider_pb2.InvokeResponse())


def registered(program: Callable[[], object], made: Outputs | None = None) -> dict[str, Any]:
    """The engine's requests by the name of the resource; the outputs of a component are added as `outputs`.

    `made` is what the provider adds to the inputs, by the name of the resource.
    """
    engine = Engine(made)
    set_mocks(Nothing(), monitor=engine)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> None:
        program()

    run()
    return {
        name: {**request, "outputs": engine.outputs.get(name)}
        for name, request in engine.requests.items()
    }
