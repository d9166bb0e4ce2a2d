"""How the units are restarted on a server, and what is told when they do not come up."""

import json
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.remote_programs import PARTS
from tests.remote.test_work import LIVE, ROTATED, Server, credentials, server, systemctl

__all__ = ["server"]

REMOTE = Path(__file__).resolve().parents[2] / "remote"
NEW = {**LIVE, "argoWeb.yml": "new yml\n"}
ACTIVATING = """#!/bin/bash
case "$*" in
  *InvocationID*)
    for unit in "${@:9}"; do
      printf '\\nLoadState=loaded\\nActiveState=activating\\nInvocationID=this\\n'
    done | tail -n +2
    ;;
  "restart argoWeb.service") exec sleep 60 ;;
esac
"""
REFUSED = """#!/bin/bash
if [[ $* == *_SYSTEMD_INVOCATION_ID=this* ]]; then
  for (( n = 0; n < COUNT; n++ )); do
    echo '2026-11-30T09:24:39Z ERR Register tunnel error from server side error="Unauthorized: Invalid tunnel secret" connIndex=0'
  done
fi
"""


def test_a_stop_may_take_as_long_as_systemd_lets_it_whatever_a_start_may_take(
    server: Server,
) -> None:
    text = systemctl().replace('case "$*" in', 'state() { if [[ -e $FOLDER/stopping ]]; then echo deactivating; else active "$1"; fi; }\ncase "$*" in', 1)  # fmt: skip
    text = text.replace('"$(active "$unit")"', '"$(state "$unit")"')
    slow = 'touch $FOLDER/stopping; sleep 6; rm $FOLDER/stopping; there "$2"'
    server.stub("systemctl", text.replace("  restart*|", f'  "restart argoWeb.service") {slow} ;;\n  restart*|'))  # fmt: skip

    said, code = server.work("activate", NEW, "health-timeout 4")

    assert code == 0, said
    assert said.count("waiting until argoWeb has stopped, which finishes what it answers") == 1
    assert server.live("argoWeb.yml") == "new yml\n"


@pytest.mark.parametrize(
    ("lines", "advice"),
    [
        ((), "Raise argoweb:tunnel.secretVersion by one."),
        (("tunnel-secret imported",), "Set argoweb:tunnelSecret to that of the tunnel."),
    ],
)
def test_a_wrong_secret_fails_in_seconds_with_its_reason(
    server: Server, lines: tuple[str, ...], advice: str
) -> None:
    server.stub("systemctl", ACTIVATING)
    server.stub("journalctl", REFUSED.replace("COUNT", "3"))
    began = time.monotonic()

    said, code = server.work("activate", NEW, "health-timeout 50", *lines)

    assert code == 1
    assert time.monotonic() - began < 30
    assert "has refused the tunnel's secret 3 times: Unauthorized: Invalid tunnel secret." in said
    assert advice in said


QUIC = """
2026-11-30T10:05:01Z ERR failed to serve tunnel connection error="control stream encountered a failure while serving" connIndex=0 event=0 ip=127.0.0.1
2026-11-30T10:05:01Z ERR Serve tunnel error error="control stream encountered a failure while serving" connIndex=0 event=0 ip=127.0.0.1
"""


@pytest.mark.parametrize(("times", "told"), [(5, True), (4, False)])
def test_a_wrong_secret_is_told_over_quic_too_where_cloudflared_does_not_say_why(
    server: Server, times: int, told: bool
) -> None:
    server.stub("systemctl", ACTIVATING)
    says = (
        f"if [[ $* == *_SYSTEMD_INVOCATION_ID=this* ]]; then cat <<'END'\n{QUIC * times}\nEND\nfi"
    )
    server.stub("journalctl", f"#!/bin/bash\n{says}\n")

    said, code = server.work("activate", NEW, "health-timeout 3")

    assert code == 1
    assert ("refused the tunnel's secret 5 times: over QUIC it does not say why" in said) == told
    assert ("did not end within 3 s." in said) != told


