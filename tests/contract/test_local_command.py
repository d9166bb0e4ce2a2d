"""The official command plugin and the stand-in: programs on this machine."""

import sys
from collections.abc import Iterator

import pytest

from sandbox.plugins.values import UNKNOWN, Properties
from tests.contract.plugin import Plugin, Refused, started
from tests.real import official_plugin

LOCAL = "command:local:Command"
SHOWS: Properties = {
    "interpreter": ["/bin/sh", "-c", 'printf "%s|%s|%s|" "$0" "$A" "$PULUMI_COMMAND_STDOUT"; cat'],
    "create": "a title",
    "environment": {"A": "b"},
    "stdin": "in",
}
FAILS: Properties = {
    "interpreter": ["/bin/sh", "-c", "echo a site is down >&2; exit 3"],
    "create": 'ask "x"',
}


@pytest.fixture(params=["official", "stand-in"])
def plugin(request: pytest.FixtureRequest) -> Iterator[Plugin]:
    words = [sys.executable, "-m", "sandbox.plugins.command"]
    if request.param == "official":
        words = [str(official_plugin("command", "what local commands have in common"))]
    with started(words, {}) as plugin:
        yield plugin


def test_a_program_gets_its_input_and_what_it_printed_before(plugin: Plugin) -> None:
    preview = plugin.preview(LOCAL, SHOWS)
    made = plugin.create(LOCAL, SHOWS)
    changed = plugin.update(LOCAL, made, {**SHOWS, "stdin": "more"})

    assert preview["stdout"] is UNKNOWN
    assert made.shown()["stdout"] == "a title|b||in"
    assert changed.shown()["stdout"] == "a title|b|a title|b||in|more"


def test_every_change_runs_it_again_and_a_trigger_replaces(plugin: Plugin) -> None:
    made = plugin.create(LOCAL, SHOWS)

    assert plugin.diff(LOCAL, made, SHOWS) == ([], [])
    assert plugin.diff(LOCAL, made, {**SHOWS, "stdin": "x"}) == (["stdin"], [])
    assert plugin.diff(LOCAL, made, {**SHOWS, "triggers": ["x"]})[1] == ["triggers"]


def test_a_failure_shows_the_title_and_what_was_said(plugin: Plugin) -> None:
    with pytest.raises(Refused) as refused:
        plugin.create(LOCAL, FAILS)

    assert str(refused.value) == 'exit status 3: running "ask \\"x\\"":\na site is down\n'


def test_its_end_runs_nothing(plugin: Plugin) -> None:
    made = plugin.create(LOCAL, SHOWS)

    plugin.delete(LOCAL, made)
