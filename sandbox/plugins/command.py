"""Stand-in for the command plugin: `command.remote.Command` over real SSH, and `command.local.Command`.

Semantics are those of pulumi-command 1.2, with what surprises: every changed input but `triggers`
runs `update` (or `create`) again, a failed create leaves nothing in the state, and `delete` runs
with the connection and the input that were recorded.
"""

from sandbox.plugins.any_command import AnyCommand, previous_output
from sandbox.plugins.base import Call, Failure, Provider, serve
from sandbox.plugins.command_inputs import LOGGED, failures, with_defaults
from sandbox.plugins.local_command import LocalCommand
from sandbox.plugins.values import UNKNOWN, Properties, Secret, reveal


class Command(AnyCommand):
    """`command.remote.Command`. Its connections stay open until the plugin ends."""

    def __init__(self) -> None:
        self._connections: list[object] = []

    def check(self, news: Properties) -> tuple[Properties, list[Failure]]:
        inputs = {"addPreviousOutputInEnv": True, **news}
        inputs["connection"] = with_defaults(news.get("connection"))
        problems = failures(reveal(inputs))
        return {name: _passed_on(value) for name, value in inputs.items()}, problems

    def run(self, call: Call, operation: str, state: Properties) -> Properties:
        if state.get(operation) is None:
            return state
        # Only here, because SSH takes a while to import and a preview needs none.
        from sandbox.plugins.remote_run import run
        from sandbox.plugins.ssh_connection import connect

        given = reveal(state)
        connection = with_defaults(given["connection"])
        transport = connect(connection, call.log, call.cancelled)
        self._connections.append(transport)
        output = run(
            transport,
            given[operation],
            stdin=given.get("stdin") or "",
            environment=given.get("environment") or {},
            previous=previous_output(given),
            logged=LOGGED[given.get("logging") or "stdoutAndStderr"],
            log=call.log,
        )
        return {**state, "stdout": output.stdout, "stderr": output.stderr}


def _passed_on(value: object) -> object:
    """What pulumi-go-provider makes of an input: a secret that is not known yet comes back as an empty one."""
    return Secret("") if value == Secret(UNKNOWN) else value


if __name__ == "__main__":
    commands = {"command:remote:Command": Command(), "command:local:Command": LocalCommand()}
    serve(Provider("command", commands))