def test_a_secret_that_was_made_a_moment_ago_may_be_refused_some_times_more(
    server: Server,
) -> None:
    server.path("credentials").write_text(credentials("old"))
    server.stub("systemctl", ACTIVATING)
    server.stub("journalctl", REFUSED.replace("COUNT", "4"))

    said, _ = server.work("activate", ROTATED, "health-timeout 3")

    assert "systemctl restart argoWeb.service did not end within 3 s." in said
    assert "has refused" not in said


JOURNAL = """#!/bin/bash
if [[ $* != *"-u argoWeb.service"* ]]; then exit; fi
cat <<'END'
2026-11-30T09:00:00Z ERR Unable to reach the origin service error="dial tcp 127.0.0.1:3000" connIndex=0
2026-11-30T09:00:01Z ERR Unable to reach the origin service error="dial tcp 127.0.0.1:3000" connIndex=1
2026-11-30T09:00:01Z ERR Please try the following things to diagnose this issue: event=0
2026-11-30T09:00:01Z ERR   1. ensure that argotunnel.com is returning "origintunneld" service records. event=0
2026-11-30T09:00:01Z DBG Cookie: a-visitors-cookie
2026-11-30T09:00:02Z WRN ICMP proxy feature is disabled error="permission denied"
2026-11-30T09:00:02Z INF +------------+
2026-11-30T09:00:02Z INF |  ERROR: Allow outbound TCP on port 7844.  |
2026-11-30T09:00:02Z INF precheck component="UDP Connectivity" details="QUIC connection failed" status=fail
argoWeb.service: Main process exited, code=exited, status=1/FAILURE
END
for n in {1..40}; do echo "2026-11-30T09:00:03Z INF Retrying connection number$n"; done
"""


def test_of_a_journal_the_errors_come_first_each_once_and_nothing_of_the_pre_checks(
    server: Server,
) -> None:
    server.stub("journalctl", JOURNAL)
    server.stub("curl", "#!/bin/bash\nexit 1\n")
    server.gives_up_soon()

    said, code = server.work("activate", NEW)

    assert code == 1
    shown = said.partition("Errors of argoWeb.service:")[2].partition("going back")[0]
    errors, _, last = shown.partition("Last journal lines of argoWeb.service:")
    assert errors.count("Unable to reach the origin") == 1
    assert "status=1/FAILURE" in errors
    assert "ICMP" not in errors
    assert "number40" in last
    for noise in (
        "precheck",
        "Allow outbound",
        "argotunnel.com",
        "a-visitors-cookie",
        "Please try",
    ):
        assert noise not in said


def test_a_journal_is_shown_without_the_tunnels_secret(server: Server) -> None:
    secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQ="
    files = {**NEW, "credentials": credentials(secret)}
    server.path("credentials").write_text(files["credentials"])
    line = f"2026-11-30T09:00:00Z ERR cannot use {secret}"
    server.stub(
        "journalctl", f"#!/bin/bash\nif [[ $* == *argoWeb.service ]]; then echo '{line}'; fi\n"
    )
    server.stub("curl", "#!/bin/bash\nexit 1\n")
    server.gives_up_soon()

    said, code = server.work("activate", files)

    assert code == 1
    assert "ERR cannot use [secret]" in said
    assert secret not in said


def builds(server: Server, cloudflared: Path, caddy: str, caddys_answer: str) -> None:
    """The validation builds a system with these programs, and asks Caddy, which answers with what a shell script prints."""
    units = server.folder / "systems/new/etc/systemd/system"
    units.mkdir(parents=True)
    text = f"[Service]\nExecStart={cloudflared} --config {server.config}/argoWeb.yml tunnel run\n"
    (units / "argoWeb.service").write_text(text)
    (units / "argoWeb-recover.service").touch()
    (units / "caddy.service").write_text(f"[Service]\nExecStart={caddy}\nExecReload={caddy}\n")
    (server.stubs / "unshare").unlink()
    server.stub("nixos-rebuild", "#!/bin/bash\nln -sfn $FOLDER/systems/new result\n")
    server.stub("systemd-run", f"#!/bin/bash\n{caddys_answer}\n")
    own = f'  "cat -- argoWeb.service") echo "ExecStart={cloudflared}" ;;\n  is-active*)'
    server.stub("systemctl", systemctl().replace("  is-active*)", own))


