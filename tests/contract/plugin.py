"""A plugin of Pulumi's, driven as the engine drives it, against the sandbox's Cloudflare."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pulumi  # noqa: F401  # before `wire`, which takes its messages without it where it is not there yet

from sandbox.plugins.values import Properties, decode, encode, reveal
from sandbox.plugins.wire import provider_pb2, provider_pb2_grpc
from tests.conftest import ROOT
from tests.sandbox.zero_trust import TOKEN, ZeroTrust

STAND_IN = (sys.executable, "-m", "sandbox.plugins.cloudflare")
_BRIDGES_OWN = ("__meta", "__pulumi_raw_state_delta")
_UNLIMITED = [("grpc.max_receive_message_length", -1)]


@dataclass(frozen=True)
class Made:
    """A resource as the engine knows it: secrets are shown, what only the official plugin keeps for itself is not."""

    id: str
    state: Properties
    inputs: Properties
    raw: Properties

    def shown(self) -> Properties:
        return reveal({n: v for n, v in self.state.items() if n not in _BRIDGES_OWN})  # type: ignore[no-any-return]


class Refused(Exception):
    """The plugin has refused; the text is what `pulumi up` shows."""


class Plugin:
    """A running plugin, for resources of one type each call."""

    def __init__(self, program: subprocess.Popen[bytes], port: int, settings: Properties) -> None:
        self._program = program
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=_UNLIMITED)
        self._stub = provider_pb2_grpc.ResourceProviderStub(channel)
        variables = {f"cloudflare:config:{name}": value for name, value in settings.items()}
        self._stub.Configure(
            provider_pb2.ConfigureRequest(
                args=encode(settings), variables=variables, acceptSecrets=True, acceptResources=True
            )
        )

    def check(self, type: str, inputs: Properties) -> list[str]:
        """What is wrong with inputs; without where that is, which the official one says too."""
        answer = self._stub.Check(
            provider_pb2.CheckRequest(urn=_urn(type), news=encode(inputs), randomSeed=b"s" * 32)
        )
        return sorted(each.reason.partition(" Examine values at ")[0] for each in answer.failures)

    def preview(self, type: str, inputs: Properties) -> Properties:
        """What a preview shows of a new resource."""
        answer = self._create(type, inputs, preview=True)
        return decode(answer.properties)

    def create(self, type: str, inputs: Properties) -> Made:
        answer = self._create(type, inputs, preview=False)
        state = decode(answer.properties)
        return Made(answer.id, state, inputs, state)

    def diff(self, type: str, made: Made, inputs: Properties) -> tuple[list[str], list[str]]:
        """The properties that differ, and those that ask for another resource."""
        answer = self._stub.Diff(
            provider_pb2.DiffRequest(
                urn=_urn(type),
                id=made.id,
                olds=encode(made.raw),
                old_inputs=encode(made.inputs),
                news=encode(inputs),
            )
        )
        return sorted(answer.diffs), sorted(answer.replaces)

    def update(self, type: str, made: Made, inputs: Properties, *, preview: bool = False) -> Made:
        with _told():
            answer = self._stub.Update(
                provider_pb2.UpdateRequest(
                    urn=_urn(type),
                    id=made.id,
                    olds=encode(made.raw),
                    old_inputs=encode(made.inputs),
                    news=encode(inputs),
                    preview=preview,
                )
            )
        state = decode(answer.properties)
        return Made(made.id, state, inputs, state)

    def read(self, type: str, made: Made) -> Made | None:
        """The resource after a refresh; None when it is gone."""
        answer = self._read(type, made.id, made.raw, made.inputs)
        if not answer.id:
            return None
        state = decode(answer.properties)
        return Made(answer.id, state, decode(answer.inputs), state)

    def imported(self, type: str, id: str) -> Made:
        answer = self._read(type, id, {}, {})
        state = decode(answer.properties)
        return Made(answer.id, state, decode(answer.inputs), state)

    def delete(self, type: str, made: Made) -> None:
        with _told():
            self._stub.Delete(
                provider_pb2.DeleteRequest(urn=_urn(type), id=made.id, properties=encode(made.raw))
            )

    def _create(self, type: str, inputs: Properties, *, preview: bool) -> Any:
        with _told():
            return self._stub.Create(
                provider_pb2.CreateRequest(
                    urn=_urn(type), properties=encode(inputs), preview=preview
                )
            )

    def _read(self, type: str, id: str, state: Properties, inputs: Properties) -> Any:
        with _told():
            return self._stub.Read(
                provider_pb2.ReadRequest(
                    urn=_urn(type), id=id, properties=encode(state), inputs=encode(inputs)
                )
            )


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        raise Refused(error.details()) from None


def _urn(type: str) -> str:
    """A type of the cloudflare plugin by its name, any other by its token."""
    if ":" in type:
        return f"urn:pulumi:stack::project::{type}::n"
    module = type[0].lower() + type[1:]
    return f"urn:pulumi:stack::project::cloudflare:index/{module}:{type}::n"


@contextlib.contextmanager
def started(words: Sequence[str], settings: Properties) -> Iterator[Plugin]:
    """A plugin as long as the context lasts."""
    with subprocess.Popen(words, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield Plugin(process, int(process.stdout.readline()), settings)
        finally:
            process.kill()


@contextlib.contextmanager
def running(program: Path | None, account: ZeroTrust) -> Iterator[Plugin]:
    """The official plugin, or the stand-in where it is None."""
    settings = {"baseUrl": account.addresses["api_url"], "apiToken": TOKEN}
    with started([str(program)] if program else STAND_IN, settings) as plugin:
        yield plugin


def sent(account: ZeroTrust) -> list[tuple[str, str, Any]]:
    """What was asked of Access since the last time: method, path and body; one question twice counts once."""
    found: list[tuple[str, str, Any]] = []
    for entry in account.control("GET", "/requests"):
        request = (entry["method"], entry["path"].partition("/access/")[2], entry["body"])
        if request not in found[-1:]:
            found.append(request)
    account.control("DELETE", "/requests")
    return found
