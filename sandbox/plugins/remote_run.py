"""One command on a server: environment, standard input, captured and logged output.

The rules are those of pulumi-command's `remote/commandOutputs.go`.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import paramiko

from sandbox.plugins.base import Log, PluginError
from sandbox.plugins.ssh_connection import set_environment

_LONGEST_LINE_BYTES = 65_536
_CHUNK_BYTES = 32_768
_REFUSED = (
    "Unable to set '{}' environment variable. This only works if your SSH server is configured to "
    "accept these variables via AcceptEnv."
)


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a command printed, each without its last line break."""

    stdout: str
    stderr: str


def run(
    transport: paramiko.Transport,
    command: str,
    *,
    stdin: str,
    environment: Mapping[str, str],
    previous: Mapping[str, str],
    logged: tuple[str, ...],
    log: Log,
) -> Output:
    """Runs a command in the user's login shell and waits for its end.

    Raises:
        PluginError: the server refuses an environment variable, the command fails, its standard
            input is not taken, or a logged line is so long that the official plugin would hang.
    """
    session = transport.open_session()
    for name, value in environment.items():
        if not set_environment(session, name, value):
            raise PluginError(f"could not set environment variable {name}: ssh: setenv failed")
    for name, value in previous.items():
        if not set_environment(session, name, value):
            log.warning(_REFUSED.format(name))
    session.exec_command(command)
    return _Running(session, command, logged, log).finish(stdin)


class _Running:
    def __init__(
        self, session: paramiko.Channel, command: str, logged: tuple[str, ...], log: Log
    ) -> None:
        self._session = session
        self._command = command
        self._logged = logged
        self._log = log
        self._merged = bytearray()
        self._lock = threading.Lock()
        self._too_long = False
        self._stdin_refused = False

    def finish(self, stdin: str) -> Output:
        captured = {"stdout": bytearray(), "stderr": bytearray()}
        receive = {"stdout": self._session.recv, "stderr": self._session.recv_stderr}
        workers = [
            threading.Thread(target=self._capture, args=(name, receive[name], captured[name]))
            for name in captured
        ]
        workers.append(threading.Thread(target=self._feed, args=(stdin.encode(),)))
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        status = self._session.recv_exit_status()
        self._session.close()
        if status != 0:
            self._fail(
                "wait: remote command exited without exit status or exit signal"
                if status == -1
                else f"Process exited with status {status}"
            )
        if self._stdin_refused:
            self._fail("EOF")
        if self._too_long:
            self._fail(
                f"a logged line has {_LONGEST_LINE_BYTES} bytes or more, on which the official "
                "plugin hangs; print shorter lines or set logging to none"
            )
        texts = {name: _text(content).removesuffix("\n") for name, content in captured.items()}
        return Output(**texts)

    def _capture(self, name: str, receive: Callable[[int], bytes], content: bytearray) -> None:
        line = bytearray()
        while chunk := receive(_CHUNK_BYTES):
            content += chunk
            with self._lock:
                self._merged += chunk
            if name in self._logged:
                line += chunk
                *complete, rest = line.split(b"\n")
                for text in complete:
                    self._show(text)
                line = rest
                self._too_long |= len(line) >= _LONGEST_LINE_BYTES
        if line:
            self._show(line)

    def _show(self, line: bytearray) -> None:
        self._too_long |= len(line) >= _LONGEST_LINE_BYTES
        self._log.status(_text(line).removesuffix("\r"))

    def _feed(self, content: bytes) -> None:
        try:
            if content:
                self._session.sendall(content)
            self._session.shutdown_write()
        except OSError:
            self._stdin_refused = bool(content)

    def _fail(self, reason: str) -> None:
        raise PluginError(f"{reason}: running {go_quoted(self._command)}:\n{_text(self._merged)}")


def _text(content: bytearray) -> str:
    return content.decode(errors="replace")


_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def go_quoted(text: str) -> str:
    """A text as Go's `%q` writes it."""
    return f'"{"".join(_go_escaped(character) for character in text)}"'


def _go_escaped(character: str) -> str:
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