@pytest.fixture
def cloudflared(server: Server) -> Path:
    """A program that says which version it is: the one in the file beside it."""
    program = server.folder / "cloudflared"
    program.write_text('#!/bin/bash\necho "cloudflared version $(cat $FOLDER/version) (built)"\n')
    program.chmod(0o755)
    (server.folder / "version").write_text("2026.8.2")
    return program


CADDY = "/bin/caddy run --config /etc/caddy/Caddyfile"
IMPORTS = """echo '{"sites":"argoweb-probe.invalid"}'"""
REBUILT = {**LIVE, "argoWeb.nix": "{ new = 1; }\n"}


@pytest.mark.parametrize(
    ("version", "bad"), [("2026.8.0", True), ("2026.8.1", True), ("2026.8.2", False)]
)
def test_a_cloudflared_that_is_known_to_be_bad_is_warned_of_before_the_switch_and_after_it(
    server: Server, cloudflared: Path, version: str, bad: bool
) -> None:
    (server.folder / "version").write_text(version)
    builds(server, cloudflared, CADDY, IMPORTS)

    said, _ = server.work("activate", REBUILT)

    before, switched, after = said.partition("switching to the new system")
    assert switched, before
    assert f"checking argoWeb.yml with cloudflared {version}" in before
    for part in (before, after):
        assert (f"warning: cloudflared {version} changes the path" in part) is bad
        assert ("[cloudflared-bad]" in part) is bad


@pytest.mark.parametrize(
    ("rules", "refused"),
    [
        ('{"version":-1,"config":{"ingress":[{"hostname":"a.example"},{"hostname":""}]}}', None),
        ('{"config":{"ingress":[{"hostname":""},{"hostname":"a.example"}]},"version":-1}', None),
        ("404 page not found", None),
        ('{"version":0,"config":{"ingress":[{"hostname":"a.example"},{"hostname":""}]}}', "those of Cloudflare's dashboard (version 0)"),
        ('{"version":-1,"config":{"ingress":[{"hostname":"a.example"},{"hostname":"b.example"}]}}', "others, for a.example b.example."),
        ('{"version":-1,"config":{"ingress":[{"hostname":""}]}}', "others, for no hostname."),
    ],
)  # fmt: skip
def test_a_cloudflared_that_goes_by_other_rules_than_its_new_file_is_taken_back(
    server: Server, rules: str, refused: str | None
) -> None:
    server.stub(
        "curl", f"#!/bin/bash\nif [[ $* == */config ]]; then echo {shlex.quote(rules)}; fi\n"
    )
    yml = "ingress:\n- hostname: a.example\n  service: http://x\n- service: http_status:404\n"

    said, code = server.work(
        "activate", {**LIVE, "argoWeb.yml": yml}, "instance argoWeb.service 127.0.0.1:20251"
    )

    assert code == (0 if refused is None else 1)
    assert (server.live("argoWeb.yml") == yml) is (refused is None)
    if refused:
        assert f"cloudflared goes by other rules than those of {server.config}/argoWeb.yml" in said
        assert refused in said
        assert "the server serves what it served before" in said
    dashboards = str(refused).startswith("those of Cloudflare's dashboard")
    assert ("There is no way back for that tunnel: " in said) is dashboards
    added = "Was something added to its command? Look at: systemctl cat argoWeb.service\n"
    assert (added in said) is (refused is not None and not dashboards)


@pytest.mark.parametrize(
    ("code", "reason", "named"),
    [
        (22, "cloudflared has no connection to Cloudflare (http://127.0.0.1:20251/ready of argoWeb.service)", "[cloudflared-unconnected]"),
        (7, "nothing answers at http://127.0.0.1:20251/ready of argoWeb.service. Was cloudflared given another address", "[cloudflared-runs-another]"),
    ],
)  # fmt: skip
def test_a_cloudflared_that_is_not_connected_is_told_from_one_that_is_elsewhere(
    server: Server, code: int, reason: str, named: str
) -> None:
    server.stub("curl", f"#!/bin/bash\nif [[ $* == */ready ]]; then exit {code}; fi\n")
    server.gives_up_soon()

    said, _ = server.work("activate", NEW, "instance argoWeb.service 127.0.0.1:20251")

    assert f"Not healthy after 1 s: {reason}" in said
    assert named in said


