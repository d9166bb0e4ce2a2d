"""The control stream of a connection: cloudflared calls, the edge answers, by Cap'n Proto's RPC.

The messages of the RPC are those of Cap'n Proto's `rpc.capnp`; interface and structs are those of cloudflared's
`tunnelrpc/`, by ids and ordinals alone.
"""

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from .capnp import Capability, Struct, Value, View, decode, encode, next_size

REGISTRATION_SERVER = 0xF71695EC7FE85497
_CALL, _RETURN, _BOOTSTRAP = 2, 3, 8
_RESULTS, _EXCEPTION = 0, 1
_SENDER_HOSTED = 1
_ERROR, _DETAILS = 0, 1


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What a connector says of itself and of one of its connections."""

    account_tag: str
    secret: bytes
    tunnel_id: bytes
    index: int
    connector_id: bytes
    version: str
    arch: str
    features: tuple[str, ...]
    replaces: bool
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a connection may not register, and what its connector is told to do."""

    cause: str
    retry_after_seconds: float = 0.0
    should_retry: bool = False


@dataclass(frozen=True, kw_only=True)
class Details:
    """What the edge says of a connection that it has registered."""

    id: bytes
    location: str
    remotely_managed: bool


class Registrar(Protocol):
    """What decides about registrations."""

    def register(self, registration: Registration) -> Details | Refusal | None:
        """Takes a connection in, or says why not; None for no answer."""

    def unregister(self) -> None:
        """The connector wants no new requests on the connection."""

    def configured(self, configuration: dict[str, Any]) -> None:
        """The connector tells which rules it has."""


class ControlStream:
    """Reads a connector's calls, in pieces as they come, and writes the answers."""

    def __init__(self, registrar: Registrar, write: Callable[[bytes], None]) -> None:
        self._registrar = registrar
        self._write = write
        self._unread = b""

    def feed(self, data: bytes) -> None:
        """Takes bytes of the stream.

        Raises:
            BadMessage: they are no RPC.
        """
        self._unread += data
        for message in self._messages():
            root = decode(message)
            kind, body = root.number(0, 2), root.struct(0)
            if kind == _BOOTSTRAP:
                self._return(body.number(0, 4), Capability(index=0), hosts=True)
            elif kind == _CALL:
                self._call(body)
            # What else there is (finish, release, abort at the end) asks for nothing.

    def _messages(self) -> Iterator[bytes]:
        while (size := next_size(self._unread)) is not None and size <= len(self._unread):
            message, self._unread = self._unread[:size], self._unread[size:]
            yield message

    def _call(self, call: View) -> None:
        """Answers a call; there is one object only, so its target need not be looked at."""
        question = call.number(0, 4)
        method = call.number(8, 8), call.number(4, 2)
        parameters = call.struct(1).struct(0)
        if method == (REGISTRATION_SERVER, 0):
            answer = self._registrar.register(_registration(parameters))
            if answer is not None:
                self._return(question, Struct(pointers=[_response(answer)]))
        elif method == (REGISTRATION_SERVER, 1):
            self._registrar.unregister()
            self._return(question, Struct())
        elif method == (REGISTRATION_SERVER, 2):
            self._registrar.configured(json.loads(parameters.data(0)))
            self._return(question, Struct())
        else:
            self._throw(question, f"no method {method[1]} of interface {method[0]:#x} here")

    def _return(self, question: int, content: Value, *, hosts: bool = False) -> None:
        hosted = Struct(data=struct.pack("<HHI", _SENDER_HOSTED, 0, 0), pointers=[None])
        payload = Struct(pointers=[content, [hosted] if hosts else None])
        self._send_return(question, _RESULTS, payload)

    def _throw(self, question: int, reason: str) -> None:
        self._send_return(question, _EXCEPTION, Struct(data=bytes(8), pointers=[reason]))

    def _send_return(self, question: int, outcome: int, result: Struct) -> None:
        body = Struct(data=struct.pack("<IHHQ", question, 0, outcome, 0), pointers=[result])
        self._write(encode(Struct(data=struct.pack("<HHI", _RETURN, 0, 0), pointers=[body])))


def _registration(parameters: View) -> Registration:
    auth, options = parameters.struct(0), parameters.struct(2)
    client = options.struct(0)
    return Registration(
        account_tag=auth.text(0),
        secret=auth.data(1),
        tunnel_id=parameters.data(1),
        index=parameters.number(0, 1),
        connector_id=client.data(0),
        features=tuple(sorted(client.texts(1))),
        version=client.text(2),
        arch=client.text(3),
        replaces=options.bit(0),
        attempts=options.number(2, 1),
    )


def _response(answer: Details | Refusal) -> Struct:
    if isinstance(answer, Refusal):
        nanoseconds = round(answer.retry_after_seconds * 1e9)
        data = struct.pack("<qQ", nanoseconds, answer.should_retry)
        return _tagged(_ERROR, Struct(data=data, pointers=[answer.cause]))
    data = struct.pack("<Q", answer.remotely_managed)
    return _tagged(_DETAILS, Struct(data=data, pointers=[answer.id, answer.location]))


def _tagged(tag: int, value: Struct) -> Struct:
    return Struct(data=struct.pack("<Q", tag), pointers=[value])
