"""What the command line tells of the sandbox: faults of tests/told/faults.yaml one by one, terminals, flags, several stacks."""

import contextlib
import json
import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import World
from tests.engine.test_commands import argoweb, secrets, status, told
from tests.told.table import REALLY, ROWS

pytestmark = pytest.mark.long

DEPLOY = "/var/lib/argoweb-deploy"
DRIFT = REALLY["one by one by drift"]


@pytest.mark.parametrize("row", DRIFT, ids=[row["fault"] for row in DRIFT])
def test_what_differs_on_a_server_is_named_and_no_secret_shown(
    deployed: World, row: dict[str, Any]
) -> None:
    codes = {ROWS[row["fault"]]["line"].split()[0], *row.get("also", ())}
    hidden = secrets(deployed)
    deployed.ssh(row["do"])
    try:
        found = argoweb(deployed, "drift", "--json")
    finally:
        deployed.ssh(row["undo"])

    assert found.returncode == 1, found.stdout + found.stderr
    assert {line["code"] for line in told(found)["lines"]} == codes
    assert [secret for secret in hidden if secret in found.stdout + found.stderr] == []


def test_a_deployment_at_work_is_told_and_is_no_difference(deployed: World) -> None:
    deployed.ssh(f"mkdir {DEPLOY}/transaction")
    try:
        found = argoweb(deployed, "drift", "--json")
    finally:
        deployed.ssh(f"rmdir {DEPLOY}/transaction")

    assert found.returncode == 2
    assert [line["code"] for line in told(found)["lines"]] == ["server-at-work"]


def test_an_application_that_is_down_is_named_at_the_edge_and_on_the_server(
    deployed: World,
) -> None:
    deployed.ssh("systemctl stop app status")
    try:
        found = status(deployed, "--json")
    finally:
        deployed.ssh("systemctl start app status")

    assert found.returncode == 1
    assert {(line["code"], line["place"]) for line in told(found)["lines"]} == {
        ("edge-error", "app.example.localhost"),
        ("edge-error", "status.example-two.localhost"),
        ("origin-error", "web1"),
    }


def test_a_tunnel_without_connections_is_named_at_each_place(deployed: World) -> None:
    deployed.control("/weather", {"gone": True})
    try:
        deployed.wait_for(lambda: deployed.get("www.example.localhost")[0] == 530)
        found = status(deployed, "--json")
    finally:
        deployed.control("/weather", method="DELETE")
        deployed.wait_for(lambda: deployed.get("www.example.localhost")[0] == 200)

    codes = {line["code"] for line in told(found)["lines"]}
    assert codes == {"tunnel-down", "cloudflared-unconnected", "edge-error"}
    assert "error code 1033; it is the tunnel" in found.stdout


@pytest.fixture
def moved(deployed: World) -> Iterator[World]:
    """The example with a server whose pinned host key is another one."""
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
    with deployed.changed(lambda config: config["argoweb:servers"]["web1"].update(hostKey=other)):
        yield deployed


def test_a_server_that_shows_another_host_key_is_not_believed(moved: World) -> None:
    text, found = argoweb(moved, "drift"), status(moved, "--json")

    assert (text.returncode, found.returncode) == (2, 2)
    assert "shows another host key than the stack has" in text.stdout
    assert "correct argoweb:servers.web1.hostKey" in text.stdout
    assert [line["code"] for line in told(found)["lines"]] == ["server-host-key"]


@pytest.fixture
def by_admin(deployed: World) -> Iterator[World]:
    """The example reached by a user who is not root, and may use sudo without a password."""
    with deployed.changed(lambda config: config["argoweb:servers"]["web1"].update(user="admin")):
        yield deployed


def test_a_user_with_sudo_sees_what_root_sees(by_admin: World) -> None:
    found, logs = status(by_admin, "--json"), argoweb(by_admin, "logs", "--lines", "3")

    # Of another user the address differs, by which the server is known.
    assert {line["code"] for line in told(found)["lines"]} <= {"deployment-differs"}
    assert told(found)["servers"][0]["reached"]
    assert logs.returncode == 0
    assert "cloudflared[" in logs.stdout


def test_a_user_who_has_to_give_a_password_for_sudo_is_told_so(by_admin: World) -> None:
    by_admin.ssh("mv /etc/sudoers.d/admin /root/kept; rm -f /run/sudo/ts/admin")
    try:
        found = argoweb(by_admin, "drift")
    finally:
        by_admin.ssh("mv /root/kept /etc/sudoers.d/admin")

    assert found.returncode == 2
    assert "[server-not-root]" in found.stdout
    assert "NOPASSWD" in found.stdout


