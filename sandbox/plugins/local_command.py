"""`command.local.Command`: a program on this machine, as pulumi-command 1.2 runs it."""

import os
import subprocess
from typing import Any

from sandbox.plugins.any_command import AnyCommand, previous_output
from sandbox.plugins.base import Call, Failure, PluginError
from sandbox.plugins.values import UNKNOWN, Properties, reveal

_TEXTS = ("create", "update", "delete", "stdin", "dir", "logging")
_LISTS = ("interpreter", "triggers")
_INPUTS = {*_TEXTS, *_LISTS, "environment", "addPreviousOutputInEnv"}
"""What it takes here; `assetPaths` and `archivePaths` of the official one are left out."""
_SHELL = ["/bin/sh", "-c"]


class LocalCommand(AnyCommand):
    """A program on this machine; a failure leaves the state as it was."""

    def check(self, news: Properties) -> tuple[Properties, list[Failure]]:
        given = reveal(news)
        wrong = [(n, "is no input of a local command") for n in given.keys() - _INPUTS]
        for names, kind, said in ((_TEXTS, str, "a string"), (_LISTS, list, "a list")):
            wrong += [(n, f"must be {said}") for n in names if not _is(given.get(n), kind)]
        if not _is(given.get("environment"), dict):
            wrong.append(("environment", "must be an object of strings"))
        failures = [Failure(property=n, reason=f"{n} {why}") for n, why in wrong]
        return {"addPreviousOutputInEnv": True, **news}, failures

    def run(self, call: Call, operation: str, state: Properties) -> Properties:
        # Only here, because it takes what a preview does not need.
        from sandbox.plugins.remote_run import go_quoted

        given = reveal(state)
        command = given.get(operation)
        if command is None:
            return state
        environment = {**os.environ, **(given.get("environment") or {}), **previous_output(given)}
        try:
            ended = subprocess.run(
                [*(given.get("interpreter") or _SHELL), command],
                cwd=given.get("dir"),
                env=environment,
                input=given.get("stdin") or "",
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise PluginError(f"{error}: running {go_quoted(command)}:\n") from None
        if ended.returncode:
            # The official one has both streams in the order in which they came.
            printed = ended.stdout + ended.stderr
            raise PluginError(
                f"exit status {ended.returncode}: running {go_quoted(command)}:\n{printed}"
            )
        printed = {"stdout": ended.stdout, "stderr": ended.stderr}
        return {**state, **{name: text.removesuffix("\n") for name, text in printed.items()}}


def _is(value: Any, kind: type) -> bool:
    return value is None or value is UNKNOWN or isinstance(value, kind)
