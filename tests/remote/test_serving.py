"""In which order both programs take a new configuration, and what visitors are said to notice."""

from pathlib import Path

import pytest

from tests.remote.test_work import ACCEPT, LIVE, Server, systemctl

ONE = "only cloudflared here"
ROUTING = "argoweb:routing caddy"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def caddyfile(*sites: str) -> str:
    """Caddy's file with sites, each a hostname with a path or without."""
    blocks = []
    for site in sites:
        hostname, _, path = site.partition("/")
        chooses = f"\t\t@site {{\n\t\t\tpath_regexp path `^/{path}`\n\t\t}}\n" if path else ""
        blocks.append(f"http://{hostname}:8080 {{\n{chooses}}}\n")
    return "\n".join(blocks)


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        (["a.example.com"], ["a.example.com", "b.example.com"], "caddy"),
        (["a.example.com", "b.example.com"], ["a.example.com"], "argoWeb"),
        (["a.example.com"], ["a.example.com/x", "a.example.com"], "caddy"),
        (["a.example.com/x"], ["a.example.com/y"], "argoWeb"),
        (["a.example.com"], ["a.example.com"], "caddy"),
    ],
)
def test_caddy_has_a_site_when_cloudflared_sends_to_it_and_until_it_does_no_more(
    server: Server, before: list[str], after: list[str], first: str
) -> None:
    server.work("activate", {**LIVE, "argoWeb.caddy": caddyfile(*before)})
    server.calls()

    said, code = server.work(
        "activate", {**LIVE, "argoWeb.yml": "new\n", "argoWeb.caddy": caddyfile(*after) + "# new\n"}
    )

    assert code == 0, said
    units = [call.split()[2].removesuffix(".service") for call in server.calls()]
    assert units[0] == first
    assert set(units) == {"caddy", "argoWeb"}


@pytest.mark.parametrize(
    ("lines", "told", "untold"),
    [
        (["routing cloudflared"], [ONE, ROUTING], ["no request is lost"]),
        (["routing caddy"], [ONE], [ROUTING]),
        (
            ["routing cloudflared", "grace-period 45", "instance argoWeb-2.service 127.0.0.1:2"],
            ["no request is lost", "45 s", ROUTING],
            [ONE],
        ),
    ],
)
def test_the_plan_says_what_a_restart_costs(
    server: Server, lines: list[str], told: list[str], untold: list[str]
) -> None:
    said, code = server.work("activate", {**LIVE, "argoWeb.yml": "new\n"}, *lines)

    assert code == 0, said
    assert [text for text in told if text not in said] == []
    assert [text for text in untold if text in said] == []


def test_the_plan_says_what_it_costs_to_do_without_the_second_cloudflared(server: Server) -> None:
    server.work("activate", LIVE, "instance argoWeb-2.service 127.0.0.1:2")

    said, _ = server.work("activate", {**LIVE, "argoWeb.caddy": "new\n"})

    assert ONE in said


def test_a_change_of_caddys_costs_nothing(server: Server) -> None:
    said, _ = server.work("activate", {**LIVE, "argoWeb.caddy": "new\n"}, "routing cloudflared")

    assert "plan: reload caddy" in said
    assert ONE not in said
    assert ROUTING not in said


FAILS_FROM_THE_THIRD_ON = """#!/bin/bash
if [[ "$*" != *unwell* ]]; then exit 0; fi
echo asked >>$FOLDER/asked
(($(wc -l <$FOLDER/asked) < 3)) || [[ -e $FOLDER/mended ]]
"""
URL = "health-url http://unwell/"


def test_a_server_that_falls_ill_while_others_wait_goes_back_to_what_it_had(
    server: Server,
) -> None:
    server.stub("curl", FAILS_FROM_THE_THIRD_ON)

    said, code = server.work(
        "activate", {**LIVE, "argoWeb.caddy": "new\n"}, URL, "pause 60", "health-timeout 1"
    )

    assert code == 1
    assert "watching for 60 s before others follow" in said
    assert "http://unwell/ does not answer" in said
    assert server.live("argoWeb.caddy") == LIVE["argoWeb.caddy"]


def test_a_server_whose_answer_takes_the_whole_time_is_well(server: Server) -> None:
    server.stub("curl", "#!/bin/bash\nsleep 1.1\n")

    said, code = server.work("activate", {**LIVE, "argoWeb.caddy": "new\n"}, "health-timeout 1")

    assert code == 0, said
    assert server.live("argoWeb.caddy") == "new\n"


