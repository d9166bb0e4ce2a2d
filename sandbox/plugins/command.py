"""Stand-in for the command plugin: `command.remote.Command` over real SSH, and `command.local.Command`.

Semantics are those of pulumi-command 1.2, with what surprises: every changed input but `triggers`
runs `update` (or `create`) again, a failed create leaves nothing in the state, and `delete` runs
with the connection and the input that were recorded.
"""

import secrets

from sandbox.plugins.base import Call, Change, Failure, Provider, Resource, serve
from sandbox.plugins.command_inputs import LOGGED, failures, with_defaults
from sandbox.plugins.local_command import LocalCommand
from sandbox.plugins.values import UNKNOWN, Properties, Secret, changed, reveal


class Command(Resource):
    """`command.remote.Command`. Its connections stay open until the plugin ends."""

    def __init__(self) -> None:
        self._connections: list[object] = []

    def check(self, news: Properties) -> tuple[Properties, list[Failure]]:
        inputs = {"addPreviousOutputInEnv": True, **news}
        inputs["connection"] = with_defaults(news.get("connection"))
        problems = failures(reveal(inputs))
        return {name: _passed_on(value) for name, value in inputs.items()}, problems

    def diff(self, state: Properties, old_inputs: Properties, news: Properties) -> Change:
        names = changed(old_inputs, news)
        return Change(diffs=names, replaces=tuple(n for n in names if n == "triggers"))

    def create(self, call: Call, news: Properties) -> tuple[str, Properties]:
        if call.preview:
            return "", {**news, "stdout": UNKNOWN, "stderr": UNKNOWN}
        state = {**news, "stdout": "", "stderr": ""}
        if news.get("create") is not None:
            state = self._run(call, "create", state)
        return call.name + secrets.token_hex(4), state

    def update(
        self, call: Call, id: str, state: Properties, old_inputs: Properties, news: Properties
    ) -> Properties:
        if call.preview:
            return {**news, "stdout": UNKNOWN, "stderr": UNKNOWN}
        state = {**news, "stdout": state.get("stdout", ""), "stderr": state.get("stderr", "")}
        for operation in ("update", "create"):
            if news.get(operation) is not None:
                return self._run(call, operation, state)
        return state

    def delete(self, call: Call, id: str, state: Properties) -> None:
        if state.get("delete") is not None:
            self._run(call, "delete", state)

    def _run(self, call: Call, operation: str, state: Properties) -> Properties:
        # Only here, because SSH takes a while to import and a preview needs none.
        from sandbox.plugins.remote_run import run
        from sandbox.plugins.ssh_connection import connect

        given = reveal(state)
        connection = with_defaults(given["connection"])
        transport = connect(connection, call.log, call.cancelled)
        self._connections.append(transport)
        previous = {}
        if given.get("addPreviousOutputInEnv") is not False:
            previous = {
                f"PULUMI_COMMAND_{name.upper()}": given[name]
                for name in ("stdout", "stderr")
                if given.get(name)
            }
        output = run(
            transport,
            given[operation],
            stdin=given.get("stdin") or "",
            environment=given.get("environment") or {},
            previous=previous,
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
