"""The plugin protocol: a gRPC server that Pulumi starts, talks to and ends."""

import json
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import empty_pb2

from sandbox.plugin_version import plugin_version
from sandbox.plugins.values import Properties, decode, encode, reveal
from sandbox.plugins.wire import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
)

_PARALLEL_CALLS = 64
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class PluginError(Exception):
    """An operation failed; the text is what `pulumi up` shows for the resource."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A property that may not be as it is; shown before anything is done."""

    property: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """The properties that differ, and those among them that need a new resource."""

    diffs: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a read gave; the inputs are those that would make this state."""

    id: str
    state: Properties
    inputs: Properties


class Log:
    """Messages to the engine about one resource."""

    def __init__(self, engine: engine_pb2_grpc.EngineStub | None, urn: str) -> None:
        self._engine = engine
        self._urn = urn

    def status(self, message: str) -> None:
        """Shows a line next to the resource while the operation runs."""
        self._send(engine_pb2.INFO, message, ephemeral=True)

    def warning(self, message: str) -> None:
        """Shows a warning that stays in the output of the update."""
        self._send(engine_pb2.WARNING, message, ephemeral=False)

    def _send(
        self, severity: engine_pb2.LogSeverity.ValueType, message: str, *, ephemeral: bool
    ) -> None:
        if self._engine is not None:
            self._engine.Log(
                engine_pb2.LogRequest(
                    severity=severity, message=message, urn=self._urn, ephemeral=ephemeral
                )
            )


@dataclass(frozen=True, kw_only=True)
class Call:
    """Circumstances of one operation: whose it is, and whether it is only a preview."""

    name: str
    preview: bool
    cancelled: threading.Event
    log: Log


class Resource(ABC):
    """One resource type. Properties keep their secret marks in both directions."""

    def check(self, news: Properties) -> tuple[Properties, list[Failure]]:
        """Inputs with defaults filled in, and what is wrong with them."""
        return news, []

    @abstractmethod
    def diff(self, state: Properties, old_inputs: Properties, news: Properties) -> Change:
        """What an update would change."""

    @abstractmethod
    def create(self, call: Call, news: Properties) -> tuple[str, Properties]:
        """Makes the resource and gives its id and state; in a preview the id is not used.

        Raises:
            PluginError: it was not made; nothing is recorded in the stack's state.
        """

    def read(self, call: Call, found: Found) -> Found | None:
        """The resource as it is now; None if it is gone. By default what was recorded."""
        return found

    @abstractmethod
    def update(
        self, call: Call, id: str, state: Properties, old_inputs: Properties, news: Properties
    ) -> Properties:
        """Changes the resource in place and gives its new state.

        Raises:
            PluginError: the old state stays recorded, so that the next update tries again.
        """

    @abstractmethod
    def delete(self, call: Call, id: str, state: Properties) -> None:
        """Removes the resource.

        Raises:
            PluginError: it stays recorded in the stack's state.
        """


Invocation = Callable[[Call, Properties], Properties]


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """A plugin: resource types and functions by their tokens, under the package's name."""

    def __init__(
        self,
        name: str,
        resources: Mapping[str, Resource],
        invokes: Mapping[str, Invocation] | None = None,
    ) -> None:
        self.name = name
        self._resources = resources
        self._invokes = invokes or {}
        self._cancelled = threading.Event()
        self._engine: engine_pb2_grpc.EngineStub | None = None

    def check_config(self, config: Properties) -> list[Failure]:
        """What is wrong with the provider's settings."""
        return []

    def configure(self, config: Properties) -> None:
        """Takes the provider's settings, without secret marks."""

    def attach(self, engine_address: str) -> None:
        """Sends messages to the engine at host:port from now on."""
        channel = grpc.insecure_channel(engine_address, options=_UNLIMITED)
        self._engine = engine_pb2_grpc.EngineStub(channel)

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=plugin_version(self.name))

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        schema = {"name": self.name, "version": plugin_version(self.name)}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        failures = self.check_config(reveal(decode(request.news)))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    def DiffConfig(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_UNKNOWN)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        config: Properties = {
            name.rpartition(":")[2]: value for name, value in request.variables.items()
        }
        config.update(reveal(decode(request.args)))
        with _reported(context):
            self.configure(config)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, acceptResources=True, supportsPreview=True
        )

    def Check(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        with _reported(context):
            inputs, failures = self._resource(request.urn).check(decode(request.news))
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=_failures(failures))

    def Diff(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        with _reported(context):
            change = self._resource(request.urn).diff(
                decode(request.olds), decode(request.old_inputs), decode(request.news)
            )
        kept = [name for name in change.diffs if name not in request.ignoreChanges]
        return provider_pb2.DiffResponse(
            changes=(
                provider_pb2.DiffResponse.DIFF_SOME if kept else provider_pb2.DiffResponse.DIFF_NONE
            ),
            diffs=kept,
            replaces=[name for name in change.replaces if name in kept],
        )

    def Create(
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        with _reported(context):
            id, state = self._resource(request.urn).create(
                self._call(request.urn, preview=request.preview), decode(request.properties)
            )
        return provider_pb2.CreateResponse(
            id="" if request.preview else id, properties=encode(state)
        )

    def Read(
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        recorded = Found(
            id=request.id, state=decode(request.properties), inputs=decode(request.inputs)
        )
        with _reported(context):
            found = self._resource(request.urn).read(self._call(request.urn), recorded)
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=found.id, properties=encode(found.state), inputs=encode(found.inputs)
        )

    def Update(
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        with _reported(context):
            state = self._resource(request.urn).update(
                self._call(request.urn, preview=request.preview),
                request.id,
                decode(request.olds),
                decode(request.old_inputs),
                decode(request.news),
            )
        return provider_pb2.UpdateResponse(properties=encode(state))

    def Delete(
        self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        with _reported(context):
            self._resource(request.urn).delete(
                self._call(request.urn), request.id, decode(request.properties)
            )
        return empty_pb2.Empty()

    def Invoke(
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        with _reported(context):
            if request.tok not in self._invokes:
                raise PluginError(f"The stand-in plugin {self.name} has no function {request.tok}.")
            result = self._invokes[request.tok](self._call(""), reveal(decode(request.args)))
        return provider_pb2.InvokeResponse(**{"return": encode(result)})

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self._cancelled.set()
        return empty_pb2.Empty()

    def _resource(self, urn: str) -> Resource:
        token = urn.split("::", 3)[2].rpartition("$")[2]
        if token not in self._resources:
            raise PluginError(f"The stand-in plugin {self.name} has no resource type {token}.")
        return self._resources[token]

    def _call(self, urn: str, *, preview: bool = False) -> Call:
        return Call(
            name=urn.split("::", 3)[-1],
            preview=preview,
            cancelled=self._cancelled,
            log=Log(self._engine, urn),
        )


@contextmanager
def _reported(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except PluginError as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _failures(failures: list[Failure]) -> list[provider_pb2.CheckFailure]:
    return [provider_pb2.CheckFailure(property=f.property, reason=f.reason) for f in failures]


def serve(provider: Provider) -> None:
    """Runs the plugin until SIGINT or SIGTERM; its port is the first line of standard output."""
    if len(sys.argv) > 1:
        provider.attach(sys.argv[1])
    server = grpc.server(ThreadPoolExecutor(max_workers=_PARALLEL_CALLS), options=_UNLIMITED)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop(None))
    print(port, flush=True)
    server.wait_for_termination()
