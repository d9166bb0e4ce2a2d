"""What a program asks the engine for, without an engine."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import mocks
from pulumi.runtime.proto import provider_pb2, resource_pb2
from pulumi.runtime.settings import SETTINGS, configure, set_root_resource
from pulumi.runtime.stack import run_pulumi_func

T = TypeVar("T")
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
    """What an engine that answers by itself has no use for."""

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


def ask(
    engine: Engine,
    *,
    project: str = "project",
    stack: str = "stack",
    preview: bool = False,
    logger: logging.Logger | None = None,
) -> None:
    """Lets Pulumi ask this engine, and forget what it was asked before; unlike `set_mocks`, which begins with a resource."""
    features = engine.GetDeploymentInfo(None).supportedFeatures  # type: ignore[no-untyped-call]
    configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=engine,
            monitor_features={*features},
            engine=mocks.MockEngine(logger),
            project=project,
            stack=stack,
            dry_run=preview,
            organization=None,
            callbacks=None,
        )
    )
    set_root_resource(None)  # type: ignore[arg-type]
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()


def run_to_the_end(program: Coroutine[Any, Any, T]) -> T:
    """What it gives, in an event loop of its own, with which whatever the program has begun ends."""
    try:
        return asyncio.run(program)
    finally:
        asyncio.set_event_loop(asyncio.new_event_loop())  # Pulumi takes the thread's


def registered(program: Callable[[], object], made: Outputs | None = None) -> dict[str, Any]:
    """The engine's requests by the name of the resource; the outputs of a component are added as `outputs`.

    `made` is what the provider adds to the inputs, by the name of the resource.
    """
    engine = Engine(made)
    ask(engine)

    async def run() -> None:
        program()

    run_to_the_end(run_pulumi_func(run))
    return {
        name: {**request, "outputs": engine.outputs.get(name)}
        for name, request in engine.requests.items()
    }
