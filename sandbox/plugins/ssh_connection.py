"""Connections as the command plugin makes them: retries, a pinned host key, a jump host.

The rules are those of pulumi-command's `remote/connection.go`.
"""

import base64
import functools
import io
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import paramiko
from paramiko.agent import AgentSSH
from paramiko.common import MSG_CHANNEL_FAILURE, cMSG_CHANNEL_REQUEST

from sandbox.plugins.base import Log, PluginError
from sandbox.plugins.values import Properties

_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 5.0
_SILENT_SERVER_SECONDS = 3600.0
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")

_Result = TypeVar("_Result")


class _AskedAgent(AgentSSH):
    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
        except OSError as error:
            raise PluginError(f"dial unix {path}: connect: {_reason(error)}") from None
        self._connect(connection)  # type: ignore[attr-defined]


class _Transport(paramiko.Transport):
    """A transport on which a refused request leaves its channel open, as RFC 4254 has it."""

    _channel_handler_table: ClassVar[Any] = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]
        MSG_CHANNEL_FAILURE: lambda channel, _: channel.event.set(),
    }


@dataclass(frozen=True, kw_only=True)
class _Credentials:
    key: paramiko.PKey | None
    password: str | None
    agent: _AskedAgent | None


def connect(connection: Properties, log: Log, cancelled: threading.Event) -> paramiko.Transport:
    """Opens an authenticated connection, through the jump host if there is one.

    Raises:
        PluginError: a key cannot be read, the agent's socket is dead, the update was cancelled,
            or one attempt more than `dialErrorLimit` failed (-1: no limit).
    """
    dialer = _Dialer(log=log, cancelled=cancelled)
    credentials = _credentials(connection)
    limit, proxy = connection["dialErrorLimit"], connection.get("proxy")
    if proxy is None:
        return dialer.retry(
            "Dial", limit, lambda: _handshake(_tcp(connection), connection, credentials)
        )
    try:
        return _connect_from(proxy, dialer, connection, credentials)
    except PluginError as error:
        raise PluginError(f"proxy: {error}") from None


def _connect_from(
    proxy: Properties, dialer: "_Dialer", connection: Properties, credentials: "_Credentials"
) -> paramiko.Transport:
    """What fails here counts as the proxy's, the server's own answer too."""
    jump_credentials = _credentials(proxy)
    limit = connection["dialErrorLimit"]
    jump = dialer.retry(
        "Dial proxy",
        proxy["dialErrorLimit"],
        lambda: _handshake(_tcp(proxy), proxy, jump_credentials),
    )
    stream = dialer.retry("Dial from proxy", limit, lambda: _tcp_from(jump, connection))
    return dialer.retry("Dial", limit, lambda: _handshake(stream, connection, credentials))


def set_environment(channel: Any, name: str, value: str) -> bool:
    """Asks the server to set a variable; False if it refuses, as sshd does without AcceptEnv."""
    message = paramiko.Message()
    message.add_byte(cMSG_CHANNEL_REQUEST)
    message.add_int(channel.remote_chanid)
    message.add_string("env")
    message.add_boolean(True)
    message.add_string(name)
    message.add_string(value)
    channel._event_pending()
    channel.transport._send_user_message(message)
    channel.event.wait()
    if channel.closed:
        raise PluginError("ssh: the connection ended while an environment variable was set")
    return bool(channel.event_ready)


@dataclass(frozen=True, kw_only=True)
class _Dialer:
    log: Log
    cancelled: threading.Event

    def retry(self, what: str, limit: int, attempt: Callable[[], _Result]) -> _Result:
        delay = _FIRST_DELAY_SECONDS
        dials = 0
        while True:
            try:
                return attempt()
            except (OSError, EOFError, paramiko.SSHException, PluginError) as error:
                dials += 1
                if -1 < limit < dials:
                    # `dialWithRetry` counts its tries from 0 and prints the last one's number.
                    text = f"after {dials - 1} failed attempts: {error}"
                    raise PluginError(text) from None
            shown = "inf" if limit == -1 else str(limit)
            self.log.status(f"{what} {dials}/{shown} failed: retrying")
            if self.cancelled.wait(delay):
                raise PluginError("context canceled")
            delay = min(delay * 1.5, _LONGEST_DELAY_SECONDS)