OFF = """echo '{"admin": {"disabled": true}, "sites": "argoweb-probe.invalid"}'"""


@pytest.mark.parametrize(
    ("caddy", "answer", "message"),
    [
        (CADDY, OFF, "Caddy's admin endpoint is off, by which its unit is reloaded."),
        (CADDY, "echo '{}'", "which does not import our sites. Add this line there once"),
        (CADDY, "echo 'cannot have servers options with duplicate listener addresses'; exit 1", "put its lines into argoweb:caddy.serverOptions"),
        (CADDY, "echo 'duplicate global log option for: default'; exit 1", "where nixpkgs always sets services.caddy.logFormat"),
        ("/bin/caddy run --config FOLDER/caddy.json", "exit 1", "which is JSON (services.caddy.settings?) and cannot import our sites."),
    ],
)  # fmt: skip
def test_a_caddy_that_cannot_have_our_sites_is_refused_before_anything_is_touched(
    server: Server, cloudflared: Path, caddy: str, answer: str, message: str
) -> None:
    (server.folder / "caddy.json").write_text('{"apps": {}}')
    builds(server, cloudflared, caddy.replace("FOLDER", str(server.folder)), answer)

    said, code = server.work("activate", REBUILT)

    assert code == 1
    assert message in said
    assert said.endswith("STATE: nothing was changed on this server; it runs what it ran before.\n")
    assert server.live("argoWeb.nix") == LIVE["argoWeb.nix"]


def flat(text: str) -> str:
    """The lines by which two JSON texts are compared."""
    source = "\n".join((REMOTE / part).read_text() for part in PARTS if part == "caddy.sh")
    return subprocess.run(
        ["bash", "-c", f"{source}\nflat"], input=text, text=True, capture_output=True, check=True
    ).stdout


leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6))
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=30)
@given(value=values, other=values)
def test_two_texts_are_the_same_when_and_only_when_they_mean_the_same(
    value: Any, other: Any
) -> None:
    compact = json.dumps(value, separators=(",", ":"))
    shuffled = json.dumps(value, indent=2, sort_keys=True)

    assert flat(compact) == flat(shuffled)
    assert (flat(json.dumps(other)) == flat(compact)) == (
        json.dumps(other, sort_keys=True) == json.dumps(value, sort_keys=True)
    )


def test_the_order_of_a_list_counts_and_that_of_keys_does_not() -> None:
    one = '{"a":[{"to":1},{"to":2}],"b":[]}'

    assert flat(one) == flat('{"b": [ ], "a": [{"to": 1}, {"to": 2}]}')
    assert flat(one) != flat('{"a":[{"to":2},{"to":1}],"b":[]}')
    assert flat(one) != flat('{"a":[{"to":1},{"to":2}],"b":{}}')


SWITCHES = """set -euo pipefail
step() { :; }
learn_units() { :; }
current_system() { echo old; }
switch_to() { :; }
untouched() { echo "a child says so"; }
say_silenced() { :; }
WORK=$1 NEW_SYSTEM=new NEW_RUNNING=new BASE_SYSTEM=old INSTANCES=() TRANSACTION=none
trap broken_off EXIT
for _ in {1..40}; do
  rm -f "$WORK/watching"
  switch_system
  again=$(current_system)
done
"""


def test_what_watches_a_switch_that_takes_no_time_is_ended_in_silence(tmp_path: Path) -> None:
    source = "\n".join((REMOTE / part).read_text() for part in ("units.sh", "activate.sh"))

    result = subprocess.run(
        ["bash", "-c", f"{source}\n{SWITCHES}", "bash", tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )

    assert result.stdout == ""
    assert result.returncode == 0