def test_others_wait_only_for_what_has_changed_something(server: Server) -> None:
    server.stub("curl", ACCEPT)

    said, code = server.work("activate", LIVE, URL, "pause 60")

    assert code == 0
    assert "watching" not in said
    said, code = server.work("activate", {**LIVE, "argoWeb.caddy": "new\n"}, URL, "pause 2")
    assert code == 0
    assert "watching for 2 s" in said


SITE = "health-site 127.0.0.1:8080 www.example.com http://127.0.0.1:8080/[a]"
ANSWERS_FROM_SOME_TIME_ON = """#!/bin/bash
if [[ "$*" != *--connect-to* ]]; then exit 0; fi
printf '%s\\n' "$@" >$FOLDER/words
echo asked >>$FOLDER/asked
if (($(wc -l <$FOLDER/asked) < FROM)); then echo 'curl: (22) 502' >&2; exit 22; fi
"""


def test_a_site_of_caddys_is_asked_by_its_hostname_at_caddys_address_until_it_answers(
    server: Server,
) -> None:
    server.stub("curl", ANSWERS_FROM_SOME_TIME_ON.replace("FROM", "3"))

    said, code = server.work("activate", {**LIVE, "argoWeb.caddy": "new\n"}, SITE)

    assert code == 0, said
    assert server.live("argoWeb.caddy") == "new\n"
    words = (server.folder / "words").read_text().splitlines()
    assert words[words.index("--connect-to") + 1] == "::127.0.0.1:8080"
    assert words[words.index("--header") + 1] == "Host: www.example.com"
    assert {"--insecure", "--globoff"} < {*words}
    assert words[-2:] == ["--", "http://127.0.0.1:8080/[a]"]


def test_a_site_that_caddy_does_not_answer_for_is_named_with_curls_words(server: Server) -> None:
    server.gives_up_soon()
    server.stub("curl", ANSWERS_FROM_SOME_TIME_ON.replace("FROM", "1000"))

    said, code = server.work("activate", {**LIVE, "argoWeb.caddy": "new\n"}, SITE)

    assert code == 1
    told = "Caddy at 127.0.0.1:8080 does not answer for www.example.com (http://127.0.0.1:8080/[a]): curl: (22) 502"
    assert told in said
    assert server.live("argoWeb.caddy") == LIVE["argoWeb.caddy"]


@pytest.mark.parametrize(
    ("fails", "told"),
    [("*", "has no connection to Cloudflare"), ("*unwell*", "http://unwell/ does not answer"), ("*--connect-to*", "Caddy at")],
)  # fmt: skip
def test_of_all_that_is_not_well_the_first_is_told(server: Server, fails: str, told: str) -> None:
    server.gives_up_soon()
    server.stub("curl", f'#!/bin/bash\nif [[ "$*" == {fails} ]]; then exit 22; fi\n')

    said, code = server.work("activate", {**LIVE, "argoWeb.caddy": "new\n"}, URL, URL, SITE, SITE)

    assert code == 1
    found = [line for line in said.splitlines() if line.endswith(("unconnected]", "origin-error]"))]
    assert found
    assert [it for it in found if not it.startswith("Not healthy") or told not in it] == []


RUNS = """#!/bin/bash
# What Caddy makes of its file, and runs too once it was restarted.
if [[ "$*" == *"/config/ --header"* && ! -e $FOLDER/restarted ]]; then echo '{"old":1}'; else echo '{"apps":{}}'; fi
"""


@pytest.mark.parametrize(
    ("option", "runs_it"), [("", True), (" --resume", True), (" --resume", False)]
)
def test_a_caddy_that_goes_on_with_what_it_had_is_restarted_and_fails_where_it_does_so_still(
    server: Server, option: str, runs_it: bool
) -> None:
    restart = f"touch $FOLDER/{'restarted' if runs_it else 'in-vain'}"
    text = systemctl().replace("/Caddyfile", f"/Caddyfile{option}")
    server.stub("systemctl", f'{text}if [[ $* == "restart caddy.service" ]]; then {restart}; fi\n')
    server.stub("systemd-run", RUNS)

    said, code = server.work("activate", {**LIVE, "argoWeb.caddy": "new\n"})

    assert "restarting caddy, which does not run what is live" in said
    assert ("caddy goes on with a configuration that is not the live one." in said) is not runs_it
    assert code == (not runs_it), said
    assert server.calls()[:2] == [
        "systemctl reload-or-restart caddy.service",
        "systemctl restart caddy.service",
    ]
    assert server.live("argoWeb.caddy") == ("new\n" if runs_it else LIVE["argoWeb.caddy"])
