"""What `command.remote.Command` and `command.local.Command` have in common."""

import secrets
from abc import abstractmethod

from sandbox.plugins.base import Call, Change, Resource
from sandbox.plugins.values import UNKNOWN, Properties, changed


class AnyCommand(Resource):
    """Runs on create and on every change; `triggers` replace it, and a preview runs nothing."""

    @abstractmethod
    def run(self, call: Call, operation: str, state: Properties) -> Properties:
        """The state with the output of the operation's command, of which there may be none.

        Raises:
            PluginError: it failed.
        """

    def diff(self, state: Properties, old_inputs: Properties, news: Properties) -> Change:
        names = changed(old_inputs, news)
        return Change(diffs=names, replaces=tuple(n for n in names if n == "triggers"))

    def create(self, call: Call, news: Properties) -> tuple[str, Properties]:
        if call.preview:
            return "", {**news, "stdout": UNKNOWN, "stderr": UNKNOWN}
        made = self.run(call, "create", {**news, "stdout": "", "stderr": ""})
        return call.name + secrets.token_hex(4), made

    def update(
        self, call: Call, id: str, state: Properties, old_inputs: Properties, news: Properties
    ) -> Properties:
        if call.preview:
            return {**news, "stdout": UNKNOWN, "stderr": UNKNOWN}
        kept = {name: state.get(name, "") for name in ("stdout", "stderr")}
        operation = "create" if news.get("update") is None else "update"
        return self.run(call, operation, {**news, **kept})

    def delete(self, call: Call, id: str, state: Properties) -> None:
        self.run(call, "delete", state)


def previous_output(given: Properties) -> dict[str, str]:
    """The variables that have the output of the run before, unless they are not wanted."""
    if given.get("addPreviousOutputInEnv") is False:
        return {}
    return {
        f"PULUMI_COMMAND_{name.upper()}": given[name]
        for name in ("stdout", "stderr")
        if given.get(name)
    }