def test_several_stacks_are_shown_at_once_each_with_its_own(deployed: World) -> None:
    deployed.pulumi("stack", "init", "twin", "--copy-config-from", "sandbox")
    try:
        found = status(deployed, "--stack", "sandbox", "--stack", "twin", "--json")
    finally:
        deployed.pulumi("stack", "rm", "--yes", "--stack", "twin")

    one, other = json.loads(found.stdout)
    assert (one["stack"], other["stack"]) == ("argoweb/sandbox", "argoweb/twin")
    assert one["lines"] == []
    assert {"tunnel-not-made", "record-foreign", "server-of-another"} <= {
        line["code"] for line in other["lines"]
    }


def test_a_stack_that_cannot_be_read_ends_with_2_and_says_why(deployed: World) -> None:
    unknown = argoweb(deployed, "drift", "--stack", "nobody")
    with deployed.changed(lambda config: config.update({"argoweb:zones": []})):
        broken = argoweb(deployed, "drift")
    locked = deployed.run(
        "env", "-u", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_CONFIG_PASSPHRASE=wrong",
        ".venv/bin/python", "-m", "argoweb", "drift", check=False,
    )  # fmt: skip

    assert (unknown.returncode, broken.returncode, locked.returncode) == (2, 2, 2)
    assert "no stack named 'nobody' found" in unknown.stderr
    assert "argoweb:zones" in broken.stderr
    assert "incorrect passphrase" in locked.stderr
    assert "Traceback" not in unknown.stderr + broken.stderr + locked.stderr


def test_watch_looks_again_until_it_is_interrupted(deployed: World) -> None:
    main, side = pty.openpty()
    words = [
        ".venv/bin/python",
        "-m",
        "argoweb",
        "status",
        "--watch",
        "1",
        "--edge",
        deployed.status["edge_url"],
    ]
    with subprocess.Popen(
        words,
        cwd=deployed.root,
        env={**deployed.environment(), "TERM": "xterm"},
        stdin=side,
        stdout=side,
        stderr=side,
    ) as process:
        os.close(side)
        text, deadline = b"", time.monotonic() + 60
        while text.count(b"All is well") < 2 and time.monotonic() < deadline:
            if select.select([main], [], [], 1)[0]:
                text += os.read(main, 65536)
        process.send_signal(2)
        assert process.wait(timeout=30) == 0
    assert text.count(b"All is well") >= 2