def _tcp(connection: Properties) -> socket.socket:
    host, port = connection["host"], int(connection["port"])
    try:
        return socket.create_connection((host, port), connection["perDialTimeout"] or None)
    except TimeoutError:
        raise PluginError(f"dial tcp {host}:{port}: i/o timeout") from None
    except OSError as error:
        raise PluginError(f"dial tcp {host}:{port}: connect: {_reason(error)}") from None


def _tcp_from(jump: paramiko.Transport, connection: Properties) -> paramiko.Channel:
    address = (connection["host"], int(connection["port"]))
    try:
        return jump.open_channel("direct-tcpip", address, ("127.0.0.1", 0))
    except paramiko.ChannelException as error:
        raise PluginError(f"ssh: rejected: {error.text.lower()}") from None


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _handshake(
    stream: socket.socket | paramiko.Channel, connection: Properties, credentials: _Credentials
) -> paramiko.Transport:
    transport = _Transport(stream)
    transport.banner_timeout = _SILENT_SERVER_SECONDS
    transport.handshake_timeout = _SILENT_SERVER_SECONDS
    transport.auth_timeout = _SILENT_SERVER_SECONDS
    try:
        pinned = connection.get("hostKey")
        if pinned is not None:
            kind, content = _host_key(pinned)
            transport.get_security_options().key_types = (
                _RSA_SIGNATURES if kind == "ssh-rsa" else (kind,)
            )
        transport.start_client()
        if pinned is not None and transport.get_remote_server_key().asbytes() != content:
            raise PluginError("ssh: handshake failed: ssh: host key mismatch")
        _authenticate(transport, connection["user"], credentials)
    except (EOFError, OSError, paramiko.SSHException) as error:
        transport.close()
        raise PluginError(f"ssh: handshake failed: {error or 'EOF'}") from None
    except PluginError:
        transport.close()
        raise
    return transport


def _host_key(line: str) -> tuple[str, bytes]:
    try:
        kind, text = line.split()[:2]
        return kind, base64.b64decode(text, validate=True)
    except ValueError:
        raise PluginError(
            "failed to parse host key: hostKey must be one line such as 'ssh-ed25519 AAAA…'"
        ) from None


def _credentials(connection: Properties) -> _Credentials:
    text = connection.get("privateKey")
    path = connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK")
    return _Credentials(
        key=None if text is None else _private_key(text, connection.get("privateKeyPassword")),
        password=connection.get("password"),
        agent=_AskedAgent(path) if path else None,
    )


def _private_key(text: str, password: str | None) -> paramiko.PKey:
    kinds: tuple[Any, ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
    for kind in kinds:
        try:
            key: paramiko.PKey = kind.from_private_key(io.StringIO(text), password)
        except paramiko.PasswordRequiredException:
            raise PluginError("ssh: this private key is passphrase protected") from None
        except (paramiko.SSHException, ValueError, IndexError):
            continue
        return key
    raise PluginError("ssh: no key found: privateKey is not a private key that can be read")


def _authenticate(transport: paramiko.Transport, user: str, credentials: _Credentials) -> None:
    """One method of each kind: the agent is not asked when there is a private key."""
    tried = ["none"]
    attempts: list[tuple[str, Callable[[], Any]]] = []
    password = credentials.password
    key = credentials.key
    if key is not None:
        attempts.append(("publickey", lambda: transport.auth_publickey(user, key)))
    if password is not None:
        attempts.append(
            ("password", lambda: transport.auth_password(user, password, fallback=False))
        )
        attempts.append(
            (
                "keyboard-interactive",
                lambda: transport.auth_interactive(user, lambda *asked: [password] * len(asked[2])),
            )
        )
    if key is None and credentials.agent is not None:
        attempts.extend(
            ("publickey", functools.partial(transport.auth_publickey, user, offered))
            for offered in credentials.agent.get_keys()
        )
    for method, attempt in attempts:
        if method not in tried:
            tried.append(method)
        try:
            attempt()
        except paramiko.AuthenticationException:
            continue
        if transport.is_authenticated():
            return
    raise PluginError(
        "ssh: handshake failed: ssh: unable to authenticate, attempted methods "
        f"[{' '.join(tried)}], no supported methods remain"
    )