def test_lines_for_programs_come_one_a_look(deployed: World) -> None:
    words = [
        ".venv/bin/python",
        "-m",
        "argoweb",
        "status",
        "--watch",
        "1",
        "--json",
        "--edge",
        deployed.status["edge_url"],
    ]
    with subprocess.Popen(
        words, cwd=deployed.root, env=deployed.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        looks = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.terminate()
    assert [look[0]["exit"] for look in looks] == [0, 0]


def talk(
    world: World, *words: str, says: list[tuple[bytes, bytes]], **variables: str
) -> tuple[bytes, int]:
    """What a command prints in a terminal, and its exit code: each text that is waited for is answered by another."""
    main, side = pty.openpty()
    surroundings = {
        **world.environment(),
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        **variables,
    }
    command = [".venv/bin/python", "-m", "argoweb", *words]
    with subprocess.Popen(
        command, cwd=world.root, env=surroundings, stdin=side, stdout=side, stderr=side
    ) as process:
        os.close(side)
        text, seen, deadline = b"", 0, time.monotonic() + 120
        while process.poll() is None:
            assert time.monotonic() < deadline, text
            if says and says[0][0] in text[seen:]:
                seen = len(text)
                os.write(main, says.pop(0)[1])
            if select.select([main], [], [], 0.2)[0]:
                with contextlib.suppress(OSError):  # the other end is closed
                    text += os.read(main, 65536)
        assert says == [], text
        return text, process.returncode


def test_a_shell_on_the_server_is_this_terminals(deployed: World) -> None:
    asked = b"tty; echo $((6 * 7)) at $(hostname)\n"

    text, code = talk(
        deployed, "ssh", "web1", says=[(b"web1", asked), (b"42 at web1", b"exit 5\n")]
    )

    assert b"/dev/pts/" in text
    assert code == 5


def test_a_followed_journal_goes_on_until_interrupted_and_leaves_nothing_behind(
    deployed: World,
) -> None:
    words = [".venv/bin/python", "-m", "argoweb", "logs", "web1", "--follow"]
    with subprocess.Popen(
        words, cwd=deployed.root, env=deployed.environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        deployed.ssh("systemctl restart argoWeb-2")
        assert any("argoWeb-2" in process.stdout.readline() for _ in range(200))
        process.send_signal(2)
        process.wait(timeout=30)

    deployed.wait_for(lambda: "--follow" not in deployed.ssh("ps ax"), 20)


def test_a_stack_that_was_made_by_questions_is_deployed_and_serves(
    fresh: World, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/id_ed25519").write_text((fresh.root / ".sandbox/ssh_key").read_text())
    token = fresh.variables.pop("CLOUDFLARE_API_TOKEN")
    fresh.variables["PULUMI_STACK"] = "mysite"
    door = fresh.status["ssh"]
    enter = b"\r"

    text, code = talk(
        fresh, "init", "--stack", "mysite", HOME=str(home),
        says=[
            (b"API token", token.encode() + enter),
            (b"Zones:", b" " + enter),
            (b"Name of the server", enter),
            (b"IP address", b"127.0.0.1" + enter),
            (b"SSH port", str(door["port"]).encode() + enter),
            (b"SSH user", enter),
            (b"on the server?", b"y"),
            (b"SSH key", enter),
            (b"Hostname of the first site", b"app.example.localhost" + enter),
            (b"What answers there", enter),
            (b"Its proxy", enter),
        ],
    )  # fmt: skip

    assert b"fingerprint SHA256:" in text
    assert b"builtins.pathExists /etc/caddy/argoWeb.nix" in text
    assert b"argoweb/mysite can be read" in text
    assert code == 1  # what the doctor misses: Cloudflare's port
    file = (fresh.root / "Pulumi.mysite.yaml").read_text()
    assert token not in file + text.decode()
    assert "OPENSSH" not in file + text.decode()
    fresh.up()
    assert fresh.get("app.example.localhost")[0] == 200
    assert argoweb(fresh, "drift").returncode == 0


@pytest.fixture
def other(world: World) -> Iterator[list[str]]:
    """The flags of another stack in that sandbox."""
    door = world.status["ssh"]
    flags = {
        "stack": "other", "zone": "example.localhost", "address": "127.0.0.1", "port": str(door["port"]),
        "ssh-key": door["private_key_file"], "site": "www.example.localhost=proxy:127.0.0.1:3000",
    }  # fmt: skip
    yield [word for name, value in flags.items() for word in (f"--{name}", value)]
    world.pulumi("stack", "rm", "--yes", "--stack", "other")


def config_of(world: World) -> str:
    return world.pulumi("config", "--stack", "other", "--json").stdout


def test_flags_answer_all_questions_and_a_second_time_nothing_is_changed(
    deployed: World, other: list[str]
) -> None:
    first = argoweb(deployed, "init", *other, "--trust-host-key", "--json")
    text = (deployed.root / "Pulumi.other.yaml").read_text()
    again = argoweb(
        deployed, "init", "--stack", "other", "--site", "x.example.localhost=root:/srv", "--json"
    )

    assert {
        line["code"] for line in told(first)["lines"] if line["level"] in ("error", "unknown")
    } == {"edge-tcp", "server-of-another"}
    assert (deployed.root / "Pulumi.other.yaml").read_text() == text
    assert told(again)["exit"] == first.returncode
    door = deployed.status["ssh"]
    assert json.loads(config_of(deployed))["argoweb:servers"]["objectValue"] == {
        "web1": {"address": "127.0.0.1", "port": door["port"], "hostKey": door["host_key"]}
    }
    key = Path(door["private_key_file"]).read_text().splitlines()[1]
    assert key not in text + first.stdout + first.stderr + again.stdout


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "--host-key is needed where nobody can be asked"),
        (["--trust-host-key", "--port", "1"], "port 1 shows no host key"),
        (["--trust-host-key", "--port", "x"], "a port is a number from 1 to 65535"),
        (["--trust-host-key", "--site", "www"], "expected HOSTNAME=KIND:VALUE"),
        (["--trust-host-key", "--ssh-key", "/nowhere"], "/nowhere cannot be read"),
        (["--trust-host-key", "--token-file", "/nowhere"], "/nowhere cannot be read"),
        (["--trust-host-key", "--account", "f" * 32, "--token-file", "Pulumi.yaml"], "cloudflare:apiToken: is no API token"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_sets_nothing(
    world: World, other: list[str], more: list[str], said: str
) -> None:
    kept = dict(world.variables)
    if "--token-file" in more:
        world.variables.pop("CLOUDFLARE_API_TOKEN")
    flags = (
        [word for word in other if word not in ("--site", other[-1])] if "--site" in more else other
    )
    try:
        found = argoweb(world, "init", *flags, *more)
    finally:
        world.variables = kept

    assert found.returncode == 2
    assert said in found.stderr
    assert "Traceback" not in found.stderr
    given = json.loads(config_of(world))
    made = [f"argoweb:{key}" for key in ("accountId", "zones", "servers", "sites", "sshPrivateKey")]
    assert [
        key for key in made if given.get(key, {}).get("value", "") not in ("", "{}", "[]")
    ] == []
